// Votes, the decision, and what follows from it.
#include <algorithm>
#include <utility>

#include "protocol/coordinator_step.hpp"

namespace assent {
namespace {

bool is_told(BranchPhase phase) {
  return phase == BranchPhase::applied || phase == BranchPhase::heuristic ||
         phase == BranchPhase::unproven || phase == BranchPhase::no ||
         phase == BranchPhase::read_only;
}

bool has_voted(BranchPhase phase) {
  return phase == BranchPhase::yes || phase == BranchPhase::read_only;
}

CommitRecord record_of(const Transaction& tx, std::int64_t wall_ms) {
  CommitRecord record;
  record.tx = tx.tx;
  record.epoch = tx.epoch;
  record.sequence = tx.sequence;
  for (const TxBranch& branch : tx.branches)
    if (branch.phase == BranchPhase::yes)
      record.branches.push_back({branch.participant, branch.xid, branch.server});
  record.key = tx.key;
  record.labels = tx.labels;
  record.wall_ms = wall_ms;
  return record;
}

}  // namespace

// An interactive transaction is asked to commit: every branch is asked to vote.
void CoordinatorStep::prepare(Transaction& tx) {
  if (tx.mode == Mode::external) return ask_external(tx);
  tx.state = TxState::preparing;
  std::vector<std::string> peers;
  for (const TxBranch& branch : tx.branches) peers.push_back(branch.participant);
  const auto left = std::chrono::duration_cast<Duration>(tx.deadline - now.steady);
  for (TxBranch& branch : tx.branches) {
    branch.phase = BranchPhase::preparing;
    send(branch.participant, Prepare{gid_of(tx, branch.participant), std::nullopt, peers, left});
  }
  set_timer(tx, tx.deadline);
  decide_if_complete(tx);
}

void CoordinatorStep::received(const std::string& from, const Executed& message) {
  Transaction* tx = find(message.gid);
  if (!tx || tx->state != TxState::open) return;
  Conversation& talk = tx->conversation;
  if (!talk.running || talk.last_seq != message.seq || talk.last_participant != from) return;
  answered_by(from);
  if (const auto* refused = std::get_if<Failure>(&message.result)) return abort(*tx, *refused);
  talk.running = false;
  talk.last_answer = std::get<Results>(message.result);
  talk.idle_at = now.steady + talk.idle_timeout;
  set_timer(*tx, std::min(tx->deadline, talk.idle_at));
  for (const RequestId request : std::exchange(talk.waiting, {}))
    reply(request, tx->tx, Fate::unknown);
}

void CoordinatorStep::received(const std::string& from, const Vote& message) {
  Member& member = m.members_.at(from);
  if (message.server == member.server)
    member.highest_xid = std::max(member.highest_xid, message.xid);
  Transaction* tx = find(message.gid);
  TxBranch* branch = tx ? tx->branch(from) : nullptr;
  if (!branch) {
    // Not ours any more, or never was: whoever holds it prepared must hear what became of it.
    if (message.verdict == Verdict::yes) rule(from, HeldBranch{message.gid, message.xid, {}});
    return;
  }
  if (tx->state == TxState::aborting) {
    // A no ends the branch without being told; a yes waits for the Abort, which is on its way or is
    // resent, with the witness from now on.
    if (branch->phase != BranchPhase::finishing || message.verdict == Verdict::not_yet) return;
    if (message.verdict == Verdict::yes) {
      branch->xid = message.xid;
      branch->server = message.server;
    } else {
      branch->phase = message.verdict == Verdict::no ? BranchPhase::no : BranchPhase::read_only;
      finish_if_told(*tx);
    }
    return;
  }
  if (tx->state != TxState::preparing || branch->phase != BranchPhase::preparing) return;
  if (message.ask != tx->asks) return;  // of an earlier asking: what it saw may be gone
  answered_by(from);
  if (message.verdict == Verdict::not_yet) {
    miss(*tx, *branch, message.failure.value_or(failure(Problem::branch_not_prepared, "", from)));
    return conclude_ask(*tx);
  }
  if (message.verdict == Verdict::no) {
    branch->phase = BranchPhase::no;
    return abort(*tx, message.failure.value_or(
                          failure(Problem::statement_failed, "The participant voted no.", from)));
  }
  branch->results = message.results;
  branch->phase = message.verdict == Verdict::yes ? BranchPhase::yes : BranchPhase::read_only;
  branch->xid = message.xid;
  branch->server = message.server;
  if (tx->mode == Mode::external) return conclude_ask(*tx);
  decide_if_complete(*tx);
}

// I2: the commit record is asked for only here, and only when every branch has voted.
void CoordinatorStep::decide_if_complete(Transaction& tx) {
  if (tx.state != TxState::preparing) return;
  if (!std::all_of(tx.branches.begin(), tx.branches.end(),
                   [](const TxBranch& branch) { return has_voted(branch.phase); }))
    return;
  tx.decided_wall_ms = now.wall_ms;
  const bool nothing_to_commit =
      std::none_of(tx.branches.begin(), tx.branches.end(),
                   [](const TxBranch& branch) { return branch.phase == BranchPhase::yes; });
  if (nothing_to_commit) return finish(tx, TxState::committed);
  tx.state = TxState::deciding;
  tx.sequence = ++m.sequence_;
  tx.record = log(record_of(tx, now.wall_ms));
  tx.answer_at = now.steady + m.limits_.apply_wait;
  m.deciding_.push_back(tx.tx);
  set_timer(tx, tx.answer_at);
}

void CoordinatorStep::on(const Logged& event) {
  m.durable_record_ = std::max(m.durable_record_, event.up_to);
  while (!m.deciding_.empty()) {
    Transaction& tx = m.transactions_.at(m.deciding_.front());
    if (tx.record > m.durable_record_) break;
    m.deciding_.pop_front();
    decided(tx);
  }
  resolutions_durable();
  damage_durable();
  welcome_recorded();
}

// A transaction whose end waited for the record of its damage ends now: an End that came first
// would make a later start take the branch for applied.
void CoordinatorStep::damage_durable() {
  std::set<TxId> recorded;
  while (!m.unlogged_damage_.empty() && m.unlogged_damage_.begin()->first <= m.durable_record_) {
    recorded.insert(m.unlogged_damage_.begin()->second.tx);
    m.unlogged_damage_.erase(m.unlogged_damage_.begin());
  }
  for (const TxId& id : recorded) {
    const auto found = m.transactions_.find(id);
    if (found == m.transactions_.end()) continue;
    const Transaction& tx = found->second;
    if (tx.state == TxState::committed || (tx.resolution && tx.state == TxState::aborted))
      log_end(tx);
  }
}

// The record is durable (I1): now, and not before, anyone may hear of it.
void CoordinatorStep::decided(Transaction& tx) {
  tx.state = TxState::committing;
  tx.answer_at = now.steady + m.limits_.apply_wait;
  for (TxBranch& branch : tx.branches) {
    if (branch.phase != BranchPhase::yes) continue;
    branch.phase = BranchPhase::finishing;
    tell_decision(tx, branch);
  }
  answer_all(tx);
  set_timer(tx, now.steady + std::min(m.limits_.resend_interval, m.limits_.apply_wait));
}

void CoordinatorStep::on(const LogRefused& event) {
  // Nothing of the record was written: commit has not been decided and can still become impossible.
  const auto refused = std::find_if(m.deciding_.begin(), m.deciding_.end(), [&](const TxId& id) {
    return m.transactions_.at(id).record == event.record;
  });
  if (refused != m.deciding_.end()) {
    Transaction& tx = m.transactions_.at(*refused);
    m.deciding_.erase(refused);
    if (tx.replayed) return unadopt(tx);
    tx.sequence = 0;
    return abort(tx,
                 failure(Problem::log_unavailable, "The decision log has no room for the record."));
  }
  if (resolution_refused(event.record)) return;
  // Taken out of those on their way: a later record that becomes durable says nothing of this one.
  if (const auto refused_damage = m.unlogged_damage_.extract(event.record)) {
    m.refused_damage_.push_back(std::move(refused_damage.mapped()));
    m.relog_at_ = now.steady + Duration(1000);
  }
  const bool epoch_refused = m.epoch_record_ == event.record;
  if (epoch_refused) {
    m.epoch_record_ = 0;
    m.epoch_corrected_ = true;
  }
  for (auto& [name, member] : m.members_) {
    const bool member_refused = member.record == event.record;
    if (member_refused) {  // what was not written must not count as durable when later records are
      member.record = 0;
      member.recorded = false;
    }
    const bool greeting = member.state == Member::State::greeting;
    if (!member_refused && !(epoch_refused && greeting)) continue;
    if (member.state == Member::State::away) continue;
    member.state = Member::State::away;
    lost_branches(name);
    out.push_back(Disconnect{name, "the decision log has no room to record the participant"});
  }
  // An End that was refused only means that a later start tells the participants once more.
}

// Commit has become impossible: no record was asked for, or it was refused.
void CoordinatorStep::abort(Transaction& tx, Failure failure) {
  tx.state = TxState::aborting;
  tx.failure = std::move(failure);
  if (tx.decided_wall_ms == 0) tx.decided_wall_ms = now.wall_ms;
  if (tx.key) m.keys_.erase(tx.key->key);  // nothing was done: the same key may try again
  for (TxBranch& branch : tx.branches) {
    if (is_told(branch.phase)) continue;
    branch.phase = BranchPhase::finishing;
    branch.results.reset();
    tell_decision(tx, branch);
  }
  for (const RequestId request : std::exchange(tx.conversation.waiting, {}))
    refuse(request, tx.tx, *tx.failure, Fate::aborted);
  tx.conversation.running = false;
  answer_all(tx);
  set_timer(tx, now.steady + m.limits_.resend_interval);
  finish_if_told(tx);
}

void CoordinatorStep::received(const std::string& from, const Applied& message) {
  const auto member = m.members_.find(from);
  if (member != m.members_.end())
    member->second.durable_mark = std::max(member->second.durable_mark, message.durable_mark);
  Transaction* tx = find(message.gid);
  TxBranch* branch = tx ? tx->branch(from) : nullptr;
  if (!branch && tx && tx->resolution) return applied_of_resolved(*tx, from, message);
  if (!branch) return damaged_unknown(from, message);
  if (branch->phase != BranchPhase::finishing) return;
  const Outcome decision = tx->state == TxState::committing ? Outcome::committed : Outcome::aborted;
  if (message.outcome != decision) return;
  switch (message.application) {
    case Application::applied:
    case Application::proved:
      branch->phase = BranchPhase::applied;
      break;
    case Application::heuristic:
      branch->phase = BranchPhase::heuristic;
      break;
    case Application::unproven:
      branch->phase = BranchPhase::unproven;
      break;
  }
  if (branch->phase != BranchPhase::applied)
    record_damage({tx->tx, from, decision, message.application, now.wall_ms});
  finish_if_told(*tx);
}

// A branch that was presumed aborted turns out to have ended otherwise. From now on the transaction
// is known: by its damage.
void CoordinatorStep::damaged_unknown(const std::string& from, const Applied& message) {
  const Gid& gid = message.gid;
  const bool damaged =
      message.application == Application::heuristic || message.application == Application::unproven;
  if (!damaged || message.outcome != Outcome::aborted) return;
  if (gid.ledger != m.ledger_ || gid.participant != from) return;
  if (const auto found = m.doubts_.find(gid.tx);
      found != m.doubts_.end() && found->second.pending) {
    // An operator's decision is on its way to the disk. The damage is, too: resolved() finds it.
    found->second.evidence[from] = Knowledge::aborted;
    return record_damage({gid.tx, from, Outcome::aborted, message.application, now.wall_ms});
  }
  const auto [place, is_new] = m.transactions_.try_emplace(gid.tx);
  Transaction& tx = place->second;
  if (!is_new && tx.state != TxState::aborting && tx.state != TxState::aborted) return;
  if (tx.branch(from)) return;
  TxBranch branch;
  branch.participant = from;
  branch.phase = message.application == Application::heuristic ? BranchPhase::heuristic
                                                               : BranchPhase::unproven;
  if (is_new || tx.state == TxState::aborting)
    joins(tx, std::move(branch));
  else
    tx.branches.push_back(std::move(branch));
  record_damage({gid.tx, from, Outcome::aborted, message.application, now.wall_ms});
  if (!is_new) return;
  tx.tx = gid.tx;
  tx.epoch = gid.epoch;
  tx.replayed = true;
  tx.begun_wall_ms = uuid7_unix_ms(gid.tx.uuid).value_or(now.wall_ms);
  tx.decided_wall_ms = now.wall_ms;
  ++m.unfinished_;
  finish(tx, TxState::aborted);
  settle_doubt(gid.tx);
}

void CoordinatorStep::record_damage(HeuristicRecord record) {
  const RecordNumber number = log(record);
  m.unlogged_damage_[number] = std::move(record);
}

// I8: the end is recorded only when every branch has durably applied, or its damage is recorded.
void CoordinatorStep::finish_if_told(Transaction& tx) {
  if (!std::all_of(tx.branches.begin(), tx.branches.end(),
                   [](const TxBranch& branch) { return is_told(branch.phase); }))
    return;
  if (tx.state == TxState::aborting) {
    if (tx.resolution) log_end(tx);  // who decided is kept for ever, but nobody is told again
    return finish(tx, TxState::aborted);
  }
  if (tx.state != TxState::committing) return;
  log_end(tx);
  finish(tx, TxState::committed);
}

void CoordinatorStep::log_end(const Transaction& tx) {
  const auto is_about = [&tx](const HeuristicRecord& damage) { return damage.tx == tx.tx; };
  for (const auto& [number, damage] : m.unlogged_damage_)
    if (is_about(damage)) return;  // damage_durable() comes back to it
  if (std::any_of(m.refused_damage_.begin(), m.refused_damage_.end(), is_about)) return;
  EndRecord end{tx.tx, tx.sequence, {}};
  for (const TxBranch& branch : tx.branches) {
    const auto member = m.members_.find(branch.participant);
    if (member != m.members_.end())
      end.marks.push_back({branch.participant, member->second.durable_mark});
  }
  log(std::move(end));
}

void CoordinatorStep::finish(Transaction& tx, TxState state) {
  tx.state = state;
  tx.ended_wall_ms = now.wall_ms;
  --m.unfinished_;
  for (const TxBranch& branch : tx.branches) leaves(branch.participant);
  m.finished_.push_back(tx.tx);
  const bool asks = tx.resolution && !tx.resolution->unheard.empty();
  set_timer(tx, now.steady + (asks ? m.limits_.resend_interval : m.limits_.finished_kept_for));
  answer_all(tx);
  trim_finished();
}

void CoordinatorStep::tick(Transaction& tx) {
  switch (tx.state) {
    case TxState::open:
      if (tx.conversation.running) unanswered_by(tx.conversation.last_participant);
      return abort(
          tx, failure(Problem::deadline_exceeded, now.steady >= tx.deadline
                                                      ? "The transaction's timeout passed."
                                                      : "The transaction was idle for too long."));
    case TxState::preparing: {
      if (tx.mode == Mode::external && now.steady < tx.deadline)
        return not_answered(tx, {}, "It did not answer in time.");
      std::string missing;
      for (const TxBranch& branch : tx.branches) {
        if (has_voted(branch.phase)) continue;
        unanswered_by(branch.participant);
        missing += (missing.empty() ? "" : ", ") + branch.participant;
      }
      return abort(
          tx, failure(Problem::deadline_exceeded,
                      "The timeout passed before these participants had voted: " + missing + "."));
    }
    case TxState::deciding:  // only those who wait learn that it takes long; the record is on its
                             // way
      answer_all(tx);
      return set_timer(tx, now.steady + m.limits_.apply_wait);
    case TxState::committing:
    case TxState::aborting:
      for (TxBranch& branch : tx.branches)
        if (branch.phase == BranchPhase::finishing) tell_decision(tx, branch);
      ask_unheard(tx);
      answer_all(tx);
      return set_timer(tx, now.steady + m.limits_.resend_interval);
    case TxState::committed:
    case TxState::aborted:
      if (ask_unheard(tx)) return set_timer(tx, now.steady + m.limits_.resend_interval);
      return forget(tx.tx);
  }
}

// What stays in memory is bounded by time and number; damage and what operators decided stay.
void CoordinatorStep::forget(const TxId& id) {
  const auto found = m.transactions_.find(id);
  Transaction& tx = found->second;
  if (tx.damaged() || tx.resolution) {
    m.timers_.erase({tx.timer_at, id});
    tx.timer_at = Instant{};
    return;
  }
  if (tx.state == TxState::committed)
    m.forgotten_wall_ms_ =
        std::max(m.forgotten_wall_ms_, uuid7_unix_ms(id.uuid).value_or(now.wall_ms));
  // What had only read may be run again.
  if (tx.state == TxState::committed && tx.key && tx.sequence != 0)
    m.forgotten_key_ms_ = std::max(m.forgotten_key_ms_, tx.key->first_sent_ms);
  if (tx.key) {
    const auto key = m.keys_.find(tx.key->key);
    if (key != m.keys_.end() && key->second == id) m.keys_.erase(key);
  }
  m.timers_.erase({tx.timer_at, id});
  m.transactions_.erase(found);
}

void CoordinatorStep::trim_finished() {
  while (!m.finished_.empty()) {
    const auto oldest = m.transactions_.find(m.finished_.front());
    const bool gone = oldest == m.transactions_.end();
    if (!gone && m.finished_.size() <= m.limits_.finished_kept) break;
    const TxId id = m.finished_.front();
    m.finished_.pop_front();
    if (!gone) forget(id);
  }
}

}  // namespace assent
