#include "tests/simulation/explore_database.hpp"

#include <algorithm>
#include <utility>

#include "protocol/text.hpp"

namespace assent::explore {
namespace {

using Status = StatusRead::Status;

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

Failure failure(Problem problem) {
  Failure result;
  result.problem = problem;
  return result;
}

std::vector<Effect> prepare(const Database& database, const Gid& gid) {
  const PrepareDone no{gid, PrepareDone::No{failure(Problem::statement_failed)}};
  if (database.prepared) return {{database, no, {}}};
  Effect yes{database, {}, {Fact{Fact::Kind::prepared, gid, {}, {}}}};
  const Xid xid = Database::kFirstXid + database.xids.size();
  yes.after.xids.push_back(Status::in_progress);
  yes.after.prepared = xid;
  yes.after.gid = gid;
  yes.after.sync();
  yes.completion = PrepareDone{gid, PrepareDone::Yes{xid, Results{}}};
  Effect refused = yes;
  refused.completion =
      PrepareDone{gid, PrepareDone::Refused{xid, failure(Problem::expectation_failed)}};
  const PrepareDone read_only{gid, PrepareDone::ReadOnly{Results{}}};
  return {yes, {database, no, {}}, {database, read_only, {}}, refused};
}

Effect finish(const Database& database, const FinishPrepared& verb) {
  Effect effect{database, {}, {}};
  if (verb.outcome == Outcome::committed) effect.after.tell(verb);
  FinishDone done{verb.gid, verb.outcome, FinishDone::Result::no_such_gid, "42704"};
  if (database.prepared && database.gid == verb.gid) {
    const bool committed = verb.outcome == Outcome::committed;
    effect.after.xids[*database.prepared - Database::kFirstXid] =
        committed ? Status::committed : Status::aborted;
    effect.after.prepared.reset();
    effect.after.sync();
    effect.facts.push_back({Fact::Kind::ended, verb.gid, verb.outcome, {}});
    done.result = FinishDone::Result::done;
    done.message.clear();
  }
  effect.completion = done;
  return effect;
}

std::vector<Effect> finish_ways(const Database& database, const FinishPrepared& verb) {
  std::vector<Effect> ways{finish(database, verb)};
  if (verb.outcome == Outcome::aborted || database.told) return ways;
  Effect line_alone{database, {}, {}, true};
  line_alone.after.tell(verb);
  line_alone.completion = ways.front().completion;
  ways.push_back(std::move(line_alone));
  return ways;
}

Effect read_status(const Database& database, const ReadStatus& verb) {
  StatusRead read{verb.gid, Status::unknown};
  const auto index = verb.xid - Database::kFirstXid;
  if (verb.server == Database::identity() && index < database.xids.size())
    read.status = database.xids[index];
  return {database, read, {}};
}

Effect raise(const Database& database, const RaiseMark& verb) {
  Effect effect{database, {}, {}};
  Mark known = database.mark.value_or(Mark{verb.mark.ledger, 0, {}, 0});
  const Sequence sequence = known.sequence;
  if (verb.mark.epoch > known.epoch) {
    known = verb.mark;
    known.sequence = std::max(sequence, verb.mark.sequence);
  }
  effect.after.mark = known;
  effect.after.sync();
  effect.completion = MarkRaised{known};
  effect.facts.push_back({Fact::Kind::raised, {}, {}, known});
  return effect;
}

Effect write_journal(const Database& database, const WriteJournal& verb) {
  Effect effect{database, JournalWritten{verb.batch, true}, {}};
  for (const JournalLine& line : verb.lines) {
    if (!effect.after.journal) {
      effect.after.journal = line;
      effect.after.journal_durable = false;
    }
    if (effect.after.mark)
      effect.after.mark->sequence = std::max(effect.after.mark->sequence, line.sequence);
  }
  for (const auto& [ledger, sequence] : verb.up_to)
    if (effect.after.mark && effect.after.mark->ledger == ledger)
      effect.after.mark->sequence = std::max(effect.after.mark->sequence, sequence);
  return effect;
}

Effect read_journal(const Database& database, const ReadJournal& verb) {
  JournalRead read{verb.gid, Knowledge::nothing, 0, true, Application::applied};
  if (database.journal && database.journal->gid == verb.gid) {
    read.knowledge =
        database.journal->outcome == Outcome::committed ? Knowledge::committed : Knowledge::aborted;
    read.sequence = database.journal->sequence;
    read.application = database.journal->application;
  } else if (database.told && database.gid == verb.gid) {
    read.knowledge = Knowledge::committed;
    read.sequence = database.told->sequence;
    read.told = true;
    read.xid = database.told->xid;
  }
  return {database, read, {}};
}

Effect settle(const Database& database, const SettleLost& verb) {
  return {database, Settled{verb.gid, database.prepared}, {}};
}

}  // namespace

std::string to_text(const Fact& fact) {
  switch (fact.kind) {
    case Fact::Kind::prepared:
      return "prepared " + to_string(fact.gid);
    case Fact::Kind::ended:
      return std::string(to_string(fact.outcome)) + ' ' + to_string(fact.gid);
    case Fact::Kind::raised:
      break;
  }
  return "raised " + assent::to_text(fact.mark);
}

std::vector<HeldBranch> Database::list() const {
  if (!prepared) return {};
  return {HeldBranch{gid, *prepared, {}}};
}

std::vector<ToldCommit> Database::told_of_held() const {
  if (!prepared || !told) return {};
  return {ToldCommit{gid, told->sequence, told->xid}};
}

void Database::tell(const FinishPrepared& verb) {
  if (!told) told = verb;
}

bool Database::has_unsynced() const {
  return mark != durable_mark || (journal && !journal_durable) || (told && !told_durable);
}

void Database::sync() {
  durable_mark = mark;
  journal_durable = journal.has_value();
  told_durable = told.has_value();
}

void Database::lose_unsynced() {
  mark = durable_mark;
  if (!journal_durable) journal.reset();
  if (!told_durable) told.reset();
}

std::string to_text(const Database& database) {
  std::string text = "Database";
  for (const Status status : database.xids) text += ' ' + std::string(to_string(status));
  if (database.prepared)
    text += " prepared=" + std::to_string(*database.prepared) + ':' + to_string(database.gid);
  if (database.mark) text += " mark={" + assent::to_text(*database.mark) + '}';
  if (database.durable_mark) text += " durable={" + assent::to_text(*database.durable_mark) + '}';
  if (database.journal) text += " journal={" + assent::to_text(*database.journal) + '}';
  if (database.journal_durable) text += " journal_durable";
  if (database.told) text += " told={" + assent::to_text(*database.told) + '}';
  if (database.told_durable) text += " told_durable";
  return text;
}

std::vector<Effect> carry_out(const Database& database, const ParticipantAction& verb) {
  using Effects = std::vector<Effect>;
  return std::visit(
      Overloaded{
          [&](const PrepareBranch& v) { return prepare(database, v.gid); },
          [&](const FinishPrepared& v) { return finish_ways(database, v); },
          [&](const ReadStatus& v) { return Effects{read_status(database, v)}; },
          [&](const RaiseMark& v) { return Effects{raise(database, v)}; },
          [&](const WriteJournal& v) { return Effects{write_journal(database, v)}; },
          [&](const ReadJournal& v) { return Effects{read_journal(database, v)}; },
          [&](const SettleLost& v) { return Effects{settle(database, v)}; },
          [&](const ListPrepared&) {
            return Effects{{database, ListDone{database.list(), database.told_of_held()}, {}}};
          },
          [](const auto&) { return Effects{}; }},
      verb);
}

ParticipantEvent told_when_lost(const ParticipantAction& verb, bool sent) {
  using Event = ParticipantEvent;
  return std::visit(
      Overloaded{
          [&](const PrepareBranch& v) -> Event {
            if (sent) return PrepareDone{v.gid, PrepareDone::Lost{}};
            return PrepareDone{v.gid, PrepareDone::No{failure(Problem::participant_unavailable)}};
          },
          [](const FinishPrepared& v) -> Event {
            return FinishDone{v.gid, v.outcome, FinishDone::Result::again, "connection lost"};
          },
          [](const ReadStatus& v) -> Event {
            return StatusRead{v.gid, Status::unavailable};
          },
          [](const RaiseMark& v) -> Event {
            return MarkFailed{v.mark.ledger, "connection lost"};
          },
          [](const WriteJournal& v) -> Event {
            return JournalWritten{v.batch, false};
          },
          [](const ReadJournal& v) -> Event {
            return JournalRead{v.gid, Knowledge::nothing, 0, false, Application::applied};
          },
          [](const auto&) -> Event { return ListFailed{"connection lost"}; }},
      verb);
}

bool has_effect(const ParticipantAction& verb) {
  return std::holds_alternative<PrepareBranch>(verb) ||
         std::holds_alternative<FinishPrepared>(verb) || std::holds_alternative<RaiseMark>(verb) ||
         std::holds_alternative<WriteJournal>(verb);
}

}  // namespace assent::explore
