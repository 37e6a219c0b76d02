#include "coordinator/engine_metrics.hpp"

#include <algorithm>
#include <array>

namespace assent {
namespace {

double seconds(Instant::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

EngineMetrics::EngineMetrics(Metrics& metrics)
    : metrics_(metrics),
      answer_seconds_(metrics.histogram("assent_answer_duration_seconds",
                                        "From a request about a transaction to its answer",
                                        Metrics::latency_seconds())),
      durable_seconds_(metrics.histogram("assent_log_durable_duration_seconds",
                                         "From a record taken by the log to its being on disk",
                                         Metrics::latency_seconds())),
      epoch_(metrics.gauge("assent_epoch", "The ledger's epoch")),
      sequence_(metrics.gauge("assent_commit_sequence", "Number of the last commit record")),
      in_doubt_(metrics.gauge("assent_in_doubt_transactions",
                              "Decided transactions that a participant has still to apply")),
      oldest_in_doubt_(
          metrics.gauge("assent_oldest_in_doubt_seconds", "Age of the oldest of these")),
      damaged_(metrics.gauge("assent_damaged_transactions",
                             "Transactions with a heuristic or unproven branch that no operator "
                             "has acknowledged")),
      acknowledged_(metrics.gauge("assent_acknowledged_damage_transactions",
                                  "Transactions whose heuristic and unproven branches all have "
                                  "been acknowledged")),
      doubts_(metrics.gauge("assent_unrecorded_in_doubt_transactions",
                            "Prepared branches of which this ledger may not presume abort")) {}

void EngineMetrics::answered(const Reply& reply, Instant asked, Instant now) {
  answer_seconds_.Observe(seconds(now - asked));
  activity_.answer_seconds += seconds(now - asked);
  if (reply.fate == Fate::committed)
    ++activity_.committed;
  else if (reply.fate == Fate::aborted)
    ++activity_.aborted;
  else
    ++activity_.other;
  const Problem problem = reply.failure ? reply.failure->problem : Problem::none;
  prometheus::Counter*& counter = answers_[{reply.fate, problem}];
  if (counter == nullptr)
    counter = &metrics_.counter("assent_answers_total", "Answers to requests about transactions",
                                {{"outcome", std::string(to_string(reply.fate))},
                                 {"problem", std::string(to_string(problem))}});
  counter->Increment();
}

void EngineMetrics::durable(Instant appended, Instant now) {
  durable_seconds_.Observe(seconds(now - appended));
}

void EngineMetrics::synced(Instant first_appended, Instant now) {
  ++activity_.syncs;
  activity_.sync_seconds += seconds(now - first_appended);
}

void EngineMetrics::refresh(const CoordinatorMachine& machine, Now now) {
  epoch_.Set(static_cast<double>(machine.epoch()));
  sequence_.Set(static_cast<double>(machine.sequence()));
  doubts_.Set(static_cast<double>(machine.doubts().size()));
  std::map<TxState, std::size_t> states;
  std::size_t damaged = 0;
  std::size_t acknowledged = 0;
  std::int64_t oldest_ms = now.wall_ms;
  for (const auto& [id, tx] : machine.transactions()) {
    ++states[tx.state];
    if (tx.damaged()) ++(tx.alarming().empty() ? acknowledged : damaged);
    if (tx.state == TxState::committing) oldest_ms = std::min(oldest_ms, tx.decided_wall_ms);
  }
  in_doubt_.Set(static_cast<double>(states[TxState::committing]));
  oldest_in_doubt_.Set(static_cast<double>(now.wall_ms - oldest_ms) / 1000);
  damaged_.Set(static_cast<double>(damaged));
  acknowledged_.Set(static_cast<double>(acknowledged));
  static constexpr std::array kStates = {
      TxState::open,     TxState::preparing, TxState::deciding, TxState::committing,
      TxState::aborting, TxState::committed, TxState::aborted};
  for (const TxState state : kStates)
    metrics_
        .gauge("assent_transactions", "Transactions in memory, by state",
               {{"state", std::string(to_string(state))}})
        .Set(static_cast<double>(states[state]));
  for (const auto& [name, member] : machine.members())
    metrics_
        .gauge("assent_participant_ready", "1: the participant is linked and works",
               {{"participant", name}})
        .Set(member.state == Member::State::ready ? 1 : 0);
}

}  // namespace assent
