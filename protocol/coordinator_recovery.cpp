// Recovery is construction: what the log says becomes the machine's state; and back, for an opening
// segment.
#include <algorithm>
#include <utility>

#include "protocol/coordinator_step.hpp"

namespace assent {

struct Replay {
  CoordinatorMachine& m;
  const Now now;

  void take(const EpochRecord& record) {
    const bool is_new = m.epochs_.empty() || m.epochs_.back().epoch < record.epoch;
    if (is_new) m.epochs_.push_back(record);
    EpochRecord& start = m.epochs_.back();
    if (start.epoch != record.epoch)
      return;  // repeated by a snapshot; a later one is known already
    start.sequence = std::max(record.sequence, start.sequence);
    if (is_new && start.sequence == 0) start.sequence = m.sequence_;
    start.careful_below = std::max(start.careful_below, record.careful_below);
    start.contradicted_below = std::max(start.contradicted_below, record.contradicted_below);
    m.sequence_ = std::max(m.sequence_, start.sequence);
    m.forgotten_wall_ms_ = std::max(m.forgotten_wall_ms_, record.forgotten_wall_ms);
    m.forgotten_key_ms_ = std::max(m.forgotten_key_ms_, record.forgotten_key_ms);
  }

  void take(const MemberRecord& record) {
    Member& member = m.members_[record.participant];
    member.server = record.server;
    member.recorded = true;
    member.rewound_below = std::max(member.rewound_below, record.rewound_below);
    if (record.witness_after <= member.witness_after) return;  // repeated by a snapshot
    member.witness_after = record.witness_after;
    member.durable_mark = 0;
    for (auto& [id, tx] : m.transactions_)
      if (TxBranch* branch = tx.branch(record.participant)) branch->server = ServerIdentity{};
  }

  void take(const CommitRecord& record) {
    m.sequence_ = std::max(m.sequence_, record.sequence);
    const auto [place, is_new] = m.transactions_.try_emplace(record.tx);
    Transaction& tx = place->second;
    if (!is_new) return;  // repeated by a snapshot
    ++m.unfinished_;
    tx.tx = record.tx;
    tx.epoch = record.epoch;
    tx.state = TxState::committing;
    tx.replayed = true;
    tx.key = record.key;
    tx.labels = record.labels;
    tx.sequence = record.sequence;
    tx.begun_wall_ms = uuid7_unix_ms(record.tx.uuid).value_or(record.wall_ms);
    tx.decided_wall_ms = record.wall_ms;
    tx.begun_at = tx.deadline = tx.answer_at = now.steady;
    take_branches(tx, record.branches, record.sequence);
    if (tx.key) m.keys_[tx.key->key] = tx.tx;
  }

  void take(const EndRecord& record) {
    m.sequence_ = std::max(m.sequence_, record.sequence);
    for (const auto& mark : record.marks) {
      Member& member = m.members_[mark.participant];
      member.durable_mark = std::max(member.durable_mark, mark.sequence);
    }
    const auto found = m.transactions_.find(record.tx);
    if (found == m.transactions_.end()) return;
    Transaction& tx = found->second;
    if (tx.state != TxState::committing && tx.state != TxState::aborting) return;
    for (TxBranch& branch : tx.branches)
      if (branch.phase == BranchPhase::finishing) branch.phase = BranchPhase::applied;
    finished(tx, tx.state == TxState::committing ? TxState::committed : TxState::aborted,
             tx.decided_wall_ms);
  }

  void take(const HeuristicRecord& record) {
    Transaction& tx = m.transactions_[record.tx];
    if (tx.tx != record.tx) {  // an aborted transaction has no other record
      const bool committed = record.decided == Outcome::committed;
      tx.tx = record.tx;
      tx.replayed = true;
      ++m.unfinished_;
      finished(tx, committed ? TxState::committed : TxState::aborted, record.wall_ms);
    }
    TxBranch* branch = tx.branch(record.participant);
    if (!branch) {
      branch = &tx.branches.emplace_back();
      branch->participant = record.participant;
    }
    branch->phase = record.application == Application::unproven ? BranchPhase::unproven
                                                                : BranchPhase::heuristic;
    const bool all_told =
        std::none_of(tx.branches.begin(), tx.branches.end(),
                     [](const TxBranch& each) { return each.phase == BranchPhase::finishing; });
    if (tx.state == TxState::committing && all_told)
      finished(tx, TxState::committed, record.wall_ms);
    if (tx.state == TxState::aborting && all_told) finished(tx, TxState::aborted, record.wall_ms);
  }

  void take(const ResolutionRecord& record) {
    m.sequence_ = std::max(m.sequence_, record.sequence);
    const auto [place, is_new] = m.transactions_.try_emplace(record.tx);
    Transaction& tx = place->second;
    if (!is_new) return;  // repeated by a snapshot
    const bool committed = record.outcome == Outcome::committed;
    ++m.unfinished_;
    tx.tx = record.tx;
    tx.epoch = record.epoch;
    tx.state = committed ? TxState::committing : TxState::aborting;
    tx.replayed = true;
    tx.sequence = committed ? record.sequence : 0;
    tx.begun_wall_ms = uuid7_unix_ms(record.tx.uuid).value_or(record.wall_ms);
    tx.decided_wall_ms = record.wall_ms;
    tx.begun_at = tx.deadline = tx.answer_at = now.steady;
    tx.resolution = Resolution{record.outcome,
                               record.by,
                               record.reason,
                               record.wall_ms,
                               {record.unheard.begin(), record.unheard.end()}};
    take_branches(tx, record.branches, record.sequence);
  }

  void take(const AcknowledgementRecord& record) {
    const auto found = m.transactions_.find(record.tx);
    if (found == m.transactions_.end()) return;
    const Acknowledgement seen{record.participants, record.by, record.reason, record.wall_ms};
    auto& known = found->second.acknowledgements;
    if (std::find(known.begin(), known.end(), seen) == known.end()) known.push_back(seen);
  }

  void take_branches(Transaction& tx, const std::vector<DecidedBranch>& branches,
                     Sequence sequence) {
    for (const DecidedBranch& decided : branches) {
      TxBranch branch;
      branch.participant = decided.participant;
      branch.phase = BranchPhase::finishing;
      branch.xid = decided.xid;
      // The roster must not miss it.
      const Member& member = m.members_[decided.participant];
      if (sequence > member.witness_after) branch.server = decided.server;
      tx.branches.push_back(std::move(branch));
    }
  }

  void finished(Transaction& tx, TxState state, std::int64_t wall_ms) {
    tx.state = state;
    tx.ended_wall_ms = wall_ms;
    --m.unfinished_;
    m.finished_.push_back(tx.tx);
    // As it was when it happened: a long log is no reason to keep more than a running coordinator
    // keeps, nor to forget it all in the turn that finishes the first transaction.
    std::vector<CoordinatorAction> none;
    CoordinatorStep{m, now, none}.trim_finished();
  }
};

CoordinatorRecovery::CoordinatorRecovery(CoordinatorLimits limits, Now now)
    : machine_(limits), now_(now) {}

void CoordinatorRecovery::take(const LogRecord& record) {
  Replay replay{machine_, now_};
  std::visit([&](const auto& each) { replay.take(each); }, record);
}

CoordinatorMachine CoordinatorRecovery::finish(const Recovered& recovered,
                                               const EpochRecord& start) && {
  CoordinatorMachine& m = machine_;
  m.ledger_ = recovered.ledger;
  m.epoch_ = start.epoch;
  m.life_ = start.life;
  EpochRecord known = start;
  if (!m.epochs_.empty()) {
    known.careful_below = std::max(known.careful_below, m.epochs_.back().careful_below);
    known.contradicted_below =
        std::max(known.contradicted_below, m.epochs_.back().contradicted_below);
  }
  if (!recovered.same_place || recovered.restored || recovered.tail == Tail::torn)
    known.careful_below = start.epoch;
  m.epoch_corrected_ = known.careful_below != start.careful_below ||
                       known.contradicted_below != start.contradicted_below;
  Replay{m, now_}.take(known);

  for (auto& [id, tx] : m.transactions_) {
    for (const TxBranch& branch : tx.branches) {
      Member& member = m.members_[branch.participant];
      if (branch.server == member.server)
        member.highest_xid = std::max(member.highest_xid, branch.xid);
    }
    const bool done = tx.state == TxState::committed || tx.state == TxState::aborted;
    if (!done)
      for (const TxBranch& branch : tx.branches) ++m.branches_[branch.participant];
    tx.timer_at = now_.steady + (done ? m.limits_.finished_kept_for : m.limits_.resend_interval);
    m.timers_.insert({tx.timer_at, id});
  }
  return std::move(m);
}

CoordinatorMachine::CoordinatorMachine(CoordinatorLimits limits) : limits_(limits) {
  limits_.finished_kept = std::max<std::size_t>(limits_.finished_kept, 1);
}

CoordinatorMachine::CoordinatorMachine(CoordinatorLimits limits, const Recovered& recovered,
                                       const EpochRecord& start, Now now)
    : CoordinatorMachine([&] {
        CoordinatorRecovery recovery(limits, now);
        for (const LogRecord& record : recovered.records) recovery.take(record);
        return std::move(recovery).finish(recovered, start);
      }()) {}

Sequence CoordinatorMachine::known_sequence(Epoch epoch) const {
  for (const EpochRecord& start : epochs_)
    if (start.epoch > epoch) return start.sequence;
  return sequence_;
}

bool CoordinatorMachine::is_foreign(const Mark& mark) const {
  if (mark.epoch < epochs_.back().careful_below && mark.epoch < epoch_) return false;
  return std::none_of(epochs_.begin(), epochs_.end(), [&](const EpochRecord& start) {
    return start.epoch == mark.epoch && start.life == mark.life;
  });
}

Standing CoordinatorMachine::standing(Epoch epoch) const {
  if (epoch < epochs_.back().contradicted_below) return Standing::contradicted;
  if (epoch < epochs_.back().careful_below) return Standing::careful;
  return Standing::complete;
}

Fate CoordinatorMachine::fate_of_unknown(const TxId& tx, Now now) const {
  const auto made_ms = uuid7_unix_ms(tx.uuid);
  if (!made_ms) return Fate::none;  // never given out by anybody
  // What committed and was forgotten was made before this; of anything younger a complete ledger
  // knows every commit.
  if (may_be_forgotten(*made_ms, now)) return Fate::unknown;
  // Any other may have lost it. That the id looks younger than this start is no proof that this
  // start made it: the wall clock may have been put back in between.
  if (standing() != Standing::complete || doubts_.count(tx)) return Fate::unknown;
  return *made_ms > now.wall_ms + kClockSlackMs ? Fate::none : Fate::aborted;
}

// A ledger that may have lost commits has lost their keys with them: those of requests that were
// sent before the start which it must be careful about.
bool CoordinatorMachine::may_be_forgotten(const RequestKey& key) const {
  if (key.first_sent_ms == 0) return false;
  if (key.first_sent_ms <= forgotten_key_ms_) return true;
  const Epoch careful = std::max(epochs_.back().careful_below, epochs_.back().contradicted_below);
  return std::any_of(epochs_.begin(), epochs_.end(), [&](const EpochRecord& start) {
    return start.epoch <= careful && key.first_sent_ms <= start.wall_ms;
  });
}

bool CoordinatorMachine::may_be_forgotten(std::int64_t made_ms, Now now) const {
  return made_ms <= forgotten_wall_ms_ || made_ms + limits_.outcome_retention.count() < now.wall_ms;
}

Failure CoordinatorMachine::failure_of_unknown(const TxId& tx, Now now) const {
  Failure failure;
  const auto made_ms = uuid7_unix_ms(tx.uuid);
  const bool expired = made_ms && may_be_forgotten(*made_ms, now);
  failure.problem = expired ? Problem::history_expired : Problem::transaction_not_found;
  failure.message = expired ? "Transactions of this age may have been forgotten."
                            : "No transaction of this id is known here.";
  return failure;
}

namespace {

ResolutionRecord resolution_record(const Transaction& tx, Sequence last,
                                   std::vector<DecidedBranch> branches) {
  const Resolution& decided = *tx.resolution;
  return {tx.tx,
          tx.epoch,
          decided.outcome,
          decided.outcome == Outcome::committed ? tx.sequence : last,
          std::move(branches),
          {decided.unheard.begin(), decided.unheard.end()},
          decided.by,
          decided.reason,
          decided.wall_ms};
}

}  // namespace

std::vector<LogRecord> CoordinatorMachine::snapshot() const {
  std::vector<LogRecord> records;
  for (EpochRecord start : epochs_) {
    if (start.epoch == epoch_) start.forgotten_wall_ms = forgotten_wall_ms_;
    if (start.epoch == epoch_) start.forgotten_key_ms = forgotten_key_ms_;
    records.push_back(start);
  }
  // An End of no transaction: how far the ledger has counted, and whom it has seen how far. The
  // transactions that showed it may be forgotten.
  EndRecord counted{TxId{}, sequence_, {}};
  for (const auto& [name, member] : members_) {
    records.push_back(
        MemberRecord{name, member.server, member.rewound_below, member.witness_after});
    counted.marks.push_back({name, member.durable_mark});
  }
  records.push_back(std::move(counted));
  for (const auto& [id, tx] : transactions_) {
    const bool decided = tx.state == TxState::deciding || tx.state == TxState::committing ||
                         tx.state == TxState::committed;
    const bool resolved = tx.resolution.has_value();
    CommitRecord commit{id, tx.epoch, tx.sequence, {}, tx.key, tx.labels, tx.decided_wall_ms};
    EndRecord end{id, tx.sequence, {}};
    for (const TxBranch& branch : tx.branches) {
      if (branch.phase == BranchPhase::read_only || branch.phase == BranchPhase::no) continue;
      commit.branches.push_back({branch.participant, branch.xid, branch.server});
      const auto member = members_.find(branch.participant);
      if (member != members_.end())
        end.marks.push_back({branch.participant, member->second.durable_mark});
    }
    if (resolved)
      records.push_back(resolution_record(tx, sequence_, std::move(commit.branches)));
    else if (decided && tx.sequence != 0)
      records.push_back(std::move(commit));
    for (const TxBranch& branch : tx.branches) {
      if (branch.phase != BranchPhase::heuristic && branch.phase != BranchPhase::unproven) continue;
      records.push_back(HeuristicRecord{
          id, branch.participant,
          tx.state == TxState::aborting || tx.state == TxState::aborted ? Outcome::aborted
                                                                        : Outcome::committed,
          branch.phase == BranchPhase::heuristic ? Application::heuristic : Application::unproven,
          tx.ended_wall_ms});
    }
    for (const Acknowledgement& seen : tx.acknowledgements)
      records.push_back(
          AcknowledgementRecord{id, seen.participants, seen.by, seen.reason, seen.wall_ms});
    const bool ended = (tx.state == TxState::committed && tx.sequence != 0) ||
                       (tx.state == TxState::aborted && resolved);
    if (ended) records.push_back(std::move(end));
  }
  // On their way to the disk: who takes this instead of the segments before must not lose them.
  for (const auto& [id, doubt] : doubts_)
    if (doubt.pending) records.push_back(doubt.pending->record);
  for (const auto& [number, pending] : acknowledging_) records.push_back(pending.record);
  return records;
}

}  // namespace assent
