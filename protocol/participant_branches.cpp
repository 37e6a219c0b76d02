// A branch up to its vote.
#include <utility>

#include "protocol/participant_step.hpp"

namespace assent {
namespace {

Failure unvoted_failure(const std::string& participant, Problem problem, std::string message) {
  Failure failure;
  failure.problem = problem;
  failure.participant = participant;
  failure.message = std::move(message);
  return failure;
}

}  // namespace

bool ParticipantStep::is_full() const {
  return m.branches_.size() >= m.limits_.open_branches || m.journal_.size() >= m.limits_.ended_kept;
}

void ParticipantStep::vote_no(const Gid& gid, Failure failure, std::uint32_t ask) {
  if (!link_ready()) return;
  Vote vote;
  vote.gid = gid;
  vote.verdict = Verdict::no;
  vote.ask = ask;
  if (failure.participant.empty()) failure.participant = m.name_;
  vote.failure = std::move(failure);
  send(std::move(vote));
}

void ParticipantStep::received(const Execute& message) {
  const Gid& gid = message.gid;
  // Work is taken for this epoch only: what an earlier start sent is late.
  if (!may_speak_of(gid) || gid.epoch != m.coordinator_.epoch) return;
  const auto refuse = [&](Problem problem, std::string text) {
    send(Executed{gid, message.seq, unvoted_failure(m.name_, problem, std::move(text))});
  };
  if (find_ended(gid)) return refuse(Problem::session_lost, "The branch has ended.");
  Branch* branch = find(gid);
  if (!branch) {
    if (!m.database_up_) return refuse(Problem::participant_unavailable, "The database is away.");
    if (is_full())
      return refuse(Problem::overloaded, "The participant has as many branches open as it may.");
    branch = &add(gid, BranchState::working);
  }
  if (branch->state != BranchState::working || branch->busy || message.seq <= branch->seq) return;
  branch->busy = true;
  branch->seq = message.seq;
  out.push_back(RunWork{gid, message.seq, message.work, message.time_left});
}

void ParticipantStep::on(const WorkDone& event) {
  Branch* branch = find(event.gid);
  if (!branch || branch->state != BranchState::working || !branch->busy) return;
  if (branch->seq != event.seq) return;
  branch->busy = false;
  Executed executed{event.gid, event.seq, event.result};
  if (auto* failed = std::get_if<Failure>(&executed.result); failed && failed->participant.empty())
    failed->participant = m.name_;
  if (link_ready()) send(std::move(executed));
  if (std::holds_alternative<Failure>(event.result))
    end(*branch, Knowledge::aborted, Application::applied);
}

void ParticipantStep::received(const Prepare& message) {
  const Gid& gid = message.gid;
  if (!may_speak_of(gid) || gid.epoch != m.coordinator_.epoch) return;
  if (const EndedBranch* ended =
          find_ended(gid)) {  // a prepare that comes after the abort, or again
    if (ended->knowledge == Knowledge::aborted)
      vote_no(gid, unvoted_failure(m.name_, Problem::session_lost, "The branch has ended."),
              message.ask);
    return;
  }
  if (message.ask != 0) return verify(message);
  Branch* branch = find(gid);
  if (!branch) {
    if (!message.work)
      return vote_no(gid, unvoted_failure(m.name_, Problem::session_lost, "The branch is gone."));
    if (!m.database_up_)
      return vote_no(
          gid, unvoted_failure(m.name_, Problem::participant_unavailable, "The database is away."));
    if (is_full())
      return vote_no(gid, unvoted_failure(m.name_, Problem::overloaded,
                                          "The participant has as many branches open as it may."));
    branch = &add(gid, BranchState::preparing);
  } else if (branch->state == BranchState::working && !branch->busy && !message.work) {
    enter(*branch, BranchState::preparing);
  } else {
    return;  // repeated: it is being prepared, or its vote is given; an inquiry follows that
  }
  branch->peers = message.peers;
  branch->busy = true;
  out.push_back(PrepareBranch{gid, message.work, message.time_left});
}

void ParticipantStep::on(const PrepareDone& event) {
  Branch* branch = find(event.gid);
  if (!branch || branch->state != BranchState::preparing) return;
  branch->busy = false;
  std::visit([&](const auto& result) { came_out(*branch, result); }, event.result);
}

void ParticipantStep::came_out(Branch& branch, const PrepareDone::Yes& result) {
  branch.xid = result.xid;
  branch.server = m.server_;
  was_given_out(result.xid);
  // No vote was given, so the branch may still be rolled back alone.
  if (branch.unwanted || !link_ready()) return finish_prepared(branch, Outcome::aborted);
  // From here on it may not (I6): the vote is the promise.
  enter(branch, BranchState::prepared);
  set_retry(branch, now.steady + m.limits_.inquiry_interval);
  Vote vote;
  vote.gid = branch.gid;
  vote.verdict = Verdict::yes;
  vote.xid = branch.voted_xid = branch.xid;
  vote.server = branch.voted_server = branch.server;
  vote.results = result.results;
  send(std::move(vote));
}

void ParticipantStep::came_out(Branch& branch, const PrepareDone::ReadOnly& result) {
  if (link_ready() && !branch.unwanted) {
    Vote vote;
    vote.gid = branch.gid;
    vote.verdict = Verdict::read_only;
    vote.results = result.results;
    send(std::move(vote));
  }
  end(branch, Knowledge::nothing, Application::applied);
}

void ParticipantStep::came_out(Branch& branch, const PrepareDone::No& result) {
  if (!branch.unwanted) vote_no(branch.gid, result.failure);
  end(branch, Knowledge::aborted, Application::applied);
}

// It is prepared although it must not be. The vote is no, so it is rolled back without being told.
void ParticipantStep::came_out(Branch& branch, const PrepareDone::Refused& result) {
  branch.xid = result.xid;
  branch.server = m.server_;
  if (!branch.unwanted) vote_no(branch.gid, result.failure);
  finish_prepared(branch, Outcome::aborted);
}

void ParticipantStep::came_out(Branch& branch, const PrepareDone::Lost&) {
  enter(branch, BranchState::settling);
  branch.busy = true;
  out.push_back(SettleLost{branch.gid});
}

// The backend is gone and the truth is known. Its results are lost, so even a prepared branch is
// not voted for.
void ParticipantStep::on(const Settled& event) {
  Branch* branch = find(event.gid);
  if (!branch || branch->state != BranchState::settling) return;
  branch->busy = false;
  if (!branch->unwanted)
    vote_no(branch->gid,
            unvoted_failure(m.name_, Problem::participant_unavailable,
                            "The connection to the database was lost while it prepared."));
  if (!event.xid) return end(*branch, Knowledge::aborted, Application::applied);
  branch->xid = *event.xid;
  branch->server = m.server_;
  finish_prepared(*branch, Outcome::aborted);
}

void ParticipantStep::drop(Branch& branch) {
  enter(branch, BranchState::dropping);
  branch.busy = true;
  out.push_back(DropOpen{branch.gid});
}

void ParticipantStep::on(const Dropped& event) {
  Branch* branch = find(event.gid);
  if (branch && branch->state == BranchState::dropping)
    end(*branch, Knowledge::aborted, Application::applied);
}

}  // namespace assent
