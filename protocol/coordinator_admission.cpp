// What is let in, and what is refused at once so that one participant in trouble is no trouble to
// the transactions that have nothing to do with it.
#include <utility>

#include "protocol/coordinator_step.hpp"

namespace assent {

// Everything that must hold before a transaction comes into being.
std::optional<Failure> CoordinatorStep::objection(const Begin& event) const {
  const CoordinatorLimits& limits = m.limits_;
  if (m.draining_) return failure(Problem::draining, "The coordinator is shutting down.");
  if (event.key && m.may_be_forgotten(*event.key))
    return failure(Problem::history_expired,
                   "The request was first sent so long ago that it may have committed and been "
                   "forgotten; it was not run again.");
  if (event.key && event.key->first_sent_ms > now.wall_ms + kClockSlackMs)
    return failure(Problem::invalid_request,
                   "The request says that it was first sent later than now, by more than a minute: "
                   "the client's clock and the coordinator's differ.");
  if (event.refusal) return event.refusal;
  if (m.unfinished_ >= limits.open_transactions)
    return failure(Problem::overloaded, "The limit of " + std::to_string(limits.open_transactions) +
                                            " unfinished transactions is reached.");
  if (m.find(event.tx)) return failure(Problem::invalid_request, "The transaction id is in use.");
  if (event.branches.size() > limits.branches)
    return failure(Problem::invalid_request,
                   "A transaction has at most " + std::to_string(limits.branches) + " branches.");
  if (event.mode == Mode::one_shot && event.branches.empty())
    return failure(Problem::invalid_request, "A one-shot transaction needs at least one branch.");
  if (event.mode == Mode::external && event.branches.empty())
    return failure(Problem::invalid_request, "An external transaction needs at least one branch.");
  std::set<std::string_view> seen;
  for (const BranchWork& branch : event.branches) {
    if (!seen.insert(branch.participant).second)
      return failure(Problem::invalid_request, "Participant named twice: " + branch.participant,
                     branch.participant);
    if (auto refusal = inadmissible(branch.participant)) return refusal;
  }
  return std::nullopt;
}

void CoordinatorStep::on(const LimitsChanged& event) {
  m.limits_.open_transactions = event.open_transactions;
  m.limits_.participant_branches = event.participant_branches;
}

std::optional<Failure> CoordinatorStep::unreachable(const std::string& participant) const {
  const auto found = m.members_.find(participant);
  if (found == m.members_.end())
    return failure(Problem::participant_unknown,
                   "No participant of this name has ever connected: " + participant, participant);
  if (found->second.state != Member::State::ready)
    return failure(Problem::participant_unavailable,
                   "The participant is not connected: " + participant, participant);
  return std::nullopt;
}

// Why no further branch may begin there.
std::optional<Failure> CoordinatorStep::inadmissible(const std::string& participant) const {
  if (auto refusal = unreachable(participant)) return refusal;
  const auto branches = m.branches_.find(participant);
  if (branches != m.branches_.end() && branches->second >= m.limits_.participant_branches)
    return failure(Problem::overloaded,
                   "The limit of " + std::to_string(m.limits_.participant_branches) +
                       " unfinished branches at one participant is reached: " + participant,
                   participant);
  const Member& member = m.members_.at(participant);
  if (member.unanswered >= m.limits_.unanswered && now.steady < member.refused_until)
    return failure(Problem::participant_unavailable,
                   "The participant has let the last " + std::to_string(member.unanswered) +
                       " requests to it time out; one is let through now and then: " + participant,
                   participant);
  return std::nullopt;
}

void CoordinatorStep::joins(Transaction& tx, TxBranch branch) {
  ++m.branches_[branch.participant];
  tx.branches.push_back(std::move(branch));
}

// Of a participant that gives no answers, this branch finds out whether it gives them again.
void CoordinatorStep::admitted(const std::string& participant) {
  Member& member = m.members_.at(participant);
  if (member.unanswered >= m.limits_.unanswered)
    member.refused_until = now.steady + m.limits_.unanswered_pause;
}

void CoordinatorStep::leaves(const std::string& participant) {
  const auto found = m.branches_.find(participant);
  if (--found->second == 0) m.branches_.erase(found);
}

void CoordinatorStep::unanswered_by(const std::string& participant) {
  Member& member = m.members_.at(participant);
  ++member.unanswered;
  if (member.unanswered == m.limits_.unanswered)
    member.refused_until = now.steady + m.limits_.unanswered_pause;
}

void CoordinatorStep::answered_by(const std::string& participant) {
  m.members_.at(participant).unanswered = 0;
}

}  // namespace assent
