#include "protocol/coordinator_machine.hpp"

#include <algorithm>
#include <utility>

#include "protocol/coordinator_step.hpp"

namespace assent {

Fate fate_of(TxState state) {
  switch (state) {
    case TxState::open:
    case TxState::preparing:
    case TxState::deciding:
      return Fate::unknown;
    case TxState::committing:
    case TxState::committed:
      return Fate::committed;
    case TxState::aborting:
    case TxState::aborted:
      return Fate::aborted;
  }
  return Fate::unknown;
}

const TxBranch* Transaction::branch(std::string_view participant) const {
  for (const TxBranch& each : branches)
    if (each.participant == participant) return &each;
  return nullptr;
}

TxBranch* Transaction::branch(std::string_view participant) {
  return const_cast<TxBranch*>(std::as_const(*this).branch(participant));
}

bool Transaction::damaged() const {
  return std::any_of(branches.begin(), branches.end(), [](const TxBranch& branch) {
    return branch.phase == BranchPhase::heuristic || branch.phase == BranchPhase::unproven;
  });
}

std::vector<std::string> Transaction::alarming() const {
  std::vector<std::string> names;
  for (const TxBranch& branch : branches) {
    if (branch.phase != BranchPhase::heuristic && branch.phase != BranchPhase::unproven) continue;
    const auto covers = [&branch](const Acknowledgement& each) {
      const auto& seen = each.participants;
      return std::find(seen.begin(), seen.end(), branch.participant) != seen.end();
    };
    if (std::none_of(acknowledgements.begin(), acknowledgements.end(), covers))
      names.push_back(branch.participant);
  }
  return names;
}

void CoordinatorMachine::step(const CoordinatorEvent& event, Now now,
                              std::vector<CoordinatorAction>& out) {
  if (stopped_) return;
  CoordinatorStep step{*this, now, out};
  std::visit([&step](const auto& each) { step.on(each); }, event);
}

std::optional<Instant> CoordinatorMachine::wake_at() const {
  std::optional<Instant> at;
  const auto sooner = [&at](Instant candidate) {
    if (!at || candidate < *at) at = candidate;
  };
  if (!timers_.empty()) sooner(timers_.begin()->first);
  for (const auto& [tx, doubt] : doubts_) sooner(doubt.ask_at);
  if (relog_at_ != Instant{}) sooner(relog_at_);
  return at;
}

const Transaction* CoordinatorMachine::find(const TxId& tx) const {
  const auto found = transactions_.find(tx);
  return found == transactions_.end() ? nullptr : &found->second;
}

// ---- shared
// ----------------------------------------------------------------------------------------

RecordNumber CoordinatorStep::log(LogRecord record) {
  out.push_back(Log{++m.last_record_, std::move(record)});
  return m.last_record_;
}

void CoordinatorStep::send(const std::string& participant, ToParticipant message) {
  out.push_back(Send{participant, std::move(message)});
}

void CoordinatorStep::reply(RequestId request, const TxId& tx, Fate fate) {
  out.push_back(Reply{request, tx, std::nullopt, fate});
}

void CoordinatorStep::refuse(RequestId request, const TxId& tx, Failure failure, Fate fate) {
  out.push_back(Reply{request, tx, std::move(failure), fate});
}

void CoordinatorStep::refuse(RequestId request, const TxId& tx, Problem problem,
                             std::string message) {
  refuse(request, tx, failure(problem, std::move(message)), info(problem).fate);
}

void CoordinatorStep::set_timer(Transaction& tx, Instant at) {
  if (tx.timer_at == at) return;
  m.timers_.erase({tx.timer_at, tx.tx});
  tx.timer_at = at;
  m.timers_.insert({at, tx.tx});
}

Gid CoordinatorStep::gid_of(const Transaction& tx, const std::string& participant) const {
  return Gid{m.ledger_, tx.epoch, tx.tx, participant};
}

Transaction* CoordinatorStep::find(const Gid& gid) {
  if (gid.ledger != m.ledger_) return nullptr;
  const auto found = m.transactions_.find(gid.tx);
  if (found == m.transactions_.end() || found->second.epoch != gid.epoch) return nullptr;
  return &found->second;
}

// ---- requests
// --------------------------------------------------------------------------------------

void CoordinatorStep::on(const Begin& event) {
  if (event.key) {
    const auto known = m.keys_.find(event.key->key);
    if (known != m.keys_.end()) {
      Transaction& tx = m.transactions_.at(known->second);
      if (tx.key->body != event.key->body)
        return refuse(event.request, tx.tx, Problem::idempotency_key_reused,
                      "The key belongs to another request.");
      if (tx.state == TxState::committed) return reply(event.request, tx.tx, Fate::committed);
      if (tx.waiters.size() >= m.limits_.waiters)
        return refuse(event.request, tx.tx, Problem::idempotency_in_progress,
                      "Too many requests wait for this transaction already.");
      if (tx.state == TxState::open) return reply(event.request, tx.tx, Fate::unknown);
      tx.waiters.push_back({event.request, event.wait_for});
      return answer_all(tx);
    }
  }
  if (auto refusal = objection(event)) {
    const Fate fate = info(refusal->problem).fate;
    return refuse(event.request, event.tx, std::move(*refusal), fate);
  }

  Transaction& tx = m.transactions_[event.tx];
  ++m.unfinished_;
  tx.tx = event.tx;
  tx.epoch = m.epoch_;
  tx.mode = event.mode;
  tx.key = event.key;
  if (event.key) m.keys_[event.key->key] = event.tx;
  tx.labels = event.labels;
  tx.begun_wall_ms = now.wall_ms;
  tx.begun_at = now.steady;
  tx.deadline = now.steady + event.timeout;

  if (event.mode == Mode::interactive) {
    tx.conversation.idle_timeout = event.idle_timeout;
    tx.conversation.idle_at = now.steady + event.idle_timeout;
    set_timer(tx, std::min(tx.deadline, tx.conversation.idle_at));
    return reply(event.request, tx.tx, Fate::unknown);
  }

  if (event.mode == Mode::external) return begin_external(tx, event);

  tx.state = TxState::preparing;
  tx.waiters.push_back({event.request, event.wait_for});
  std::vector<std::string> peers;
  for (const BranchWork& branch : event.branches) peers.push_back(branch.participant);
  for (const BranchWork& branch : event.branches) {
    TxBranch joined;
    joined.participant = branch.participant;
    joined.phase = BranchPhase::preparing;
    admitted(branch.participant);
    joins(tx, std::move(joined));
    send(branch.participant,
         Prepare{gid_of(tx, branch.participant), branch.work, peers, event.timeout});
  }
  set_timer(tx, tx.deadline);
}

namespace {

// Why a request about an interactive transaction comes too late, if it does.
std::optional<Failure> too_late(const Transaction& tx) {
  switch (tx.state) {
    case TxState::open:
      return std::nullopt;
    case TxState::preparing:
    case TxState::deciding:
      return failure(Problem::outcome_unknown,
                     "Commit was asked for; the outcome is not known yet.");
    case TxState::committing:
    case TxState::committed:
      return failure(Problem::already_committed, "The transaction is committed.");
    case TxState::aborting:
    case TxState::aborted:
      return failure(Problem::session_lost,
                     "The transaction was aborted: " + (tx.failure ? tx.failure->message : ""));
  }
  return std::nullopt;
}

}  // namespace

void CoordinatorStep::on(const ExecuteAsked& event) {
  const auto found = m.transactions_.find(event.tx);
  if (found == m.transactions_.end())
    return refuse(event.request, event.tx, m.failure_of_unknown(event.tx, now),
                  m.fate_of_unknown(event.tx, now));
  Transaction& tx = found->second;
  Conversation& talk = tx.conversation;
  if (tx.mode != Mode::interactive)
    return refuse(
        event.request, tx.tx,
        failure(Problem::invalid_request, "Only an interactive transaction takes statements."),
        fate_of(tx.state));
  if (tx.state == TxState::open && now.steady >= tx.timer_at) tick(tx);
  if (auto late = too_late(tx))
    return refuse(event.request, tx.tx, std::move(*late), fate_of(tx.state));

  if (event.seq == talk.last_seq && event.seq != 0) {  // a repeated request
    if (!talk.running) return reply(event.request, tx.tx, Fate::unknown);
    if (talk.waiting.size() < m.limits_.waiters) return talk.waiting.push_back(event.request);
  }
  if (talk.running || event.seq != talk.last_seq + 1)
    return refuse(
        event.request, tx.tx,
        failure(Problem::sequence_gap,
                talk.running ? "Statement " + std::to_string(talk.last_seq) + " is still running."
                             : "The next seq is " + std::to_string(talk.last_seq + 1) + "."),
        Fate::unknown);
  const TxBranch* const branch = tx.branch(event.participant);
  if (auto refusal = branch ? unreachable(event.participant) : inadmissible(event.participant))
    return refuse(event.request, tx.tx, std::move(*refusal), Fate::unknown);
  if (!branch) {
    if (tx.branches.size() >= m.limits_.branches)
      return refuse(
          event.request, tx.tx,
          failure(Problem::invalid_request, "The transaction has no room for another branch."),
          Fate::unknown);
    admitted(event.participant);
    TxBranch joined;
    joined.participant = event.participant;
    joins(tx, std::move(joined));
  }
  talk.last_seq = event.seq;
  talk.last_participant = event.participant;
  talk.running = true;
  talk.last_answer.reset();
  talk.waiting.assign(1, event.request);
  const auto left = std::chrono::duration_cast<Duration>(tx.deadline - now.steady);
  send(event.participant, Execute{gid_of(tx, event.participant), event.seq, event.work, left});
  set_timer(tx, tx.deadline);
}

void CoordinatorStep::on(const CommitAsked& event) {
  const auto found = m.transactions_.find(event.tx);
  if (found == m.transactions_.end())
    return refuse(event.request, event.tx, m.failure_of_unknown(event.tx, now),
                  m.fate_of_unknown(event.tx, now));
  Transaction& tx = found->second;
  if (tx.state == TxState::open && now.steady >= tx.timer_at) tick(tx);
  if (tx.state == TxState::open && tx.conversation.running)
    return refuse(
        event.request, tx.tx,
        failure(Problem::sequence_gap,
                "Statement " + std::to_string(tx.conversation.last_seq) + " is still running."),
        Fate::unknown);
  if (tx.waiters.size() >= m.limits_.waiters)
    return refuse(
        event.request, tx.tx,
        failure(Problem::overloaded, "Too many requests wait for this transaction already."),
        fate_of(tx.state));
  tx.waiters.push_back({event.request, event.wait_for});
  if (tx.state == TxState::open) prepare(tx);
  answer_all(tx);
}

void CoordinatorStep::on(const RollbackAsked& event) {
  const auto found = m.transactions_.find(event.tx);
  if (found == m.transactions_.end())
    return refuse(event.request, event.tx, m.failure_of_unknown(event.tx, now),
                  m.fate_of_unknown(event.tx, now));
  Transaction& tx = found->second;
  switch (tx.state) {
    case TxState::open:
    case TxState::preparing:
      abort(tx, failure(Problem::rolled_back, "The client asked for rollback."));
      return reply(event.request, tx.tx, Fate::aborted);
    case TxState::aborting:
    case TxState::aborted:
      return reply(event.request, tx.tx, Fate::aborted);
    case TxState::deciding:
      return refuse(event.request, tx.tx,
                    failure(Problem::outcome_unknown,
                            "Commit is being decided; it is too late to roll back."),
                    Fate::unknown);
    case TxState::committing:
    case TxState::committed:
      return refuse(event.request, tx.tx,
                    failure(Problem::already_committed, "The transaction is committed."),
                    Fate::committed);
  }
}

// Answers those who wait for this transaction, as far as there is an answer now.
void CoordinatorStep::answer_all(Transaction& tx) {
  std::vector<Waiter> still_waiting;
  const bool pending_told = tx.state == TxState::committing && now.steady >= tx.answer_at;
  for (const Waiter& waiter : tx.waiters) {
    const bool committed =
        tx.state == TxState::committed ||
        (tx.state == TxState::committing && (waiter.wait_for == WaitFor::decided || pending_told));
    if (committed) {
      reply(waiter.request, tx.tx, Fate::committed);
    } else if (tx.state == TxState::aborting || tx.state == TxState::aborted) {
      refuse(waiter.request, tx.tx, tx.failure.value_or(failure(Problem::already_aborted, "")),
             Fate::aborted);
    } else if (tx.state == TxState::deciding && now.steady >= tx.answer_at) {
      refuse(waiter.request, tx.tx,
             failure(Problem::outcome_unknown, "The decision is not on disk yet."), Fate::unknown);
    } else {
      still_waiting.push_back(waiter);
    }
  }
  tx.waiters = std::move(still_waiting);
}

void CoordinatorStep::on(const Drain&) {
  m.draining_ = true;
}

void CoordinatorStep::on(const CoordinatorTick&) {
  while (!m.timers_.empty() && m.timers_.begin()->first <= now.steady) {
    const TxId id = m.timers_.begin()->second;
    Transaction& tx = m.transactions_.at(id);
    m.timers_.erase(m.timers_.begin());
    tx.timer_at = Instant{};
    tick(tx);
  }
  std::vector<TxId> due;
  for (const auto& [id, doubt] : m.doubts_)
    if (doubt.ask_at <= now.steady) due.push_back(id);
  for (const TxId& id : due) {
    const auto found = m.doubts_.find(id);
    if (found != m.doubts_.end()) weigh(found->second);
  }
  if (m.relog_at_ != Instant{} && m.relog_at_ <= now.steady) {
    m.relog_at_ = Instant{};
    for (HeuristicRecord& record : std::exchange(m.refused_damage_, {}))
      record_damage(std::move(record));
  }
}

}  // namespace assent
