#include "tests/simulation/campaign.hpp"

#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace assent::simulation {

std::array<std::atomic<std::uint64_t>, kMostJobs> seeds_running{};

namespace {

void count(const ScheduleReport& report, CampaignResult& result) {
  ++result.schedules;
  result.unsafe += report.safety.empty() ? 0 : 1;
  result.stuck += report.safety.empty() && !report.liveness.empty() ? 1 : 0;
  result.transactions += report.transactions;
  result.committed += report.committed;
  result.messages += report.messages;
  result.simulated_seconds += report.simulated_seconds;
  for (const auto& [kind, number] : report.faults) result.faults[kind] += number;
  std::uint64_t mixed = report.trace_hash;
  result.trace_hash += Random::splitmix(mixed);
  if (!result.first_invariant.empty() || !report.failed()) return;
  result.first_violating_seed = report.seed;
  result.first_invariant = report.first().invariant;
}

}  // namespace

CampaignResult run_campaign(const CampaignOptions& options,
                            const std::function<void(const ScheduleReport&)>& each) {
  using Clock = std::chrono::steady_clock;
  const auto begun = Clock::now();
  const auto elapsed = [begun] {
    return std::chrono::duration<double>(Clock::now() - begun).count();
  };
  CampaignResult result;
  std::mutex mutex;
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> enough{false};
  const auto work = [&](unsigned job) {
    for (;;) {
      const std::uint64_t index = next++;
      if (enough || index >= options.schedules) break;
      if (options.minutes > 0 && elapsed() > options.minutes * 60) break;
      const std::uint64_t seed = options.first_seed + index;
      seeds_running[job] = seed;
      ScheduleOptions schedule;
      schedule.seed = seed;
      schedule.plant = options.plant;
      const ScheduleReport report = Schedule(schedule).run();
      seeds_running[job] = 0;
      const std::lock_guard lock(mutex);
      count(report, result);
      each(report);
      if (options.stop_at_first && !result.first_invariant.empty()) enough = true;
    }
  };
  std::vector<std::thread> threads;
  for (unsigned job = 1; job < options.jobs; ++job) threads.emplace_back(work, job);
  work(0);
  for (std::thread& thread : threads) thread.join();
  result.seconds = elapsed();
  return result;
}

}  // namespace assent::simulation
