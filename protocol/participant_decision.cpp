// A branch from the decision to its end, and the proof of how it ended.
#include <algorithm>
#include <utility>

#include "protocol/participant_step.hpp"

namespace assent {
namespace {

// Evidence is about the decision. Of a branch that ended otherwise, or nobody knows how, only the
// decision is shown: a commit has a sequence number, an abort has none.
Knowledge decision_shown_by(const EndedBranch& ended) {
  if (ended.application == Application::applied || ended.application == Application::proved)
    return ended.knowledge;
  return ended.sequence != 0 ? Knowledge::committed : Knowledge::aborted;
}

// The journal holds what happened; by hand means: not what was decided.
Knowledge decision_shown_by(const JournalRead& read) {
  if (read.application != Application::heuristic) return read.knowledge;
  if (read.knowledge == Knowledge::committed) return Knowledge::aborted;
  return read.knowledge == Knowledge::aborted ? Knowledge::committed : read.knowledge;
}

// Whether a line that was told has an id which this server can still be asked about: where nobody
// knew one, or where that was of an earlier timeline. The line is younger than the PREPARE, so
// whatever timeline has the one has the other, under this id.
bool names_id_of(const JournalRead& line, const Branch& branch, const ServerIdentity& server) {
  if (line.xid == 0) return false;
  if (branch.xid == 0) return true;
  return line.xid == branch.xid && branch.server.timeline != server.timeline &&
         branch.server.system_identifier == server.system_identifier &&
         branch.server.database == server.database;
}

}  // namespace

void ParticipantStep::received(const Commit& message) {
  const Gid& gid = message.gid;
  if (!may_speak_of(gid)) return;
  if (const EndedBranch* ended = find_ended(gid)) {
    const bool revived = m.branches_.count(gid) != 0;  // prepared again: a backup was put back
    if (!revived) return tell_applied(*ended, Outcome::committed);
  }
  Branch* branch = find(gid);
  if (!branch) {
    // Ended before this process began, by us or by hand. Asking PostgreSQL to commit it is how to
    // find out.
    branch = &add(gid, BranchState::prepared);
    branch->xid = message.xid;
    branch->server = message.server;
  }
  if (branch->decided == Outcome::aborted) {
    out.push_back(
        Alarm{gid, "the coordinator said commit after it had said abort; commit is not done"});
    return;
  }
  hear_witness(*branch, message.xid, message.server);
  if (branch->state != BranchState::prepared) return;
  branch->decided = Outcome::committed;
  branch->sequence = message.sequence;
  if (settles_another(*branch, message.xid, message.server)) return;
  finish_prepared(*branch, Outcome::committed);
}

void ParticipantStep::received(const Abort& message) {
  const Gid& gid = message.gid;
  if (!may_speak_of(gid)) return;
  Branch* branch = find(gid);
  if (!branch) {
    if (const EndedBranch* ended = find_ended(gid)) return tell_applied(*ended, Outcome::aborted);
    if (message.xid != 0) {
      // It was prepared here, and ended before this process began: by us or by hand. As for Commit.
      branch = &add(gid, BranchState::prepared);
      branch->xid = message.xid;
      branch->server = message.server;
    } else {
      // Nobody has heard a yes, so it has never been bound to a decision; this entry keeps a
      // prepare that comes later from being obeyed.
      look_soon(message);
      branch = &add(gid, BranchState::dropping);
      branch->decided = Outcome::aborted;
      return end(*branch, Knowledge::aborted, Application::applied);
    }
  }
  if (branch->decided == Outcome::committed) {
    out.push_back(
        Alarm{gid, "the coordinator said abort after it had said commit; abort is not done"});
    return;
  }
  branch->decided = Outcome::aborted;
  hear_witness(*branch, message.xid, message.server);
  switch (branch->state) {
    case BranchState::working:
      return drop(*branch);
    case BranchState::preparing:
      if (!branch->unwanted) out.push_back(CancelPrepare{gid});
      branch->unwanted = true;
      return;
    case BranchState::settling:
      branch->unwanted = true;
      return;
    case BranchState::prepared:
      if (settles_another(*branch, message.xid, message.server)) return;
      return finish_prepared(*branch, Outcome::aborted);
    case BranchState::dropping:
    case BranchState::committing:
    case BranchState::rolling_back:
    case BranchState::proving:
    case BranchState::denied:
      return;  // under way
  }
}

// The coordinator may know that the database was put back since the vote: then the id is nobody's.
void ParticipantStep::hear_witness(Branch& branch, Xid xid, const ServerIdentity& server) {
  const bool is_news = branch.xid == 0 || (branch.xid == xid && server == ServerIdentity{});
  if (!is_news) return;
  branch.xid = xid;
  branch.server = server;
}

void ParticipantStep::received(const Ask& message) {
  const Gid& gid = message.gid;
  if (!may_speak_of(gid)) return;
  if (const Branch* branch = find(gid)) {
    if (branch->decided == Outcome::committed)
      return send(Evidence{gid, Knowledge::committed, branch->sequence});
    if (branch->decided == Outcome::aborted) return send(Evidence{gid, Knowledge::aborted, 0});
    switch (branch->state) {
      case BranchState::prepared:
        return send(Evidence{gid, Knowledge::prepared, 0});
      case BranchState::committing:
      case BranchState::rolling_back:
      case BranchState::proving:
      case BranchState::denied:  // not decided: rolled back before it had voted
        return send(Evidence{gid, Knowledge::aborted, 0});
      case BranchState::working:
      case BranchState::preparing:
      case BranchState::settling:
      case BranchState::dropping:
        return;  // on its way to one of these
    }
  }
  if (const EndedBranch* ended = find_ended(gid))
    return send(Evidence{gid, decision_shown_by(*ended), ended->sequence});
  out.push_back(ReadJournal{gid});
}

// ---- phase two
// -------------------------------------------------------------------------------------

void ParticipantStep::finish_prepared(Branch& branch, Outcome outcome) {
  const auto state =
      outcome == Outcome::committed ? BranchState::committing : BranchState::rolling_back;
  if (branch.state != state) enter(branch, state);
  set_retry(branch, Instant{});
  branch.busy = true;
  branch.journalled_before = m.journalled_[branch.gid.ledger];
  FinishPrepared verb{branch.gid, outcome};
  if (outcome == Outcome::committed) verb.sequence = branch.sequence;
  if (outcome == Outcome::committed && branch.server == m.server_) verb.xid = branch.xid;
  out.push_back(std::move(verb));
}

// Doubled from the first pause up to the longest. Phase two never gives up.
void ParticipantStep::try_again(Branch& branch, std::string trouble) {
  branch.trouble = std::move(trouble);
  const auto doublings = std::min<std::uint32_t>(branch.attempts++, 10);
  const Duration pause =
      std::min(m.limits_.retry_longest, m.limits_.retry_first * (1 << doublings));
  set_retry(branch, now.steady + pause);
}

void ParticipantStep::on(const FinishDone& event) {
  Branch* branch = find(event.gid);
  if (!branch || !branch->busy) return;
  if (branch->state != BranchState::committing && branch->state != BranchState::rolling_back)
    return;
  branch->busy = false;
  switch (event.result) {
    case FinishDone::Result::done: {
      Sequence& durable = m.durable_[branch->gid.ledger];
      durable = std::max(durable, branch->journalled_before);
      if (branch->decided_xid != 0) return prove_decided(*branch);
      return ended_as(*branch, event.outcome, true);
    }
    case FinishDone::Result::no_such_gid:
      if (branch->decided_xid != 0) return prove_decided(*branch);
      return prove(*branch);
    case FinishDone::Result::again:
      return try_again(*branch, event.message);
    case FinishDone::Result::denied:
      if (branch->trouble != event.message)
        out.push_back(Alarm{
            branch->gid, "PostgreSQL does not let this role finish the branch: " + event.message});
      enter(*branch, BranchState::denied);
      branch->trouble = event.message;
      return set_retry(*branch, now.steady + m.limits_.retry_longest);
  }
}

// "No such gid" proves nothing by itself: PostgreSQL's commit log is the witness, the journal the
// second one.
void ParticipantStep::prove(Branch& branch) {
  if (branch.state != BranchState::proving) enter(branch, BranchState::proving);
  set_retry(branch, Instant{});
  branch.busy = true;
  if (branch.xid != 0)
    out.push_back(ReadStatus{branch.gid, branch.xid, branch.server});
  else
    out.push_back(ReadJournal{branch.gid});
}

void ParticipantStep::on(const StatusRead& event) {
  Branch* branch = find(event.gid);
  if (!branch || branch->state != BranchState::proving || !branch->busy) return;
  branch->busy = false;
  switch (event.status) {
    case StatusRead::Status::committed:
      return ended_as(*branch, Outcome::committed, false);
    case StatusRead::Status::aborted:
      return ended_as(*branch, Outcome::aborted, false);
    case StatusRead::Status::in_progress:  // somebody is at it, or it is prepared after all
      enter(*branch, branch->decided == Outcome::committed ? BranchState::committing
                                                           : BranchState::rolling_back);
      return try_again(*branch, "the gid is gone but its transaction is in progress");
    case StatusRead::Status::unknown:
      branch->busy = true;
      out.push_back(ReadJournal{branch->gid});
      return;
    case StatusRead::Status::unavailable:
      return try_again(*branch, "the database could not be asked for the transaction's status");
  }
}

void ParticipantStep::on(const JournalRead& event) {
  Branch* branch = find(event.gid);
  if (!branch || branch->state != BranchState::proving || !branch->busy) {
    // The coordinator asked for evidence. Without an answer of the journal there is none, not even
    // "nothing".
    if (!branch && event.available && may_speak_of(event.gid))
      send(Evidence{event.gid, decision_shown_by(event), event.sequence});
    return;
  }
  branch->busy = false;
  if (!event.available) return try_again(*branch, "the journal could not be read");
  if (event.told) {  // what was decided, not what was done: that the line's id must say
    if (!names_id_of(event, *branch, m.server_)) return ended_unproven(*branch);
    branch->xid = event.xid;
    branch->server = m.server_;
    return prove(*branch);
  }
  if (event.knowledge == Knowledge::committed) return ended_as(*branch, Outcome::committed, false);
  if (event.knowledge == Knowledge::aborted) return ended_as(*branch, Outcome::aborted, false);
  ended_unproven(*branch);
}

// ---- the end
// ---------------------------------------------------------------------------------------

// What happened is known. Where it is not what was decided, somebody did it by hand, or the
// database has lost the branch: that its id is aborted says that no commit of it is there.
void ParticipantStep::ended_as(Branch& branch, Outcome happened, bool by_us) {
  const Outcome wanted = branch.decided.value_or(Outcome::aborted);  // undecided: our own no
  Application application = by_us ? Application::applied : Application::proved;
  if (happened != wanted) {
    application = Application::heuristic;
    out.push_back(Alarm{branch.gid, "decided " + std::string(to_string(wanted)) +
                                        ", but the branch was " + std::string(to_string(happened)) +
                                        " by hand: the databases differ"});
  }
  const Sequence sequence = happened == Outcome::committed ? branch.sequence : 0;
  journal_soon();
  if (by_us && happened == Outcome::committed && may_speak_of(branch.gid)) {
    // Its line was told before it, its own flush has made that durable (P44), and the coordinator
    // hears of it now. Where it cannot, there shall be a second witness later.
    Sequence& up_to = m.up_to_[branch.gid.ledger];
    up_to = std::max(up_to, sequence);
  } else {
    m.journal_.push_back({branch.gid, happened, application, sequence});
    if (m.journal_.size() >= m.limits_.journal_batch) write_journal();
  }
  end(branch, happened == Outcome::committed ? Knowledge::committed : Knowledge::aborted,
      application);
}

void ParticipantStep::ended_unproven(Branch& branch) {
  out.push_back(Alarm{branch.gid,
                      "the branch is gone, and neither PostgreSQL's commit log nor the journal "
                      "can say how it ended"});
  end(branch, Knowledge::nothing, Application::unproven);
}

// The branch leaves the table; what a late or repeated message is answered from stays.
void ParticipantStep::end(Branch& branch, Knowledge knowledge, Application application) {
  const EndedBranch ended{branch.gid, knowledge, application, branch.sequence, branch.xid};
  const auto decided = branch.decided;
  if (m.listing_) m.ended_while_listing_.insert(branch.gid);
  set_retry(branch, Instant{});
  m.branches_.erase(ended.gid);  // `branch` is gone from here on

  m.ended_index_[ended.gid] = m.ended_first_ + m.ended_.size();
  m.ended_.push_back(ended);
  while (m.ended_.size() > m.limits_.ended_kept) {
    const auto oldest = m.ended_index_.find(m.ended_.front().gid);
    if (oldest != m.ended_index_.end() && oldest->second == m.ended_first_)
      m.ended_index_.erase(oldest);
    m.ended_.pop_front();
    ++m.ended_first_;
  }
  if (decided) tell_applied(ended, *decided);
}

void ParticipantStep::tell_applied(const EndedBranch& ended, Outcome decided) {
  if (!may_speak_of(ended.gid)) return;
  Application application = ended.application;
  const bool the_other_way =
      (ended.knowledge == Knowledge::committed && decided == Outcome::aborted) ||
      (ended.knowledge == Knowledge::aborted && decided == Outcome::committed);
  if (the_other_way) application = Application::heuristic;
  send(Applied{ended.gid, decided, application, m.durable_[ended.gid.ledger]});
}

// The branch's time has come: ask again, or try again.
void ParticipantStep::due(Branch& branch) {
  switch (branch.state) {
    case BranchState::prepared:
      if (may_speak_of(branch.gid)) send(Inquiry{branch.gid, branch.peers});
      return set_retry(branch, now.steady + m.limits_.inquiry_interval);
    case BranchState::denied:
    case BranchState::committing:
    case BranchState::rolling_back:
      if (!m.database_up_) return set_retry(branch, now.steady + m.limits_.retry_longest);
      return finish_prepared(branch, outcome_for(branch));
    case BranchState::proving:
      if (!m.database_up_) return set_retry(branch, now.steady + m.limits_.retry_longest);
      return prove(branch);
    case BranchState::working:
    case BranchState::preparing:
    case BranchState::settling:
    case BranchState::dropping:
      return;
  }
}

}  // namespace assent
