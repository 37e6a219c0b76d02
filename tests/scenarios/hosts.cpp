// What the machines ask for is done, and told.
#include <algorithm>
#include <utility>

#include "tests/scenarios/world.hpp"

namespace assent::scenarios {
namespace {

template <typename... T>
struct Overloaded : T... {
  using T::operator()...;
};
template <typename... T>
Overloaded(T...) -> Overloaded<T...>;

std::string first_word(const std::string& text) {
  return text.substr(0, text.find_first_of(" :\n"));
}

// "Vote t1" of a message that was told in full when it was sent.
template <typename Message>
std::string heard(const Message& message, const Names& names) {
  return std::visit(
      [&](const auto& each) {
        std::string text = first_word(names.text(each));
        if constexpr (requires { each.gid.tx; }) text += " " + names.of(each.gid.tx);
        return text;
      },
      message);
}

}  // namespace

// ---- coordinator
// -----------------------------------------------------------------------------------

void World::take(Coordinator& who, const CoordinatorEvent& event) {
  if (!who.machine) return;
  const std::string says = who.name + " < ";
  std::visit(
      Overloaded{[&](const FromParticipant& from) {
                   say(says + heard(from.message, names_) + " from " + from.participant);
                 },
                 [&](const LinkUp& link) { say(says + "Hello from " + link.hello.participant); },
                 [](const Begin&) {}, [](const ExecuteAsked&) {}, [](const CommitAsked&) {},
                 [](const RollbackAsked&) {}, [](const ResolveAsked&) {},
                 [](const AcknowledgeAsked&) {}, [](const Drain&) {}, [](const LimitsChanged&) {},
                 [&](const auto& other) { say(says + names_.text(other)); }},
      event);
  observer.coordinator_took(event, who.machine->epoch());
  std::vector<CoordinatorAction> actions;
  who.machine->step(event, read_clock(), actions);
  std::vector<RecordNumber> refused;
  for (const CoordinatorAction& action : actions) {
    if (!who.superseded) observer.coordinator_did(action, *who.machine);
    if (perform(who, action)) refused.push_back(std::get<Log>(action).number);
    if (!who.machine) break;
  }
  check_all();
  for (const RecordNumber number : refused) take(who, LogRefused{number});
}

bool World::perform(Coordinator& who, const CoordinatorAction& action) {
  const std::string says = who.name + " > ";
  if (const auto* send = std::get_if<Send>(&action)) {
    say(says + send->participant + ": " + names_.text(send->message));
    const auto link = who.links.find(send->participant);
    if (link == who.links.end()) {
      say("(lost: there is no link)");
      return false;
    }
    Message message = make_message(who.name, send->participant, send->message, names_);
    message.link = link->second;
    put_in_air(std::move(message));
  } else if (const auto* log = std::get_if<Log>(&action)) {
    say(says + "log: " + names_.text(log->record));
    if (who.ledger.full) return true;
    who.ledger.append(log->number, log->record);
  } else if (const auto* reply = std::get_if<Reply>(&action)) {
    const std::string& as = asked_[reply->request];
    const std::string about = names_.of(reply->tx);
    say(says + "client: " + names_.text(*reply) + (about == as ? "" : " (asked as " + as + ")"));
    put_in_air(make_message(who.name, "client", *reply, names_));
  } else if (const auto* disconnect = std::get_if<Disconnect>(&action)) {
    say(says + names_.text(*disconnect));
    const auto link = who.links.find(disconnect->participant);
    if (link != who.links.end()) break_link(link->second);
  } else {
    say(says + names_.text(std::get<Stop>(action)));
    end_coordinator(who, false);
  }
  return false;
}

// ---- participant
// -----------------------------------------------------------------------------------

void World::take(Participant& who, const ParticipantEvent& event, Epoch from) {
  if (!who.machine) return;
  const std::string says = who.name + " < ";
  if (const auto* message = std::get_if<FromCoordinator>(&event))
    say(says + heard(message->message, names_));
  else
    say(says + names_.text(event));
  observer.participant_took(who.name, event, from);
  std::vector<ParticipantAction> actions;
  who.machine->step(event, read_clock(), actions);
  for (const ParticipantAction& action : actions) {
    observer.participant_did(who.name, action);
    perform(who, action);
  }
  check_all();
}

void World::perform(Participant& who, const ParticipantAction& action) {
  const std::string says = who.name + " > ";
  if (const auto* send = std::get_if<SendToCoordinator>(&action)) {
    const std::string to = who.link ? who.link->coordinator : "coordinator";
    say(says + to + ": " + names_.text(send->message));
    if (!who.link) return say("(lost: there is no link)");
    Message message = make_message(who.name, to, send->message, names_);
    message.link = who.link;
    put_in_air(std::move(message));
  } else if (const auto* alarm = std::get_if<Alarm>(&action)) {
    say(says + "alarm about " + names_.of(alarm->gid.tx) + ": " + alarm->text);
    who.alarms.insert(names_.of(alarm->gid.tx));
  } else if (const auto* close = std::get_if<CloseLink>(&action)) {
    say(says + names_.text(*close));
    if (who.link) break_link(who.link);
  } else {
    say(says + "database: " + names_.text(action));
    ask_database(who, action);
  }
}

// What a participant is told of a verb when the connection is gone before the answer.
static std::optional<ParticipantEvent> told_if_lost(const ParticipantAction& verb) {
  Failure gone;
  gone.problem = Problem::participant_unavailable;
  gone.message = "the connection to the database was lost";
  using Event = std::optional<ParticipantEvent>;
  return std::visit(
      Overloaded{
          [&](const RunWork& v) -> Event {
            return WorkDone{v.gid, v.seq, gone};
          },
          [](const PrepareBranch& v) -> Event {
            return PrepareDone{v.gid, PrepareDone::Lost{}};
          },
          [](const DropOpen& v) -> Event { return Dropped{v.gid}; },
          [&](const FinishPrepared& v) -> Event {
            return FinishDone{v.gid, v.outcome, FinishDone::Result::again, "connection lost"};
          },
          [](const ReadStatus& v) -> Event {
            return StatusRead{v.gid, StatusRead::Status::unavailable};
          },
          [&](const ListPrepared&) -> Event { return ListFailed{gone.message}; },
          [&](const RaiseMark& v) -> Event {
            return MarkFailed{v.mark.ledger, gone.message};
          },
          [](const WriteJournal& v) -> Event {
            return JournalWritten{v.batch, false};
          },
          [](const ReadJournal& v) -> Event {
            return JournalRead{v.gid, Knowledge::nothing, 0, false, Application::applied};
          },
          [&](const VerifyPrepared& v) -> Event {
            return Verified{v.gid, v.ask, v.peers, gone};
          },
          [](const auto&) -> Event { return std::nullopt; }},
      verb);
}

void World::ask_database(Participant& who, const ParticipantAction& verb) {
  Message message = make_message(who.name, who.name + ".database", verb, names_);
  message.if_lost = told_if_lost(verb);
  if (const auto* work = std::get_if<RunWork>(&verb))
    message.deadline = now_.steady + work->time_left;
  if (const auto* prepare = std::get_if<PrepareBranch>(&verb))
    message.deadline = now_.steady + prepare->time_left;
  put_in_air(std::move(message));
}

}  // namespace assent::scenarios
