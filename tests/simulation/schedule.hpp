// One schedule: an installation drawn from a seed, its clients, what befalls it, and the verdict.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/clients.hpp"
#include "tests/simulation/coordinator_host.hpp"
#include "tests/simulation/participant_host.hpp"

namespace assent::simulation {

struct ScheduleOptions {
  std::uint64_t seed = 1;
  Plant plant = Plant::none;
  Trace::Listener listener;  // hears every line of the trace
  // A schedule made shorter: see shrink.hpp. What is left out leaves the rest as it was drawn.
  std::optional<unsigned> transactions;
  std::optional<unsigned> participants;
  std::set<unsigned> without_faults;  // by their numbers in the order drawn, from 1
};

struct ScheduleReport {
  std::uint64_t seed = 0;
  std::vector<Violation> safety;
  std::vector<Violation> liveness;
  std::uint64_t trace_hash = 0;
  std::vector<std::string> last_lines;  // of the trace, when something was violated
  std::uint64_t transactions = 0;
  std::uint64_t committed = 0;
  std::uint64_t messages = 0;
  double simulated_seconds = 0;
  std::map<std::string, std::uint64_t> faults;
  // As run.
  unsigned jobs = 0;
  unsigned participants = 0;
  std::vector<std::string> fault_kinds;  // in the order drawn, those left out too

  bool failed() const { return !safety.empty() || !liveness.empty(); }
  // What was found first.
  const Violation& first() const { return safety.empty() ? liveness.front() : safety.front(); }
};

// The names of all that can befall an installation.
std::vector<std::string> fault_kinds();

class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options);
  ScheduleReport run();

 private:
  void build();
  void draw_faults();
  void begin_faults();
  void demand_progress(ScheduleReport& report);
  void audit();
  void run_until(Instant until);
  bool violated() const { return !world_.observer.violations().empty(); }
  void heal();
  std::vector<Violation> unrest();
  void check_money();
  void check_keys();
  CoordinatorHost& ruling() { return *coordinators_.back(); }
  Micros for_a_while(std::int64_t at_most_us) {
    return Micros(world_.random.between(100'000, at_most_us));
  }
  ParticipantHost& some_participant() { return *world_.random.pick(participants_); }

  friend std::vector<std::string> fault_kinds();
  // faults.cpp: each befalls the installation now, and ends by itself
  using Fault = void (Schedule::*)();
  struct Kind {
    const char* name;
    unsigned weight;
    bool spoils;  // afterwards the sums of money, and what is left prepared, prove nothing
    Fault strike;
  };
  static const std::vector<Kind>& kinds();
  void coordinator_killed();
  void coordinator_loses_power();
  void coordinator_killed_in_recovery();
  void coordinator_paused();
  void coordinator_drained();
  void limits_changed();
  void participant_killed();
  void participant_killed_soon();
  void participant_paused();
  void link_broken();
  void network_cut();
  void network_chaos();
  void database_crashed();
  void database_connection_lost();
  void database_slow();
  void database_denies();
  void database_slots_exhausted();
  void database_full();
  void database_connections_exhausted();
  void database_hangs();
  void database_reads_fail();
  void foreign_branch_appears();
  void network_delays_minutes();
  void database_failed_over();
  void database_put_back();
  void put_back(Server& server);
  void resolved_by_hand();
  void operator_decides();
  void keep_deciding();
  void decide_doubts(CoordinatorHost& host);
  void disk_slow();
  void disk_full();
  void disk_operation_fails();
  void coordinator_dies_writing();
  void started_twice();
  void clock_jumps();
  void ledger_copied();
  void ledger_put_back();
  void ledger_moved();
  void last_record_damaged();
  void site_loses_power();
  bool is_half_applied() const;
  void ledger_damaged();
  void when_settled(const std::function<void()>& then);
  void second_coordinator();
  void restart_coordinator(CoordinatorHost& host, std::int64_t within_us);
  void keep_coordinators_running();

  struct Planned {
    unsigned number = 0;
    const Kind* kind = nullptr;
    Micros after{};
  };

  ScheduleOptions options_;
  Random plan_;  // for what is drawn before the start
  World world_;
  Network network_{world_};
  LedgerId ledger_;
  CoordinatorLimits coordinator_limits_;
  int rows_ = 0;
  Micros active_{};
  unsigned jobs_ = 0;
  std::vector<Planned> planned_;
  std::vector<std::string> fault_kinds_;
  std::vector<std::unique_ptr<LedgerDisk>> disks_;
  std::vector<std::unique_ptr<CoordinatorHost>> coordinators_;  // the last one rules
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<std::unique_ptr<ParticipantHost>> participants_;
  std::unique_ptr<Clients> clients_;
  std::unique_ptr<LedgerDisk> copy_;
  bool healing_ = false;
  bool spoiled_ = false;     // sums of money prove nothing any more
  bool quarantine_ = false;  // something may stay in doubt until an operator decides
  std::uint64_t steps_ = 0;
};

}  // namespace assent::simulation
