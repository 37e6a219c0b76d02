// What must hold of an operator's decisions: nothing of them is told before they are durable, they
// never change, nothing durable is contradicted, and what they came too late for is reported.
#include "protocol/invariants.hpp"

namespace assent {

bool Observer::is_resolved(const TxId& tx) const {
  const auto found = histories_.find(tx);
  return found != histories_.end() && found->second.resolved;
}

void Observer::resolution_asked(const ResolutionRecord& record, RecordNumber number, Epoch epoch) {
  History& history = of(record.tx);
  if (history.resolution && *history.resolution != record.outcome)
    violated("I3", "an operator's decision of " + to_string(record.tx) + " is recorded as " +
                       std::string(to_string(record.outcome)) + ", but the other way is durable");
  // A ledger may have forgotten what has ended; what has not, it knows.
  const bool is_known = history.commit && !history.void_commit && !history.ended;
  if (record.outcome == Outcome::aborted && is_known)
    violated("I9", "an operator's abort of " + to_string(record.tx) +
                       " is recorded, but its commit record is durable");
  history.resolving = Resolving{record.outcome, epoch, number};
}

void Observer::resolution_refused(RecordNumber number, Epoch epoch) {
  for (auto& [tx, history] : histories_)
    if (history.resolving && history.resolving->number == number &&
        history.resolving->epoch == epoch)
      history.resolving.reset();
}

// What was told before was told by a ledger that has lost it.
void Observer::resolution_durable(const ResolutionRecord& record, bool competed) {
  History& history = of(record.tx);
  if (history.resolution && !competed && *history.resolution != record.outcome)
    violated("I3",
             "an operator's decision of " + to_string(record.tx) + " became durable both ways");
  history.resolving.reset();
  history.resolved = true;
  if (!competed) history.resolution = record.outcome;
  history.aborted.reset();
  if (record.outcome == Outcome::aborted) {
    history.void_commit = history.commit.has_value();
    return;
  }
  history.void_commit = competed;
  history.commit = CommitRecord{record.tx, record.epoch, record.sequence, record.branches,
                                {},        {},           record.wall_ms};
}

void Observer::told_of_resolution(const TxId& tx, Outcome outcome, const std::string& whom) {
  const History& history = of(tx);
  if (history.resolving && history.resolving->epoch == speaking_)
    violated("I1", whom + " was told that " + to_string(tx) + " is " +
                       std::string(to_string(outcome)) +
                       ", while an operator's decision of it was not durable");
  if (history.resolution && *history.resolution != outcome)
    violated("I3", whom + " was told that " + to_string(tx) + " is " +
                       std::string(to_string(outcome)) + ", but an operator has decided otherwise");
}

void Observer::acknowledgement_shown(const Transaction& tx) {
  for (const Acknowledgement& each : tx.acknowledgements)
    for (const std::string& name : each.participants)
      if (!of(tx.tx).acknowledged.contains(name))
        violated("I1", "the damage of " + to_string(tx.tx) + " at " + name +
                           " is shown as acknowledged, but that is not durable");
}

// Who had carried out the other decision says so when asked, but for a rollback whose line was lost
// with the process (an abort leaves no other trace). Who was told the operator's, and whose branch
// had been ended by hand, proves it; but not what an application had prepared, and nobody had voted
// for.
void Observer::resolved_at_rest(const TxId& tx, const CoordinatorMachine& coordinator) {
  const History& history = of(tx);
  if (!history.resolution) return;  // lost with its ledger, or disputed
  for (const auto& [name, branch] : history.branches) {
    if (branch.excused || branch.unseen || !branch.outcome) continue;
    if (*branch.outcome == *history.resolution) continue;
    const bool told =
        *history.resolution == Outcome::committed ? branch.told_commit : branch.told_abort;
    if (branch.by_hand && !(told && branch.told_since)) continue;
    if (*branch.outcome == Outcome::aborted && branch.knows_nothing) continue;
    const Transaction* known = coordinator.find(tx);
    const TxBranch* shown = known ? known->branch(name) : nullptr;
    const bool reported =
        shown && (shown->phase == BranchPhase::heuristic || shown->phase == BranchPhase::unproven);
    if (!reported)
      violated("I4", "the branch of " + to_string(tx) + " at " + name + " was " +
                         std::string(to_string(*branch.outcome)) +
                         " against an operator's decision, and nobody is told");
  }
}

}  // namespace assent
