// What must hold of a machine, whatever has happened before.
#include <algorithm>
#include <utility>

#include "protocol/invariants.hpp"

namespace assent {
namespace {

bool is_finished(TxState state) {
  return state == TxState::committed || state == TxState::aborted;
}

// What a branch may be while its transaction is in `state`.
bool fits(BranchPhase phase, TxState state, Mode mode) {
  switch (phase) {
    case BranchPhase::working:
      return state == TxState::open;
    case BranchPhase::preparing:
      return state == TxState::preparing;
    case BranchPhase::yes:  // external: it had, when it was last asked
      return state == TxState::preparing || state == TxState::deciding ||
             (mode == Mode::external && state == TxState::open);
    case BranchPhase::read_only:
      return state != TxState::open;
    case BranchPhase::not_yet:
      return mode == Mode::external && (state == TxState::open || state == TxState::preparing);
    case BranchPhase::no:
      return state == TxState::aborting || state == TxState::aborted;
    case BranchPhase::finishing:
      return state == TxState::committing || state == TxState::aborting;
    case BranchPhase::applied:
    case BranchPhase::heuristic:
    case BranchPhase::unproven:
      return state == TxState::committing || state == TxState::aborting || is_finished(state);
  }
  return false;
}

bool is_bound(BranchState state) {
  return state == BranchState::prepared || state == BranchState::committing ||
         state == BranchState::rolling_back || state == BranchState::proving ||
         state == BranchState::denied;
}

}  // namespace

std::vector<Violation> check(const CoordinatorMachine& machine) {
  std::vector<Violation> found;
  std::size_t unfinished = 0;
  std::map<std::string, std::size_t> branches;
  for (const auto& [id, tx] : machine.transactions()) {
    unfinished += is_finished(tx.state) ? 0 : 1;
    if (!is_finished(tx.state))
      for (const TxBranch& branch : tx.branches) ++branches[branch.participant];
    for (const TxBranch& branch : tx.branches)
      if (!fits(branch.phase, tx.state, tx.mode))
        found.push_back({"state", "branch " + branch.participant + " of " + to_string(id) + " is " +
                                      std::string(to_string(branch.phase)) + " while it is " +
                                      std::string(to_string(tx.state))});
    const bool decided = tx.state == TxState::deciding || tx.state == TxState::committing;
    if (decided && tx.sequence == 0)
      found.push_back({"I1", to_string(id) + " is being committed without a sequence number"});
    if (tx.resolution &&
        fate_of(tx.state) !=
            (tx.resolution->outcome == Outcome::committed ? Fate::committed : Fate::aborted))
      found.push_back({"I3", to_string(id) + " is " + std::string(to_string(tx.state)) +
                                 " against an operator's decision"});
    if (machine.doubts().count(id))
      found.push_back({"I9", to_string(id) + " is in doubt although it is known"});
    if (is_finished(tx.state) && !tx.waiters.empty())
      found.push_back({"I5", to_string(id) + " has ended and somebody still waits for a reply"});
  }
  if (unfinished != machine.unfinished())
    found.push_back({"state", std::to_string(unfinished) +
                                  " transactions are unfinished, counted " +
                                  std::to_string(machine.unfinished())});
  if (branches != machine.branches())
    found.push_back({"state", "unfinished branches are not what was counted for each participant"});
  return found;
}

std::vector<Violation> check(const ParticipantMachine& machine) {
  std::vector<Violation> found;
  for (const auto& [gid, branch] : machine.branches()) {
    if (branch.gid != gid) found.push_back({"state", "a branch is filed under " + to_string(gid)});
    if (branch.state == BranchState::committing && branch.decided != Outcome::committed)
      found.push_back({"I6", to_string(gid) + " is being committed without the decision"});
    if (branch.state == BranchState::prepared && branch.decided)
      found.push_back({"state", to_string(gid) + " is in doubt although its decision is known"});
  }
  return found;
}

std::vector<Violation> check_at_rest(const CoordinatorMachine& machine) {
  std::vector<Violation> found;
  for (const auto& [id, tx] : machine.transactions())
    if (!is_finished(tx.state))
      found.push_back({"I10", to_string(id) + " is still " + std::string(to_string(tx.state))});
  for (const auto& [id, tx] : machine.transactions())
    if (tx.resolution && !tx.resolution->unheard.empty())
      found.push_back({"I10", *tx.resolution->unheard.begin() +
                                  " has still not said what it knows of " + to_string(id) +
                                  ", which an operator has decided"});
  for (const auto& [id, doubt] : machine.doubts())
    if (doubt.pending)
      found.push_back({"I10", "an operator's decision of " + to_string(id) + " waits for the log"});
  return found;
}

std::vector<Violation> check_at_rest(const ParticipantMachine& machine) {
  std::vector<Violation> found;
  for (const auto& [gid, branch] : machine.branches())
    found.push_back({"I10", to_string(gid) + " is still " + std::string(to_string(branch.state)) +
                                " at " + machine.name() +
                                (is_bound(branch.state) ? ", holding its locks" : "")});
  if (found.empty() && !machine.idle())
    found.push_back({"I10", machine.name() + " still has something to journal"});
  return found;
}

}  // namespace assent
