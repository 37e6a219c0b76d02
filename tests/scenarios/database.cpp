#include "tests/scenarios/database.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace assent::scenarios {
namespace {

Failure failure_of(Problem problem, std::string message, std::string sqlstate = {}) {
  Failure failure;
  failure.problem = problem;
  failure.message = std::move(message);
  failure.sqlstate = std::move(sqlstate);
  return failure;
}

// An error of phase two that an operator must mend; of any other nothing can be said.
bool needs_operator(const std::string& sqlstate) {
  return sqlstate == "42501" || sqlstate == "0A000" || sqlstate == "25006";
}

}  // namespace

Database::Database(Observer& observer, std::string participant, std::uint64_t system_identifier)
    : observer_(observer), participant_(std::move(participant)) {
  data_.identity = {system_identifier, 1, "shop"};
}

std::optional<ParticipantEvent> Database::run(const ParticipantAction& verb) {
  return std::visit([this](const auto& each) { return on(each); }, verb);
}

DatabaseUp Database::seen() const {
  DatabaseUp seen{data_.identity, {}, {}, data_.next_xid, {}};
  for (const auto& [ledger, mark] : data_.marks) seen.marks.push_back(mark);
  for (const auto& [text, held] : data_.prepared)
    if (const auto gid = parse_gid(text); gid && gid->participant == participant_)
      if (held.elsewhere.empty()) seen.held.push_back({*gid, held.xid, {}});
  for (const HeldBranch& held : seen.held)
    if (const auto line = data_.told.find(held.gid);
        line != data_.told.end() && !data_.journal.count(held.gid))
      seen.told.push_back({held.gid, line->second.sequence, line->second.xid});
  return seen;
}

std::vector<std::string> Database::prepared() const {
  std::vector<std::string> gids;
  for (const auto& [text, held] : data_.prepared) gids.push_back(text);
  return gids;
}

std::string Database::truth(const Gid& gid) const {
  if (data_.prepared.count(to_string(gid))) return "prepared";
  const auto ended = data_.ended.find(gid);
  return ended == data_.ended.end() ? "absent" : std::string(assent::to_string(ended->second));
}

// ---- work
// ------------------------------------------------------------------------------------------

bool Database::is_locked(const std::string& row, const Gid& for_whom) const {
  for (const auto& [text, held] : data_.prepared)
    if (held.rows.count(row) && text != to_string(for_whom)) return true;
  return std::any_of(open_.begin(), open_.end(), [&](const auto& each) {
    return each.first != for_whom && each.second.rows.count(row);
  });
}

// Nothing: it waits for a lock. Otherwise, what went wrong, if anything did.
std::optional<std::optional<Failure>> Database::work(const Gid& gid, const Work& work) {
  std::istringstream words(work.bytes);
  std::string word;
  while (words >> word) {
    if (word == "fail") {
      rollback_open(gid);
      return failure_of(Problem::deadlock, "deadlock detected", "40P01");
    }
    Open& open = open_[gid];
    if (word == "refuse") open.refused = true;
    if (word == "break") open.failed = true;
    if (word.rfind("write", 0) != 0) continue;
    const std::string row = word.substr(5);
    if (!row.empty() && is_locked(row, gid)) return std::nullopt;
    if (!row.empty()) open.rows.insert(row);
    if (open.xid != 0) continue;
    open.xid = data_.next_xid++;
    data_.status[open.xid] = StatusRead::Status::in_progress;
  }
  open_[gid];
  return std::optional<Failure>();
}

void Database::rollback_open(const Gid& gid) {
  const auto found = open_.find(gid);
  if (found == open_.end()) return;
  if (found->second.xid != 0) data_.status[found->second.xid] = StatusRead::Status::aborted;
  open_.erase(found);
}

std::optional<ParticipantEvent> Database::on(const RunWork& verb) {
  const auto went = work(verb.gid, verb.work);
  if (!went) return std::nullopt;
  if (*went) return WorkDone{verb.gid, verb.seq, **went};
  return WorkDone{verb.gid, verb.seq, Results{}};
}

std::optional<ParticipantEvent> Database::on(const PrepareBranch& verb) {
  if (verb.work) {
    const auto went = work(verb.gid, *verb.work);
    if (!went) return std::nullopt;
    if (*went) return PrepareDone{verb.gid, PrepareDone::No{**went}};
  }
  const Open open = open_[verb.gid];
  const auto cannot = [&](const std::string& why, const std::string& sqlstate) {
    rollback_open(verb.gid);
    return PrepareDone{verb.gid,
                       PrepareDone::No{failure_of(Problem::cannot_prepare, why, sqlstate)}};
  };
  if (open.failed) return cannot("PREPARE was answered with the tag ROLLBACK", "");
  if (open.xid == 0) {
    open_.erase(verb.gid);
    return PrepareDone{verb.gid, PrepareDone::ReadOnly{}};
  }
  const std::string text = to_string(verb.gid);
  if (data_.prepared.count(text)) return cannot("the gid is in use", "42710");
  if (data_.prepared.size() >= slots) return cannot("no slot is free", "53200");
  data_.prepared[text] = {open.xid, open.rows};
  open_.erase(verb.gid);
  sync();
  observer_.branch_prepared(verb.gid, open.xid);
  if (!open.refused) return PrepareDone{verb.gid, PrepareDone::Yes{open.xid, Results{}}};
  return PrepareDone{verb.gid,
                     PrepareDone::Refused{
                         open.xid, failure_of(Problem::expectation_failed, "no row was changed")}};
}

std::optional<ParticipantEvent> Database::on(const SettleLost& verb) {
  rollback_open(verb.gid);
  Settled settled{verb.gid, std::nullopt};
  const auto found = data_.prepared.find(to_string(verb.gid));
  if (found != data_.prepared.end()) settled.xid = found->second.xid;
  return settled;
}

std::optional<ParticipantEvent> Database::on(const DropOpen& verb) {
  rollback_open(verb.gid);
  return Dropped{verb.gid};
}

// ---- phase two
// -------------------------------------------------------------------------------------

FinishDone::Result Database::finish(const Gid& gid, Outcome outcome, EndedBy by) {
  const auto found = data_.prepared.find(to_string(gid));
  if (found == data_.prepared.end()) return FinishDone::Result::no_such_gid;
  data_.status[found->second.xid] =
      outcome == Outcome::committed ? StatusRead::Status::committed : StatusRead::Status::aborted;
  data_.prepared.erase(found);
  // What was prepared once more after its commit has not undone it.
  Outcome& ended = data_.ended.emplace(gid, outcome).first->second;
  if (ended != Outcome::committed) ended = outcome;
  sync();
  observer_.branch_ended(gid, outcome, by);
  return FinishDone::Result::done;
}

// The line of a commit comes before it, in a transaction of its own.
void Database::tell(const FinishPrepared& verb) {
  if (verb.outcome == Outcome::aborted) return;
  if (data_.told.emplace(verb.gid, verb).second) data_.unsynced_told.push_back(verb.gid);
}

std::optional<ParticipantEvent> Database::on(const FinishPrepared& verb) {
  FinishDone done{verb.gid, verb.outcome, FinishDone::Result::again, {}};
  const auto refused_with = [&](const std::string& sqlstate) {
    done.message = sqlstate;
    done.result = needs_operator(sqlstate) ? FinishDone::Result::denied : FinishDone::Result::again;
    return done;
  };
  const auto held = data_.prepared.find(to_string(verb.gid));
  const bool is_another =
      held != data_.prepared.end() && verb.xid != 0 && held->second.xid != verb.xid;
  if (is_another && verb.outcome == Outcome::committed) {  // the line's transaction fails (P54)
    done.result = FinishDone::Result::no_such_gid;
    done.message = "another is prepared";
    return done;
  }
  tell(verb);
  if (!denied.empty()) return refused_with(denied);
  if (held != data_.prepared.end() && !held->second.role.empty()) return refused_with("42501");
  if (!answers_.empty()) {
    const Answer answer = answers_.front();
    answers_.pop_front();
    if (answer.after_doing_it) finish(verb.gid, verb.outcome, EndedBy::participant);
    return refused_with(answer.sqlstate);
  }
  done.result = finish(verb.gid, verb.outcome, EndedBy::participant);
  if (done.result == FinishDone::Result::no_such_gid) done.message = "42704";
  return done;
}

std::optional<ParticipantEvent> Database::on(const ReadStatus& verb) {
  const auto found = data_.status.find(verb.xid);
  const bool anothers = found != data_.status.end() &&
                        found->second == StatusRead::Status::in_progress &&
                        !data_.prepared.count(to_string(verb.gid));
  const bool known = verb.server == data_.identity && found != data_.status.end() && !anothers;
  return StatusRead{verb.gid, known ? found->second : StatusRead::Status::unknown};
}

std::optional<ParticipantEvent> Database::on(const ListPrepared&) {
  if (standby) return ListFailed{"this is a standby"};
  DatabaseUp seen = this->seen();
  return ListDone{std::move(seen.held), std::move(seen.told)};
}

bool Database::end_by_hand(const Gid& gid, Outcome outcome) {
  return finish(gid, outcome, EndedBy::hand) == FinishDone::Result::done;
}

void Database::prepare_by_hand(const std::string& gid) {
  data_.prepared[gid] = {data_.next_xid, {}};
  data_.status[data_.next_xid++] = StatusRead::Status::in_progress;
}

// ---- the application
// ---------------------------------------------------------------------------------------

bool Database::prepare_as_application(const Gid& gid, const std::string& role,
                                      const std::string& elsewhere) {
  const auto [place, is_new] = data_.prepared.try_emplace(to_string(gid));
  if (!is_new) return false;
  place->second = {data_.next_xid, {}, role, elsewhere};
  data_.status[data_.next_xid++] = StatusRead::Status::in_progress;
  sync();
  observer_.branch_prepared(gid, place->second.xid);
  return true;
}

std::optional<ParticipantEvent> Database::on(const VerifyPrepared& verb) {
  const auto answer = [&](std::variant<Xid, Failure> result) {
    return Verified{verb.gid, verb.ask, verb.peers, std::move(result)};
  };
  const auto not_prepared = [&](const std::string& why) {
    return answer(failure_of(Problem::branch_not_prepared, why));
  };
  if (standby) return answer(failure_of(Problem::participant_unavailable, "this is a standby"));
  const auto held = data_.prepared.find(to_string(verb.gid));
  if (held == data_.prepared.end()) return not_prepared("nothing is prepared");
  if (!held->second.elsewhere.empty())
    return not_prepared("it is prepared in the database " + held->second.elsewhere);
  if (!held->second.role.empty()) return not_prepared("it is prepared by " + held->second.role);
  return answer(held->second.xid);
}

// ---- marks and journal
// ---------------------------------------------------------------------------------

std::optional<ParticipantEvent> Database::on(const RaiseMark& verb) {
  Mark& known = data_.marks[verb.mark.ledger];
  if (verb.mark.epoch > known.epoch) {
    const Sequence sequence = known.sequence;
    known = verb.mark;
    known.sequence = std::max(known.sequence, sequence);
    sync();
  }
  observer_.mark_raised(participant_, known);
  return MarkRaised{known};
}

std::optional<ParticipantEvent> Database::on(const WriteJournal& verb) {
  const auto raise = [this](const LedgerId& ledger, Sequence sequence) {
    const auto mark = data_.marks.find(ledger);
    if (mark != data_.marks.end())
      mark->second.sequence = std::max(mark->second.sequence, sequence);
  };
  for (const JournalLine& line : verb.lines) {
    if (data_.journal.emplace(line.gid, line).second) data_.unsynced.push_back(line.gid);
    raise(line.gid.ledger, line.sequence);
  }
  for (const auto& [ledger, sequence] : verb.up_to) raise(ledger, sequence);
  return JournalWritten{verb.batch, true};
}

std::optional<ParticipantEvent> Database::on(const ReadJournal& verb) {
  JournalRead read{verb.gid, Knowledge::nothing, 0, true, Application::applied};
  if (const auto found = data_.journal.find(verb.gid); found != data_.journal.end()) {
    const JournalLine& line = found->second;
    read.knowledge = line.outcome == Outcome::committed ? Knowledge::committed : Knowledge::aborted;
    read.sequence = line.sequence;
    read.application = line.application;
  } else if (const auto line = data_.told.find(verb.gid); line != data_.told.end()) {
    read.knowledge = Knowledge::committed;
    read.sequence = line->second.sequence;
    read.told = true;
    read.xid = line->second.xid;
  }
  return read;
}

// A synced commit takes all that was written before it to the disk.
void Database::sync() {
  data_.unsynced.clear();
  data_.unsynced_told.clear();
  data_.synced_marks = data_.marks;
}

void Database::lose_unsynced() {
  for (const Gid& gid : data_.unsynced) data_.journal.erase(gid);
  for (const Gid& gid : data_.unsynced_told) data_.told.erase(gid);
  data_.unsynced.clear();
  data_.unsynced_told.clear();
  data_.marks = data_.synced_marks;
}

// ---- what befalls it
// ---------------------------------------------------------------------------------------

void Database::end_open() {
  while (!open_.empty()) rollback_open(Gid(open_.begin()->first));
}

void Database::crash() {
  up = false;
  end_open();
  lose_unsynced();
}

void Database::fail_over(const std::vector<Gid>& losing) {
  crash();
  ++data_.identity.timeline;
  for (const Gid& gid : losing) {
    const auto found = data_.prepared.find(to_string(gid));
    if (found == data_.prepared.end()) continue;
    data_.status.erase(found->second.xid);
    data_.prepared.erase(found);
    observer_.branch_lost(gid);
  }
}

bool Database::put_back(bool new_timeline) {
  if (!backup_) return false;
  crash();
  const auto timeline = data_.identity.timeline;
  data_ = *backup_;
  lose_unsynced();
  if (new_timeline) data_.identity.timeline = timeline + 1;
  std::map<Gid, Xid> prepared;
  for (const std::string& text : this->prepared())
    if (const auto gid = parse_gid(text); gid && gid->participant == participant_)
      prepared[*gid] = data_.prepared.at(text).xid;
  observer_.database_put_back(participant_, prepared, data_.ended);
  for (const auto& [ledger, mark] : data_.marks) observer_.mark_raised(participant_, mark);
  return true;
}

}  // namespace assent::scenarios
