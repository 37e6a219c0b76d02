#include "tests/scenarios/world.hpp"

#include <algorithm>
#include <utility>

#include "protocol/runtime/suggestion.hpp"

namespace assent::scenarios {
namespace {

constexpr std::int64_t kWallStart = 1'800'000'000'000;

template <typename T>
T& known(std::map<std::string, T>& all, const std::string& what, const std::string& name) {
  const auto found = all.find(name);
  if (found != all.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [each, value] : all) names.push_back(each);
  throw Refusal("no " + what + " is called \"" + name + "\"" + suggestion(name, names));
}

}  // namespace

LedgerId World::ledger_id() {
  return {make_uuid7(1, {9})};
}

LedgerId World::other_ledger_id() {
  return {make_uuid7(3, {4})};
}

World::World() : now_{Instant(std::chrono::seconds(1000)), kWallStart} {
  // A sweep is a scenario's subject, or not in it.
  participant_limits.sweep_interval = Duration(3'600'000);
  names_.name(ledger_id().uuid, "L");
  names_.name(other_ledger_id().uuid, "M");
  coordinators_.emplace("coordinator",
                        Coordinator{"coordinator", Ledger(ledger_id()), {}, {}, false});
}

// ---- the story
// -------------------------------------------------------------------------------------

void World::say(const std::string& line) {
  if (!quiet_) output_.push_back(line);
}

void World::quietly(const std::function<void()>& what) {
  const bool before = std::exchange(quiet_, true);
  try {
    what();
  } catch (...) {
    quiet_ = before;
    throw;
  }
  quiet_ = before;
}

void World::found(const Violation& violation) {
  violated_ = true;
  output_.push_back("VIOLATION " + violation.invariant + ": " + names_.shorten(violation.what));
}

// After every step of anybody.
void World::check_all() {
  for (const auto& [name, each] : coordinators_)
    if (each.machine)
      for (const Violation& violation : check(*each.machine)) found(violation);
  for (const auto& [name, each] : participants_)
    if (each.machine)
      for (const Violation& violation : check(*each.machine)) found(violation);
  const auto& all = observer.violations();
  for (; violations_seen_ < all.size(); ++violations_seen_) found(all[violations_seen_]);
}

// ---- parties
// ---------------------------------------------------------------------------------------

Coordinator& World::coordinator(const std::string& name) {
  return known(coordinators_, "coordinator", name);
}

Participant& World::participant(const std::string& name) {
  return known(participants_, "participant", name);
}

void World::add_participant(const std::string& name) {
  if (!is_participant_name(name) || name == "coordinator" || name == "copy" || name == "client")
    throw Refusal("\"" + name + "\" cannot be a participant's name");
  const auto server = participants_.size() + 1;
  if (!participants_.try_emplace(name, observer, name, server).second)
    throw Refusal(name + " is there already");
}

// Somebody starts a copy of the ledger. From now on what either decides may be lost to the other.
void World::add_copy() {
  Coordinator& first = coordinator();
  first.superseded = true;
  first.ledger.competed = true;
  const auto [place, is_new] =
      coordinators_.emplace("copy", Coordinator{"copy", first.ledger.copy(), {}, {}, false});
  if (!is_new) throw Refusal("there is a copy already");
  start_coordinator(place->second, false, true, false);
}

TxId World::tx(const std::string& name) const {
  auto all = txs_;
  return known(all, "transaction", name);
}

TxId World::new_tx(const std::string& name) {
  const auto number = static_cast<std::uint8_t>(txs_.size() + 1);
  const TxId id{make_uuid7(read_clock().wall_ms + number, {number})};
  if (!txs_.emplace(name, id).second) throw Refusal(name + " has begun already");
  names_.name(id.uuid, name);
  return id;
}

Gid World::gid(const std::string& of, const std::string& participant) const {
  const TxId id = tx(of);
  for (const auto& [name, each] : coordinators_)
    if (each.machine)
      if (const Transaction* known = each.machine->find(id); known && known->epoch != 0)
        return {ledger_id(), known->epoch, id, participant};
  const auto epoch = epochs_.find(of);
  return {ledger_id(), epoch == epochs_.end() ? 1 : epoch->second, id, participant};
}

// ---- life and death
// --------------------------------------------------------------------------------

void World::start_coordinator(Coordinator& who, bool torn, bool moved, bool restored) {
  if (who.machine) throw Refusal(who.name + " runs already");
  const Recovered recovered = who.ledger.recover(torn, moved, restored);
  for (const LogRecord& record : recovered.records)
    observer.record_durable(record, who.ledger.competed);
  const Uuid life = make_uuid7(2, {++last_life_});
  names_.name(life, "life" + std::to_string(last_life_));
  const EpochRecord start = who.ledger.start(recovered, life, read_clock().wall_ms);
  who.machine.emplace(coordinator_limits, recovered, start, read_clock());
  say(who.name + " starts: epoch " + std::to_string(start.epoch) + ", " +
      std::string(to_string(who.machine->standing())));
  for (const auto& [id, tx] : who.machine->transactions())
    say(who.name + " knows " + names_.of(id) + ": " + std::string(to_string(tx.state)));
  check_all();
}

void World::end_coordinator(Coordinator& who, bool power_lost) {
  if (!who.machine) throw Refusal(who.name + " does not run");
  who.machine.reset();
  if (power_lost)
    who.ledger.lose_unsynced();
  else
    who.ledger.keep_written();
  const auto all = air_;
  for (const auto& message : all)
    if (message->from == who.name && message->to == "client") lose(message, "");
  who.links.clear();
  for (auto& [name, each] : participants_)
    if (each.link && each.link->coordinator == who.name) break_link(each.link);
}

void World::start_participant(Participant& who) {
  if (who.machine) throw Refusal(who.name + " runs already");
  who.machine.emplace(who.name, participant_limits);
  if (who.database.up) connect_database(who);
  if (coordinator().machine) connect(who, "coordinator");
}

void World::end_participant(Participant& who) {
  if (!who.machine) throw Refusal(who.name + " does not run");
  who.machine.reset();
  who.connected = false;
  const auto all = air_;
  for (const auto& message : all) {
    if (!message->is_of_database() || (message->from != who.name && message->to != who.name))
      continue;
    if (message->kind == "PrepareBranch")
      make_late(message);
    else
      remove(message);
  }
  who.database.end_open();
  if (who.link) break_link(who.link);
}

void World::connect(Participant& who, const std::string& to) {
  if (!who.machine) throw Refusal(who.name + " does not run");
  if (who.link) throw Refusal(who.name + " has a link");
  Coordinator& there = coordinator(to);
  if (!there.machine) throw Refusal(to + " does not run");
  who.link = std::make_shared<Link>(Link{to, who.name, there.machine->epoch(), true, true});
  take(who, LinkOpened{});
}

// What is on its way on the link is lost with it.
void World::break_link(std::shared_ptr<Link> link, bool at_coordinator, bool at_participant) {
  const auto all = air_;
  for (const auto& message : all)
    if (message->link == link) lose(message, "the link is broken");
  Participant& who = participant(link->participant);
  if (at_participant && std::exchange(link->at_participant, false)) {
    if (who.link == link) who.link = nullptr;
    if (who.machine) take(who, LinkClosed{});
  }
  if (!at_coordinator || !std::exchange(link->at_coordinator, false)) return;
  Coordinator& there = coordinator(link->coordinator);
  const auto known_link = there.links.find(link->participant);
  if (known_link == there.links.end() || known_link->second != link) return;
  there.links.erase(known_link);
  take(there, LinkDown{link->participant});
}

// First the backends of whoever was connected before are gone; only then is looked.
void World::connect_database(Participant& who) {
  if (!who.database.up) throw Refusal("the database of " + who.name + " is down");
  end_late(who);
  who.connected = true;
  take(who, who.database.seen());
}

void World::lose_database(Participant& who, const std::string& reason) {
  if (!who.connected) return;
  who.connected = false;
  take(who, DatabaseDown{reason});
  const auto all = air_;
  for (const auto& message : all) {
    const bool concerned = message->from == who.name || message->to == who.name;
    if (!is_in_air(message) || !message->is_of_database() || !concerned) continue;
    if (message->kind == "SettleLost") continue;
    if (message->kind == "PrepareBranch" && who.database.up)
      make_late(message);
    else
      lose(message, "");
  }
  if (who.database.up)
    who.database.end_open();
  else
    end_late(who);
}

}  // namespace assent::scenarios
