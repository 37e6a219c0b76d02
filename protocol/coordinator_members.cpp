// Links and what participants hold.
#include <algorithm>

#include "protocol/coordinator_step.hpp"

namespace assent {
namespace {

// The database goes on from another history than the one known: a failover, or another server.
bool has_moved(const ServerIdentity& known, const ServerIdentity& server) {
  return known != ServerIdentity{} &&
         (known.system_identifier != server.system_identifier || known.timeline != server.timeline);
}

}  // namespace

bool CoordinatorStep::ready(const std::string& participant) const {
  const auto member = m.members_.find(participant);
  return member != m.members_.end() && member->second.state == Member::State::ready;
}

// Tells one branch what was decided, if it can be reached now; whoever returns is told then.
void CoordinatorStep::tell_decision(Transaction& tx, TxBranch& branch) {
  if (!ready(branch.participant)) return;
  const Gid gid = gid_of(tx, branch.participant);
  if (tx.state == TxState::committing || tx.state == TxState::committed)
    send(branch.participant, Commit{gid, tx.sequence, branch.xid, branch.server});
  else
    send(branch.participant, Abort{gid, branch.xid, branch.server, tx.mode == Mode::external});
}

void CoordinatorStep::on(const LinkUp& event) {
  const Hello& hello = event.hello;
  bool contradicted = false;
  Mark seen;
  for (const Mark& mark : hello.marks) {
    if (mark.ledger != m.ledger_) continue;
    if (m.is_foreign(mark)) {
      m.stopped_ = true;
      out.push_back(Stop{"participant " + hello.participant + " has seen epoch " +
                         std::to_string(mark.epoch) + " of this ledger" +
                         (mark.epoch <= m.epoch_ ? ", of a start that is not in it," : "") +
                         " and this is epoch " + std::to_string(m.epoch_) +
                         ": another coordinator runs, or ran, with this ledger"});
      return;
    }
    contradicted = contradicted || mark.sequence > m.known_sequence(mark.epoch);
    seen = mark;
  }
  Member& member = m.members_[hello.participant];
  member.mark = seen;
  member.state = Member::State::greeting;
  member.held.clear();
  if (contradicted && m.epochs_.back().contradicted_below != m.epoch_) {
    m.epochs_.back().contradicted_below = m.epoch_;
    m.epoch_corrected_ = true;
  }
  if (m.epoch_corrected_) {
    m.epoch_corrected_ = false;
    m.epoch_record_ = log(m.epochs_.back());
  }
  const bool moved = has_moved(member.server, hello.server);
  const bool put_back = !moved && hello.next_xid != 0 && member.highest_xid >= hello.next_xid;
  if (put_back) disown_history(hello.participant, member);
  if (!member.recorded || put_back || member.server != hello.server) {
    if (moved) {
      // What it applied last may be lost there, and its mark need not show it: marks are not
      // synced.
      member.rewound_below = m.epoch_ + 1;
      member.highest_xid = 0;
    }
    member.server = hello.server;
    member.recorded = false;
    log_member(hello.participant, member);
  }
  welcome_recorded();
}

void CoordinatorStep::log_member(const std::string& name, Member& member) {
  member.record =
      log(MemberRecord{name, member.server, member.rewound_below, member.witness_after});
}

// Its database was put back and goes on with the same identity. It gives out transaction ids once
// more, so that what was voted before has no witness in its commit log; and its branches may be
// revenants.
void CoordinatorStep::disown_history(const std::string& name, Member& member) {
  member.rewound_below = m.epoch_ + 1;
  member.witness_after = m.sequence_;
  member.durable_mark = 0;
  member.highest_xid = 0;
  for (auto& [id, tx] : m.transactions_)
    if (TxBranch* branch = tx.branch(name)) branch->server = ServerIdentity{};
}

// A participant is welcomed when what must be remembered about it is durable.
void CoordinatorStep::welcome_recorded() {
  if (m.epoch_record_ != 0 && m.epoch_record_ > m.durable_record_) return;
  for (auto& [name, member] : m.members_) {
    if (member.record != 0 && member.record <= m.durable_record_) member.recorded = true;
    if (member.state != Member::State::greeting || !member.recorded) continue;
    member.state = Member::State::welcomed;
    send(name, Welcome{m.ledger_, m.epoch_, m.life_});
  }
}

void CoordinatorStep::on(const LinkDown& event) {
  const auto found = m.members_.find(event.participant);
  if (found == m.members_.end()) return;
  found->second.state = Member::State::away;
  lost_branches(event.participant);
}

// Whoever has not voted when its link breaks has not promised anything: those transactions abort.
// (I9: a branch of a transaction that stays undecided is never told that it is unknown.)
void CoordinatorStep::lost_branches(const std::string& participant) {
  std::vector<TxId> lost;
  for (const auto& [id, tx] : m.transactions_) {
    if (tx.state != TxState::open && tx.state != TxState::preparing) continue;
    if (tx.mode == Mode::external && tx.state == TxState::open) continue;
    const TxBranch* branch = tx.branch(participant);
    if (branch &&
        (branch->phase == BranchPhase::working || branch->phase == BranchPhase::preparing))
      lost.push_back(id);
  }
  for (const TxId& id : lost) {
    Transaction& tx = m.transactions_.at(id);
    if (tx.mode == Mode::external) {
      not_answered(tx, participant, "The link was lost before it had answered.");
      continue;
    }
    abort(tx, failure(Problem::participant_unavailable,
                      "The link to the participant was lost before it had voted: " + participant,
                      participant));
  }
}

void CoordinatorStep::on(const FromParticipant& event) {
  // P11: what it may know of this epoch begins with its Ready.
  if (!std::holds_alternative<Ready>(event.message) && !ready(event.participant)) return;
  std::visit([&](const auto& message) { received(event.participant, message); }, event.message);
}

// The host reports a Hello as LinkUp; one that comes later on the link means nothing.
void CoordinatorStep::received(const std::string&, const Hello&) {}

void CoordinatorStep::received(const std::string& from, const Ready& message) {
  const auto found = m.members_.find(from);
  if (found == m.members_.end() || found->second.state != Member::State::welcomed) return;
  Member& member = found->second;
  for (const HeldBranch& branch : message.held)
    if (stopped_by(from, branch.gid)) return;
  if (message.mark.ledger != m.ledger_ || message.mark.epoch != m.epoch_ ||
      message.mark.life != m.life_) {
    member.state = Member::State::away;
    out.push_back(Disconnect{from, "the participant made another epoch durable than it was told"});
    return;
  }
  member.state = Member::State::ready;
  member.unanswered = 0;
  const bool raised = member.mark.epoch < m.epoch_;
  member.mark = message.mark;
  member.held = message.held;
  if (message.mark.sequence < member.durable_mark) {
    disown_history(from, member);
    log_member(from, member);
  }
  // Raising a mark to a new epoch is a synced commit after all that was journalled.
  if (raised) member.durable_mark = std::max(member.durable_mark, message.mark.sequence);

  std::set<Gid> held;
  for (const HeldBranch& branch : message.held) held.insert(branch.gid);
  std::vector<TxId> concerned;
  for (const auto& [id, tx] : m.transactions_)
    if (tx.branch(from)) concerned.push_back(id);
  for (const TxId& id : concerned) {
    Transaction& tx = m.transactions_.at(id);
    TxBranch& branch = *tx.branch(from);
    if (held.count(gid_of(tx, from))) continue;  // ruled on below
    if (branch.phase == BranchPhase::finishing) tell_decision(tx, branch);
    if (tx.state == TxState::preparing && branch.phase == BranchPhase::yes)
      abort(
          tx,
          failure(Problem::participant_unavailable,
                  "The participant came back without the branch it had voted for (a failover, or a "
                  "resolution by hand): " +
                      from,
                  from));
  }
  for (const HeldBranch& branch : message.held) rule(from, branch);
  ask_unheard_at(from);
  std::vector<TxId> doubted;
  for (auto& [id, doubt] : m.doubts_) {
    // Ended by hand, perhaps: then it waits for nothing here any more.
    if (!held.count(Gid{m.ledger_, doubt.gid.epoch, id, from}) && doubt.askers.erase(from))
      doubt.evidence.erase(from);
    doubted.push_back(id);
  }
  for (const TxId& id : doubted) {
    const auto doubt = m.doubts_.find(id);
    if (doubt != m.doubts_.end()) weigh(doubt->second);
  }
}

void CoordinatorStep::received(const std::string& from, const Inquiry& message) {
  rule(from, HeldBranch{message.gid, 0, message.peers});
}

// Whoever holds a branch of a later epoch than this one's has worked with another coordinator of
// this ledger.
bool CoordinatorStep::stopped_by(const std::string& from, const Gid& gid) {
  if (gid.ledger != m.ledger_ || gid.participant != from || gid.epoch <= m.epoch_) return false;
  m.stopped_ = true;
  out.push_back(Stop{"participant " + from + " holds a branch of epoch " +
                     std::to_string(gid.epoch) + " of this ledger, and this is epoch " +
                     std::to_string(m.epoch_) +
                     ": another coordinator runs, or ran, with this ledger"});
  return true;
}

// A recorded decision holds for ever, also for a branch that a backup brought back. Of what is
// undecided nothing is said.
void CoordinatorStep::rule_by_record(Transaction& tx, const HeldBranch& held) {
  const Gid& gid = held.gid;
  if (tx.resolution) return held_of_resolved(tx, held);
  switch (tx.state) {
    case TxState::open:
    case TxState::preparing:
    case TxState::deciding:
      return;
    case TxState::aborting:
    case TxState::aborted:
      // One known by its damage alone (epoch 0) has no record of its other branches: aborted is
      // aborted.
      if (tx.epoch == gid.epoch || tx.epoch == 0) tell_aborted(held);
      return;
    case TxState::committing:
    case TxState::committed:
      if (tx.epoch != gid.epoch) return;
      if (TxBranch* branch = tx.branch(gid.participant)) return tell_decision(tx, *branch);
      // Adopted on evidence before this participant was heard of; its end is awaited too.
      TxBranch late;
      late.participant = gid.participant;
      late.phase = BranchPhase::finishing;
      late.xid = held.xid;
      late.server = m.members_.at(gid.participant).server;
      tell_decision(tx, late);
      if (tx.state == TxState::committing) joins(tx, std::move(late));
      return;
  }
}

void CoordinatorStep::rule(const std::string& from, const HeldBranch& held) {
  const Gid& gid = held.gid;
  // Who has not made this epoch durable is not spoken to; its Ready tells again what it holds.
  if (gid.ledger != m.ledger_ || gid.participant != from || !ready(from)) return;
  const auto found = m.transactions_.find(gid.tx);
  if (found != m.transactions_.end()) return rule_by_record(found->second, held);
  if (stopped_by(from, gid)) return;
  // I9: from here on it is "unknown, therefore aborted", or a doubt.
  const std::int64_t made_ms = uuid7_unix_ms(gid.tx.uuid).value_or(0);
  const Member& member = m.members_.at(from);
  if (gid.epoch < member.rewound_below && made_ms <= m.forgotten_wall_ms_)
    return doubt(from, held,
                 "the participant's database was put back or has failed over: the branch may be a "
                 "revenant of a transaction that committed");
  if (made_ms + m.limits_.outcome_retention.count() < now.wall_ms)
    return doubt(from, held, "the branch is older than the outcomes this ledger keeps");
  if (m.standing(gid.epoch) != Standing::complete)
    return doubt(from, held,
                 m.standing(gid.epoch) == Standing::careful
                     ? "the ledger was moved, torn or put back: its participants are asked first"
                     : "a participant has seen commits that this ledger does not hold");
  tell_aborted(held);
}

// It may be gone when this arrives; the xid lets the participant prove how it ended.
void CoordinatorStep::tell_aborted(const HeldBranch& held) {
  const std::string& holder = held.gid.participant;
  Abort abort{held.gid, held.xid};
  if (held.xid != 0) abort.server = m.members_.at(holder).server;
  send(holder, std::move(abort));
}

}  // namespace assent
