#include "participant/agent_metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "participant/agent.hpp"
#include "participant/postgres/database.hpp"
#include "participant/postgres/observation.hpp"
#include "protocol/runtime/clock.hpp"

namespace assent {

void AgentMetrics::refresh(Agent& agent, const PreparedSlots& slots,
                           std::optional<std::int64_t> blocked) {
  const ParticipantMachine& machine = agent.machine();
  const auto set = [this](const std::string& name, const std::string& help, double value,
                          const Metrics::Labels& labels = {}) {
    metrics_.gauge(name, help, labels).Set(value);
  };
  set("assent_link_ready", "1: linked to the coordinator and working",
      machine.link() == ParticipantMachine::LinkState::ready ? 1 : 0);
  set("assent_database_up", "1: the database can be worked with", machine.database_up() ? 1 : 0);
  set("assent_alarms",
      "Alarms raised since the start: heuristic and unproven outcomes, refused rights",
      static_cast<double>(agent.alarms()));

  set("assent_prepared_slots", "max_prepared_transactions of the database's server",
      static_cast<double>(slots.all));
  set("assent_prepared_slots_used", "Prepared transactions on that server, whoever prepared them",
      static_cast<double>(slots.used));

  set("assent_blocked_sessions",
      "Sessions that wait for a branch in doubt or being applied; NaN: not known",
      blocked ? static_cast<double>(*blocked) : std::nan(""));

  std::map<BranchState, std::size_t> states;
  const Instant now = read_clock().steady;
  Instant oldest = now;
  for (const auto& [gid, branch] : machine.branches()) {
    ++states[branch.state];
    if (branch.state == BranchState::prepared) oldest = std::min(oldest, branch.since);
  }
  set("assent_oldest_in_doubt_seconds", "Age of the oldest branch that is prepared and undecided",
      std::chrono::duration<double>(now - oldest).count());
  static constexpr std::array kStates = {
      BranchState::working,  BranchState::preparing,    BranchState::settling,
      BranchState::dropping, BranchState::prepared,     BranchState::committing,
      BranchState::proving,  BranchState::rolling_back, BranchState::denied};
  for (const BranchState state : kStates)
    set("assent_branches", "Branches, by state", static_cast<double>(states[state]),
        {{"state", std::string(to_string(state))}});

  const DatabaseStatistics statistics = agent.database().statistics();
  const auto pool = [&set](const char* use, const DatabaseStatistics::Use& numbers) {
    set("assent_connections", "Open connections", static_cast<double>(numbers.open),
        {{"use", use}});
    set("assent_connections_busy", "Connections at work", static_cast<double>(numbers.busy),
        {{"use", use}});
    set("assent_connection_waiters", "Verbs waiting for a connection",
        static_cast<double>(numbers.waiting), {{"use", use}});
  };
  pool("lane", statistics.lanes);
  pool("session", statistics.sessions);
  pool("finisher", statistics.finishers);
}

}  // namespace assent
