// Prepared branches of earlier epochs that this ledger has no record of, while it may not presume
// abort.
#include <algorithm>

#include "protocol/coordinator_step.hpp"

namespace assent {

void CoordinatorStep::doubt(const std::string& from, const HeldBranch& held, std::string why) {
  Doubt& doubt = m.doubts_[held.gid.tx];
  doubt.gid = held.gid;
  doubt.why = std::move(why);
  doubt.askers.insert(from);
  for (const std::string& peer : held.peers)
    if (std::find(doubt.peers.begin(), doubt.peers.end(), peer) == doubt.peers.end())
      doubt.peers.push_back(peer);
  if (held.xid != 0) doubt.held[from] = DecidedBranch{from, held.xid, m.members_.at(from).server};
  doubt.evidence[from] = Knowledge::prepared;
  weigh(doubt);
}

void CoordinatorStep::received(const std::string& from, const Evidence& message) {
  if (Transaction* tx = find(message.gid);
      tx && tx->resolution && message.gid.participant == from) {
    heard_of_resolved(*tx, from, message.knowledge);
    return finish_if_told(*tx);
  }
  const auto found = m.doubts_.find(message.gid.tx);
  if (found == m.doubts_.end() || message.gid.ledger != m.ledger_ ||
      message.gid.epoch != found->second.gid.epoch || message.gid.participant != from)
    return;
  Doubt& doubt = found->second;
  // What has ended stays ended: a late "prepared" or "nothing" does not take evidence back.
  Knowledge& known = doubt.evidence.try_emplace(from, Knowledge::nothing).first->second;
  if (known != Knowledge::committed && known != Knowledge::aborted) known = message.knowledge;
  weigh(doubt);
}

namespace {

std::vector<std::string> witnesses(const CoordinatorMachine& m, const Doubt& doubt) {
  if (!doubt.peers.empty()) return doubt.peers;
  std::vector<std::string> all;
  for (const auto& [name, member] : m.members()) all.push_back(name);
  return all;
}

bool any(const Doubt& doubt, Knowledge knowledge) {
  return std::any_of(doubt.evidence.begin(), doubt.evidence.end(),
                     [&](const auto& each) { return each.second == knowledge; });
}

}  // namespace

// Committed anywhere: it was decided. Aborted anywhere: it cannot have been. Neither, from every
// participant, each with this epoch durable: nobody has applied it and nobody can any more. That is
// enough for a careful ledger, but not for one that is known to have lost commits, nor for branches
// it cannot have kept the outcome of.
void CoordinatorStep::weigh(Doubt& doubt) {
  if (doubt.pending) {  // decided by an operator, though not durably yet
    doubt.ask_at = now.steady + m.limits_.resend_interval;
    return;
  }
  if (doubt.askers.empty()) {  // nobody waits for an answer
    m.doubts_.erase(TxId(doubt.gid.tx));
    return;
  }
  if (any(doubt, Knowledge::committed)) return adopt_commit(doubt);
  bool all_heard = true;
  for (const std::string& peer : witnesses(m, doubt)) {
    if (!ready(peer) || !doubt.evidence.count(peer)) all_heard = false;
  }
  const Gid gid = doubt.gid;
  const std::int64_t made_ms = uuid7_unix_ms(gid.tx.uuid).value_or(0);
  bool revenant = made_ms + m.limits_.outcome_retention.count() < now.wall_ms;
  for (const std::string& asker : doubt.askers)
    revenant = revenant ||
               (gid.epoch < m.members_.at(asker).rewound_below && made_ms <= m.forgotten_wall_ms_);
  const bool presumed = all_heard && !revenant && m.standing(gid.epoch) != Standing::contradicted;
  if (any(doubt, Knowledge::aborted) || presumed) {
    return settle_doubt(gid.tx);
  }
  ask_peers(doubt);
}

void CoordinatorStep::settle_doubt(const TxId& tx) {
  const auto found = m.doubts_.find(tx);
  if (found == m.doubts_.end()) return;
  const Doubt& doubt = found->second;
  const Gid& gid = doubt.gid;
  for (const std::string& asker : doubt.askers) {
    if (!ready(asker)) continue;
    Abort abort{Gid{gid.ledger, gid.epoch, gid.tx, asker}};
    if (const auto held = doubt.held.find(asker); held != doubt.held.end()) {
      abort.xid = held->second.xid;
      abort.server = held->second.server;
    }
    send(asker, std::move(abort));
  }
  m.doubts_.erase(found);
}

void CoordinatorStep::ask_peers(Doubt& doubt) {
  if (now.steady < doubt.ask_at) return;
  for (const std::string& peer : witnesses(m, doubt))
    if (ready(peer) && !doubt.askers.count(peer))
      send(peer, Ask{Gid{doubt.gid.ledger, doubt.gid.epoch, doubt.gid.tx, peer}});
  doubt.ask_at = now.steady + m.limits_.resend_interval;
}

// A participant has applied the commit, so it was decided: the record is written again, and the
// others follow.
void CoordinatorStep::adopt_commit(Doubt& doubt) {
  Transaction& tx = m.transactions_[doubt.gid.tx];
  ++m.unfinished_;
  tx.tx = doubt.gid.tx;
  tx.epoch = doubt.gid.epoch;
  tx.replayed = true;
  tx.state = TxState::deciding;
  tx.begun_wall_ms = uuid7_unix_ms(tx.tx.uuid).value_or(0);
  tx.decided_wall_ms = now.wall_ms;
  tx.begun_at = tx.deadline = now.steady;
  CommitRecord record;
  record.tx = tx.tx;
  record.epoch = tx.epoch;
  record.sequence = tx.sequence = ++m.sequence_;
  record.wall_ms = now.wall_ms;
  std::set<std::string> names(doubt.peers.begin(), doubt.peers.end());
  for (const auto& [name, knowledge] : doubt.evidence)
    if (knowledge == Knowledge::nothing)
      names.erase(name);  // it has nothing left to finish
    else
      names.insert(name);
  for (const std::string& name : names) {
    TxBranch branch;
    branch.participant = name;
    branch.phase = BranchPhase::yes;
    const auto held = doubt.held.find(name);
    if (held != doubt.held.end()) {
      branch.xid = held->second.xid;
      branch.server = held->second.server;
    }
    record.branches.push_back({name, branch.xid, branch.server});
    joins(tx, std::move(branch));
  }
  m.doubts_.erase(doubt.gid.tx);  // `doubt` is gone from here on
  tx.record = log(std::move(record));
  tx.answer_at = now.steady + m.limits_.apply_wait;
  m.deciding_.push_back(tx.tx);
  set_timer(tx, tx.answer_at);
}

// The log had no room for the adopted record. It was decided all the same, so nobody may hear
// "aborted": the branches are in doubt again, until they are asked about once more.
void CoordinatorStep::unadopt(Transaction& tx) {
  m.timers_.erase({tx.timer_at, tx.tx});
  --m.unfinished_;
  for (const TxBranch& branch : tx.branches) leaves(branch.participant);
  m.transactions_.erase(tx.tx);
}

}  // namespace assent
