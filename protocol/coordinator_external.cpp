// External transactions: the application prepares the branches, over its own connections. What
// differs from the others is how commit is asked for: a branch that is not there yet ends nothing.
#include <algorithm>
#include <utility>

#include "protocol/coordinator_step.hpp"

namespace assent {
namespace {

bool is_asked(const TxBranch& branch) {
  return branch.phase == BranchPhase::preparing;
}

// One sentence for the client: every branch that is missing, and why.
Failure not_prepared(const std::vector<Failure>& missing) {
  Failure all = missing.front();
  std::string text;
  for (const Failure& each : missing) {
    // What the application can mend comes first: to try again is no use before that.
    if (each.problem == Problem::branch_not_prepared && all.problem != each.problem) all = each;
    text += (text.empty() ? "" : " ") + each.participant + ": " + each.message;
  }
  all.message = text + " The transaction stays open until its deadline.";
  return all;
}

}  // namespace

void CoordinatorStep::begin_external(Transaction& tx, const Begin& event) {
  for (const BranchWork& branch : event.branches) {
    TxBranch joined;
    joined.participant = branch.participant;
    joins(tx, std::move(joined));
  }
  set_timer(tx, tx.deadline);
  reply(event.request, tx.tx, Fate::unknown);
}

// Every branch is looked for anew: what was seen at an earlier asking may be gone.
void CoordinatorStep::ask_external(Transaction& tx) {
  tx.state = TxState::preparing;
  ++tx.asks;
  tx.missing.clear();
  std::vector<std::string> peers;
  for (const TxBranch& branch : tx.branches) peers.push_back(branch.participant);
  const auto left = std::chrono::duration_cast<Duration>(tx.deadline - now.steady);
  for (TxBranch& branch : tx.branches) branch.phase = BranchPhase::preparing;
  for (TxBranch& branch : tx.branches) {
    if (auto refusal = unreachable(branch.participant))
      miss(tx, branch, std::move(*refusal));
    else
      send(branch.participant,
           Prepare{gid_of(tx, branch.participant), std::nullopt, peers, left, tx.asks});
  }
  set_timer(tx, std::min(tx.deadline, now.steady + m.limits_.apply_wait));
  conclude_ask(tx);
}

void CoordinatorStep::miss(Transaction& tx, TxBranch& branch, Failure failure) {
  branch.phase = BranchPhase::not_yet;
  if (failure.participant.empty()) failure.participant = branch.participant;
  tx.missing.push_back(std::move(failure));
}

// When all have answered: the decision, or open again, with every branch that is missing named.
void CoordinatorStep::conclude_ask(Transaction& tx) {
  if (tx.state != TxState::preparing) return;
  if (std::any_of(tx.branches.begin(), tx.branches.end(), is_asked)) return;
  if (tx.missing.empty()) return decide_if_complete(tx);
  tx.state = TxState::open;
  const Failure failure = not_prepared(std::exchange(tx.missing, {}));
  set_timer(tx, tx.deadline);
  for (const Waiter& waiter : std::exchange(tx.waiters, {}))
    refuse(waiter.request, tx.tx, failure, Fate::none);  // it is open as before
}

// No vote has come: a participant that cannot be reached, or does not answer, says nothing of a
// branch that it does not make.
void CoordinatorStep::not_answered(Transaction& tx, const std::string& participant,
                                   std::string why) {
  for (TxBranch& branch : tx.branches) {
    if (!is_asked(branch)) continue;
    if (!participant.empty() && branch.participant != participant) continue;
    if (participant.empty()) unanswered_by(branch.participant);
    miss(tx, branch, failure(Problem::participant_unavailable, why, branch.participant));
  }
  conclude_ask(tx);
}

}  // namespace assent
