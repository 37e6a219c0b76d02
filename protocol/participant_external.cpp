// Branches that the application prepares over its own connection: looked for, never made, here.
#include <algorithm>
#include <utility>

#include "protocol/participant_step.hpp"

namespace assent {

// The first look is the coordinator's wish; the sweep may have found the branch long before. What
// is being finished is decided, and needs no vote.
void ParticipantStep::verify(const Prepare& message) {
  const Branch* branch = find(message.gid);
  if (branch && branch->state != BranchState::prepared) return;
  if (!m.database_up_) {
    Failure failure;
    failure.problem = Problem::participant_unavailable;
    failure.message = "The database is away.";
    return vote_not_yet(message.gid, message.ask, std::move(failure));
  }
  out.push_back(VerifyPrepared{message.gid, message.ask, message.peers});
}

// Not a no: nothing has ended. The application may be about to prepare.
void ParticipantStep::vote_not_yet(const Gid& gid, std::uint32_t ask, Failure failure) {
  if (!may_speak_of(gid)) return;
  if (failure.participant.empty()) failure.participant = m.name_;
  Vote vote;
  vote.gid = gid;
  vote.verdict = Verdict::not_yet;
  vote.ask = ask;
  vote.failure = std::move(failure);
  send(std::move(vote));
}

void ParticipantStep::on(const Verified& event) {
  const Gid& gid = event.gid;
  Branch* branch = find(gid);
  if (branch && branch->state != BranchState::prepared) return;  // decided meanwhile
  if (const auto* failed = std::get_if<Failure>(&event.result)) {
    if (branch || !find_ended(gid)) vote_not_yet(gid, event.ask, *failed);
    return;
  }
  if (!branch && find_ended(gid)) {
    // The decision came while it was looked for. What was seen may be gone, or have been prepared
    // after an abort: a list tells which.
    m.sweep_at_ = std::min(m.sweep_at_, now.steady);
    return;
  }
  if (!branch) branch = &add(gid, BranchState::prepared);
  enter(*branch, BranchState::prepared);  // as of now, whatever a list of before shows
  branch->missing = false;
  was_given_out(std::get<Xid>(event.result));
  heed_another_xid(*branch, std::get<Xid>(event.result));
  branch->server = m.server_;  // it was seen there just now, wherever it was prepared
  branch->peers = event.peers;
  set_retry(*branch, now.steady + m.limits_.inquiry_interval);
  if (!may_speak_of(gid)) return;
  // Nothing but the decision ends it from here on (I6), as for any other branch.
  Vote vote;
  vote.gid = gid;
  vote.verdict = Verdict::yes;
  vote.ask = event.ask;
  vote.xid = branch->voted_xid = branch->xid;
  vote.server = branch->voted_server = branch->server;
  send(std::move(vote));
}

// The application prepared under this gid before, ended that itself, and prepared again. The proof
// of how the branch ends is about the transaction that is prepared now.
void ParticipantStep::heed_another_xid(Branch& branch, Xid xid) {
  if (branch.state != BranchState::prepared || xid == 0 || branch.xid == xid) return;
  branch.xid = xid;
  branch.server = m.server_;
}

// An application that does its work once more, after the branch had ended, can prepare it again
// under the same gid. The decision was about the transaction that voted, not about whatever bears
// its name.
bool ParticipantStep::is_another(const Branch& branch, Xid decided) const {
  return branch.xid != 0 && decided != 0 && branch.xid != decided;
}

// A coordinator that has lost its ledger may know no id, or that of what is prepared now; this
// process knows what it has voted for.
bool ParticipantStep::settles_another(Branch& branch, Xid xid, const ServerIdentity& server) {
  if (is_another(branch, xid)) {
    roll_back_another(branch, xid, server);
    return true;
  }
  if (!is_another(branch, branch.voted_xid)) return false;
  roll_back_another(branch, branch.voted_xid, branch.voted_server);
  return true;
}

void ParticipantStep::roll_back_another(Branch& branch, Xid decided, const ServerIdentity& server) {
  out.push_back(Alarm{branch.gid,
                      "another transaction is prepared under the gid of the one that voted: it is "
                      "rolled back, and how the one that voted ended is proved"});
  branch.decided_xid = decided;
  branch.server = server;  // where that id means something
  finish_prepared(branch, Outcome::aborted);
}

// This participant knows by itself that a commit was decided, and of which transaction: it must not
// say that it holds the branch in doubt, from which a careful ledger would conclude that it has not
// committed.
void ParticipantStep::disown(Branch& branch, Xid decided, Sequence sequence) {
  branch.decided = Outcome::committed;
  branch.sequence = sequence;
  roll_back_another(branch, decided, m.server_);
}

void ParticipantStep::prove_decided(Branch& branch) {
  branch.xid = std::exchange(branch.decided_xid, Xid{0});
  prove(branch);
}

Outcome ParticipantStep::outcome_for(const Branch& branch) const {
  if (branch.decided_xid != 0) return Outcome::aborted;
  return branch.decided.value_or(Outcome::aborted);
}

// The application may have prepared it a moment ago, and its locks should not wait for the next
// sweep. What it prepares later waits for one.
void ParticipantStep::look_soon(const Abort& message) {
  if (message.external) m.sweep_at_ = std::min(m.sweep_at_, now.steady);
}

}  // namespace assent
