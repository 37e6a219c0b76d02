// What is on its way: delivered, lost, held, done late.
#include <algorithm>
#include <utility>

#include "tests/scenarios/world.hpp"

namespace assent::scenarios {

void World::put_in_air(Message message) {
  const auto placed = std::make_shared<Message>(std::move(message));
  air_.push_back(placed);
  if (placed->link && cuts.count({placed->from, placed->to}))
    return lose(placed, "the line is cut");
  for (Pattern& hold : holds) {
    if (!hold.matches(*placed)) continue;
    ++hold.used;
    placed->held = true;
    say("(held: " + placed->brief() + ")");
    return;
  }
}

bool World::is_in_air(const std::shared_ptr<Message>& message) const {
  return std::find(air_.begin(), air_.end(), message) != air_.end();
}

void World::remove(const std::shared_ptr<Message>& message) {
  air_.erase(std::remove(air_.begin(), air_.end(), message), air_.end());
}

std::vector<std::shared_ptr<Message>> World::in_air(const Pattern& pattern) const {
  std::vector<std::shared_ptr<Message>> found;
  for (const auto& message : air_)
    if (pattern.matches(*message)) found.push_back(message);
  return found;
}

std::vector<std::shared_ptr<Message>> World::travelling() const {
  std::vector<std::shared_ptr<Message>> found;
  for (const auto& message : air_)
    if (message->link && !message->held) found.push_back(message);
  return found;
}

// ---- arriving
// --------------------------------------------------------------------------------------

void World::deliver(const std::shared_ptr<Message>& message) {
  message->held = false;
  if (message->to.ends_with(".database")) {
    run_verb(message);
    return;
  }
  remove(message);
  arrive(*message);
}

void World::arrive(const Message& message) {
  if (const auto* reply = std::get_if<Reply>(&message.cargo)) {
    told[asked_[reply->request]] = reply->fate;
  } else if (const auto* event = std::get_if<ParticipantEvent>(&message.cargo)) {
    take(participant(message.to), *event);
  } else if (const auto* to_participant = std::get_if<ToParticipant>(&message.cargo)) {
    Participant& who = participant(message.to);
    if (who.link != message.link) return say("(lost: " + message.brief() + "; another link)");
    take(who, FromCoordinator{*to_participant}, message.link->epoch);
  } else if (const auto* to_coordinator = std::get_if<ToCoordinator>(&message.cargo)) {
    Coordinator& who = coordinator(message.to);
    if (!message.link->at_coordinator)
      return say("(lost: " + message.brief() + "; the link is broken)");
    const auto* hello = std::get_if<Hello>(to_coordinator);
    if (!hello) return take(who, FromParticipant{message.from, *to_coordinator});
    const auto older = who.links.find(message.from);
    if (older != who.links.end() && older->second != message.link) break_link(older->second);
    who.links[message.from] = message.link;
    take(who, LinkUp{*hello});
  }
}

void World::lose(const std::shared_ptr<Message>& message, const std::string& how) {
  remove(message);
  say("(lost: " + message->brief() + (how.empty() ? "" : "; " + how) + ")");
  if (!message->if_lost) return;
  const bool is_answer = std::holds_alternative<ParticipantEvent>(message->cargo);
  take(participant(is_answer ? message->to : message->from), *message->if_lost);
}

// ---- databases
// -------------------------------------------------------------------------------------

// Work that is not done when its branch is dropped or its prepare cancelled ends with an error.
void World::end_unfinished(const Participant& who, const Gid& gid) {
  Pattern pattern;
  pattern.from = who.name;
  pattern.to = who.name + ".database";
  for (const auto& message : in_air(pattern)) {
    Failure failure;
    failure.problem = Problem::statement_failed;
    failure.sqlstate = "57014";
    failure.message = "cancelled";
    const auto& verb = std::get<ParticipantAction>(message->cargo);
    std::optional<ParticipantEvent> answer;
    if (const auto* work = std::get_if<RunWork>(&verb); work && work->gid == gid)
      answer = WorkDone{gid, work->seq, failure};
    if (const auto* prepare = std::get_if<PrepareBranch>(&verb); prepare && prepare->gid == gid)
      answer = PrepareDone{gid, PrepareDone::No{failure}};
    if (!answer) continue;
    remove(message);
    put_in_air(make_message(who.name + ".database", who.name, *answer, names_));
  }
}

bool World::run_verb(const std::shared_ptr<Message>& message) {
  Participant& who = participant(message->from);
  const auto verb = std::get<ParticipantAction>(message->cargo);
  if (!who.connected) {
    if (message->kind == "SettleLost") return false;  // it ends when it knows
    lose(message, "");
    return true;
  }
  if (const auto* cancel = std::get_if<CancelPrepare>(&verb)) end_unfinished(who, cancel->gid);
  if (const auto* drop = std::get_if<DropOpen>(&verb)) end_unfinished(who, drop->gid);
  if (const auto* settle_lost = std::get_if<SettleLost>(&verb)) late_.erase(settle_lost->gid);
  const auto answer = who.database.run(verb);
  if (!answer && message->if_lost) {
    if (!std::exchange(message->waits, true))
      say("(" + message->kind + " " + message->tx + " waits for a row at " + message->to + ")");
    return false;
  }
  remove(message);
  if (!answer) return true;
  Message back = make_message(message->to, who.name, *answer, names_);
  back.if_lost = message->if_lost;
  put_in_air(std::move(back));
  return true;
}

void World::flow() {
  for (bool moved = true; moved;) {
    moved = false;
    const auto all = air_;
    for (const auto& message : all) {
      if (message->held || message->link || !is_in_air(message)) continue;
      if (message->to.ends_with(".database")) {
        moved = run_verb(message) || moved;
        continue;
      }
      remove(message);
      arrive(*message);
      moved = true;
    }
  }
}

void World::make_late(const std::shared_ptr<Message>& message) {
  const auto* verb = std::get_if<ParticipantAction>(&message->cargo);
  const auto* prepare = verb ? std::get_if<PrepareBranch>(verb) : nullptr;
  if (!prepare) throw Refusal(message->brief() + " is not a PREPARE that is under way");
  late_[prepare->gid] = *message;
  say("(the backend of " + message->tx + " at " + message->from + " goes on by itself)");
  if (participants_.at(message->from).machine)
    lose(message, "the connection broke");
  else
    remove(message);
}

bool World::finish_late(const Gid& gid) {
  const auto found_late = late_.find(gid);
  if (found_late == late_.end()) return false;
  const auto verb = std::get<ParticipantAction>(found_late->second.cargo);
  late_.erase(found_late);
  participant(gid.participant).database.run(verb);
  check_all();
  return true;
}

void World::end_late(const Participant& who) {
  for (auto each = late_.begin(); each != late_.end();) {
    if (each->first.participant != who.name) {
      ++each;
      continue;
    }
    say("(the backend of " + names_.of(each->first.tx) + " at " + who.name + " is ended)");
    each = late_.erase(each);
  }
}

// ---- everything
// ------------------------------------------------------------------------------------

void World::request(CoordinatorEvent event, const std::string& asked_as) {
  Coordinator& who = coordinator();
  if (!who.machine) throw Refusal("the coordinator does not run; a client would find nobody");
  const RequestId request = ++last_request_;
  asked_[request] = asked_as;
  epochs_.emplace(asked_as, who.machine->epoch());
  std::visit(
      [request](auto& each) {
        if constexpr (requires { each.request; }) each.request = request;
      },
      event);
  take(who, event);
}

void World::sync(Coordinator& who) {
  if (!who.machine || who.ledger.is_synced()) return;
  for (const LogRecord& record : who.ledger.sync())
    observer.record_durable(record, who.ledger.competed);
  take(who, Logged{who.ledger.last_number()});
}

void World::settle() {
  for (int rounds = 0; rounds < 1000; ++rounds) {
    flow();
    const auto all = travelling();
    if (!all.empty()) {
      deliver(all.front());
      continue;
    }
    bool synced = false;
    for (auto& [name, each] : coordinators_) {
      if (!each.machine || each.ledger.is_synced()) continue;
      sync(each);
      synced = true;
    }
    if (!synced) return;
  }
  found({"I10", "what is in the air never comes to an end"});
}

void World::pass(Duration time) {
  now_.steady += time;
  now_.wall_ms += time.count();
  const auto all = air_;
  for (const auto& message : all)
    if (message->waits && message->deadline <= now_.steady)
      end_unfinished(participant(message->from), std::visit(
                                                     [](const auto& each) {
                                                       if constexpr (requires { each.gid.tx; })
                                                         return each.gid;
                                                       else
                                                         return Gid{};
                                                     },
                                                     std::get<ParticipantAction>(message->cargo)));
  const auto is_due = [this](const auto& machine) {
    const auto wake = machine ? machine->wake_at() : std::nullopt;
    return wake && *wake <= now_.steady;
  };
  for (auto& [name, each] : coordinators_)
    if (is_due(each.machine)) take(each, CoordinatorTick{});
  for (auto& [name, each] : participants_)
    if (is_due(each.machine)) take(each, ParticipantTick{});
}

void World::rest() {
  quietly([this] {
    for (int rounds = 0; rounds < 6; ++rounds) {
      settle();
      pass(Duration(10'000));
    }
    settle();
  });
  for (auto& [name, each] : coordinators_) {
    if (!each.machine) continue;
    for (const Violation& violation : check_at_rest(*each.machine)) found(violation);
    if (!each.superseded) observer.at_rest(*each.machine);
  }
  for (auto& [name, each] : participants_)
    if (each.machine)
      for (const Violation& violation : check_at_rest(*each.machine)) found(violation);
  check_all();
  if (!violated_) say("at rest");
}

}  // namespace assent::scenarios
