#include <algorithm>

#include "tests/simulation/explore_steps.hpp"

namespace assent::explore {
namespace {

void insert(std::vector<Id>& ids, Id id) {  // what is on the way already is not there twice
  const auto at = std::lower_bound(ids.begin(), ids.end(), id);
  if (at == ids.end() || *at != id) ids.insert(at, id);
}

void erase(std::vector<Id>& ids, Id id) {
  ids.erase(std::find(ids.begin(), ids.end(), id));
}

constexpr std::uint32_t kBitsOfBudget = 4;

}  // namespace

unsigned left_of(std::uint32_t budget, Fault fault) {
  return budget >> (kBitsOfBudget * static_cast<unsigned>(fault)) & 0xf;
}

// ---- shared
// ---------------------------------------------------------------------------------------

const Site& Draft::look(std::size_t index) const {
  return changed_[index] ? *changed_[index] : p_.site(state_.sites[index]);
}

Site& Draft::site(std::size_t index) {
  if (!changed_[index]) changed_[index] = p_.site(state_.sites[index]);
  return *changed_[index];
}

Step Draft::finish(bool is_fault) {
  for (std::size_t i = 0; i < p_.bounds().participants; ++i)
    if (changed_[i]) state_.sites[i] = p_.add(i, *changed_[i]);
  return {state_, is_fault, std::move(violations_), std::move(text_)};
}

void Draft::say(const std::string& what) {
  if (with_text_) text_.push_back(what);
}

void Draft::spend(Fault fault) {
  state_.budget -= 1U << (kBitsOfBudget * static_cast<unsigned>(fault));
}

void Draft::observed(const Observed& result) {
  violations_.insert(violations_.end(), result.violations.begin(), result.violations.end());
  state_.observer = result.after;
}

void Draft::happened(std::size_t site, const std::vector<Fact>& facts) {
  for (const Fact& fact : facts) observed(p_.happened(state_.observer, site, fact));
}

// ---- the coordinator
// ------------------------------------------------------------------------------

void Draft::coordinator_takes(const CoordinatorEvent& event, bool log_refuses) {
  coordinator_did(p_.turn(state_.coordinator, event), log_refuses);
}

void Draft::coordinator_did(const CoordinatorTurn& turn, bool log_refuses) {
  const Id before = state_.coordinator;
  if (with_text_) {
    say("coordinator < " + to_text(turn.event, p_.text_options()));
    for (const CoordinatorAction& action : turn.actions)
      say("coordinator > " + to_text(action, p_.text_options()));
  }
  violations_.insert(violations_.end(), turn.violations.begin(), turn.violations.end());
  state_.coordinator = turn.after;
  observed(p_.took(state_.observer, before, turn));
  observed(p_.client_asks(state_.observer, state_.coordinator));
  if (!turn.records.empty() && !log_refuses) {
    Ledger ledger = p_.ledger(state_.ledger);
    ledger.entries.insert(ledger.entries.end(), turn.records.begin(), turn.records.end());
    state_.ledger = p_.add(ledger);
  }
  for (const std::size_t index : turn.disconnects) site(index).link.broken = true;
  for (const Addressed& sent : turn.sends) {
    const Link& link = look(sent.site).link;
    if (link.carries() && link.named) insert(site(sent.site).to_participant, sent.message);
  }
  for (const CoordinatorEvent& next : turn.planted) coordinator_takes(next);
  if (!log_refuses) return;
  is_void_ = turn.records.empty();
  for (const Ledger::Entry& entry : turn.records) coordinator_takes(LogRefused{entry.number});
}

void Draft::start_coordinator() {
  const Parties::Start& start = p_.start_coordinator(state_.ledger);
  for (const Id record : start.durable) observed(p_.durable(state_.observer, record));
  state_.ledger = start.ledger;
  state_.coordinator = start.coordinator;
  observed(p_.client_asks(state_.observer, state_.coordinator));
  if (with_text_)
    say("-- the coordinator starts with epoch " +
        std::to_string(p_.coordinator(start.coordinator).machine.epoch()));
}

void Draft::crash_coordinator(std::size_t records_kept, bool torn) {
  Ledger ledger = p_.ledger(state_.ledger);
  say("-- the coordinator crashes; of " + std::to_string(ledger.entries.size() - ledger.durable) +
      " records that are not durable the log keeps " + std::to_string(records_kept) +
      (torn ? " and a torn one" : ""));
  ledger.entries.resize(ledger.durable + records_kept);
  for (Ledger::Entry& entry : ledger.entries) entry.number = 0;
  ledger.durable = ledger.entries.size();
  ledger.torn = torn;
  state_.ledger = p_.add(ledger);
  state_.coordinator = 0;
  for (std::size_t i = 0; i < p_.bounds().participants; ++i) {
    if (!look(i).link.open_at_coordinator) continue;
    Site& each = site(i);
    each.link.open_at_coordinator = each.link.named = false;
    each.to_coordinator.clear();
  }
}

void Draft::make_durable(std::size_t entries, bool log_refuses) {
  Ledger ledger = p_.ledger(state_.ledger);
  RecordNumber last = 0;
  for (; entries > 0; --entries) {
    Ledger::Entry& entry = ledger.entries[ledger.durable++];
    last = std::exchange(entry.number, 0);
    observed(p_.durable(state_.observer, entry.record));
  }
  state_.ledger = p_.add(ledger);
  coordinator_takes(Logged{last}, log_refuses);
}

// ---- the participant
// ------------------------------------------------------------------------------

void Draft::participant_takes(std::size_t index, const ParticipantEvent& event, bool sweep) {
  participant_did(index, p_.turn(index, site(index).machine, event, sweep));
}

void Draft::participant_did(std::size_t index, const ParticipantTurn& turn) {
  Site& here = site(index);
  if (with_text_) {
    say(p_.name(index) + " < " + to_text(turn.event, p_.text_options()));
    for (const ParticipantAction& action : turn.actions)
      say(p_.name(index) + " > " + to_text(action, p_.text_options()));
  }
  violations_.insert(violations_.end(), turn.violations.begin(), turn.violations.end());
  here.machine = turn.after;
  observed(p_.took(state_.observer, index, here.link.epoch, turn));
  if (here.link.carries())
    for (const Id message : turn.sends) insert(here.to_coordinator, message);
  if (turn.closes_link && here.link.open_at_participant) here.link.broken = true;
  for (const ParticipantAction& verb : turn.verbs) ask_database(index, verb);
}

namespace {

// Carried out at once: nobody else sees whether it was, now or later. For what a crash before it
// would have left, see crash_participant.
bool is_at_once(const ParticipantAction& verb) {
  return std::holds_alternative<RaiseMark>(verb) || std::holds_alternative<WriteJournal>(verb) ||
         std::holds_alternative<ReadStatus>(verb) || std::holds_alternative<ReadJournal>(verb);
}

}  // namespace

void Draft::ask_database(std::size_t index, const ParticipantAction& verb) {
  Site& here = site(index);
  const bool waits = std::holds_alternative<SettleLost>(verb);
  if (!waits && !here.link.has_database)
    return participant_takes(index, told_when_lost(verb, false));
  const Id task = p_.add(index, Task{verb, std::nullopt, false});
  insert(here.tasks, task);
  if (is_at_once(verb)) carry_out(index, task, 0);
}

void Draft::start_participant(std::size_t index) {
  say("-- " + p_.name(index) + " starts");
  site(index).machine = p_.start_participant(index);
  connect(index);
}

void Draft::crash_participant(std::size_t index, bool journal_unwritten) {
  say("-- " + p_.name(index) + " crashes" +
      (journal_unwritten ? ", before its journal was written" : ""));
  Site& here = site(index);
  here.machine = 0;
  here.link.open_at_participant = here.link.has_database = false;
  here.to_participant.clear();
  if (journal_unwritten) {
    Database database = p_.database(here.database);
    database.lose_unsynced();
    here.database = p_.add(index, database);
  }
  std::vector<Id> left;
  for (const Id id : here.tasks) {
    Task task = p_.task(id);
    if (task.answer || !has_effect(task.verb)) continue;
    task.orphan = true;
    insert(left, p_.add(index, task));
  }
  here.tasks = std::move(left);
}

// ---- the database
// ---------------------------------------------------------------------------------

// DatabaseUp means that nothing of an earlier connection can have an effect any more.
void Draft::connect(std::size_t index) {
  Site& here = site(index);
  std::erase_if(here.tasks, [this](Id task) { return p_.task(task).orphan; });
  here.link.has_database = true;
  const Database& database = p_.database(here.database);
  DatabaseUp up{Database::identity(), {}, database.list(), 0, database.told_of_held()};
  if (database.mark) up.marks.push_back(*database.mark);
  participant_takes(index, up);
}

void Draft::lose_connection(std::size_t index, bool told_first) {
  say("-- " + p_.name(index) + " loses the connection to its database");
  Site& here = site(index);
  here.link.has_database = false;
  std::vector<ParticipantEvent> told;
  std::vector<Id> left;
  for (const Id id : here.tasks) {
    const Task task = p_.task(id);
    if (task.orphan || std::holds_alternative<SettleLost>(task.verb)) {
      insert(left, id);
      continue;
    }
    if (!task.answer && has_effect(task.verb))
      insert(left, p_.add(index, Task{task.verb, std::nullopt, true}));
    told.push_back(p_.read(told_when_lost(task.verb, true)));
  }
  here.tasks = std::move(left);
  const DatabaseDown down{"the connection was lost"};
  if (told_first) participant_takes(index, down);
  for (const ParticipantEvent& event : told) participant_takes(index, event);
  if (!told_first) participant_takes(index, down);
}

void Draft::crash_database(std::size_t index) {
  if (look(index).link.has_database) lose_connection(index, true);
  say("-- the database of " + p_.name(index) + " crashes and loses what was not synced");
  Site& here = site(index);
  std::erase_if(here.tasks, [this](Id task) { return p_.task(task).orphan; });
  Database database = p_.database(here.database);
  database.lose_unsynced();
  here.database = p_.add(index, database);
}

void Draft::carry_out(std::size_t index, Id id, std::size_t way) {
  Site& here = site(index);
  Task task = p_.task(id);
  Effect effect = explore::carry_out(p_.database(here.database), task.verb)[way];
  if (with_text_) {
    say("database of " + p_.name(index) + ": " + to_text(task.verb, p_.text_options()));
    say("  => " + to_text(effect.completion, p_.text_options()));
  }
  here.database = p_.add(index, effect.after);
  erase(here.tasks, id);
  if (std::holds_alternative<SettleLost>(task.verb))  // it ends what it looks for first
    std::erase_if(here.tasks, [this](Id each) {
      return p_.task(each).orphan && std::holds_alternative<PrepareBranch>(p_.task(each).verb);
    });
  happened(index, effect.facts);
  if (task.orphan) return;
  if (!std::holds_alternative<ListPrepared>(task.verb))
    return participant_takes(index, p_.read(effect.completion));
  task.answer = std::move(effect.completion);
  insert(here.tasks, p_.add(index, task));
}

void Draft::answer(std::size_t index, Id id) {
  erase(site(index).tasks, id);
  participant_takes(index, *p_.task(id).answer);
}

// ---- links
// ----------------------------------------------------------------------------------------

void Draft::dial(std::size_t index) {
  Link& link = site(index).link;
  link.open_at_participant = link.open_at_coordinator = true;
  link.named = link.broken = false;
  link.epoch = p_.coordinator(state_.coordinator).machine.epoch();
  participant_takes(index, LinkOpened{});
  Site& here = site(index);
  if (here.to_coordinator.size() != 1) return;  // it waits for its database
  deliver_to_coordinator(index, here.to_coordinator.front(), false, false);
  if (here.to_participant.size() == 1)
    deliver_to_participant(index, here.to_participant.front(), false);
}

void Draft::link_noticed_by_participant(std::size_t index) {
  site(index).link.open_at_participant = false;
  site(index).to_participant.clear();
  participant_takes(index, LinkClosed{});
}

void Draft::link_noticed_by_coordinator(std::size_t index) {
  Site& here = site(index);
  here.link.open_at_coordinator = false;
  here.to_coordinator.clear();
  if (!std::exchange(here.link.named, false)) return say("-- a link without a name ends");
  coordinator_takes(LinkDown{p_.name(index)});
}

void Draft::deliver_to_coordinator(std::size_t index, Id id, bool keep, bool log_refuses) {
  Site& here = site(index);
  if (!keep) erase(here.to_coordinator, id);
  if (std::holds_alternative<Hello>(p_.to_coordinator(id))) here.link.named = true;
  coordinator_did(p_.heard(state_.coordinator, index, id), log_refuses);
}

void Draft::deliver_to_participant(std::size_t index, Id id, bool keep) {
  if (!keep) erase(site(index).to_participant, id);
  participant_did(index, p_.heard(index, site(index).machine, id));
}

}  // namespace assent::explore
