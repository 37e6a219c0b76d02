// Many schedules, on all cores, and what came of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "tests/simulation/schedule.hpp"

namespace assent::simulation {

struct CampaignOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t schedules = 100;
  double minutes = 0;  // 0: no limit of time
  unsigned jobs = 2;
  Plant plant = Plant::none;
  bool stop_at_first = false;
};

struct CampaignResult {
  std::uint64_t schedules = 0;
  std::uint64_t unsafe = 0;  // schedules that broke a safety invariant
  std::uint64_t stuck = 0;   // … or only progress
  std::uint64_t transactions = 0;
  std::uint64_t committed = 0;
  std::uint64_t messages = 0;
  double simulated_seconds = 0;
  double seconds = 0;
  std::map<std::string, std::uint64_t> faults;
  std::uint64_t trace_hash = 0;  // of all traces; the order in which they ended does not matter
  std::uint64_t first_violating_seed = 0;
  std::string first_invariant;
};

// `each` is called for every finished schedule, one at a time, in no particular order.
CampaignResult run_campaign(const CampaignOptions& options,
                            const std::function<void(const ScheduleReport&)>& each);

// The seeds being run at this moment, for a message when the process dies of one of them.
inline constexpr unsigned kMostJobs = 64;
extern std::array<std::atomic<std::uint64_t>, kMostJobs> seeds_running;

}  // namespace assent::simulation
