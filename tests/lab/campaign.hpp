// Campaigns: many failures, one after the other, on one deployment under load.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/lab/history.hpp"

namespace assent::lab {

struct CampaignResult {
  std::string campaign;
  std::size_t runs = 0;
  Names violations;
  std::size_t points = 0;  // crash points there are, times the ways to fail
  std::size_t points_hit = 0;
  std::vector<std::pair<std::string, double>> figures;  // more, by name
};
// The last line of a campaign: JSON.
std::string summary(const CampaignResult& result);

// Every crash point of both daemons with kill, error and delay: the situation that passes the point
// is brought about, and afterwards everything must be right. A point that is not reached is a
// violation. `only`, unless empty: the points whose name contains it.
CampaignResult run_crash_points(const std::filesystem::path& folder, const std::string& only);

// kill -9 of a random process, again and again, under load.
CampaignResult run_kill_loop(const std::filesystem::path& folder, std::size_t cycles,
                             std::uint64_t seed);

// Everything but the death of the daemons, continuously, for so long: what they use must not grow.
CampaignResult run_soak(const std::filesystem::path& folder, double minutes, std::uint64_t seed);

// Good and bad requests, so many a second, for so long: bad ones are refused and have no effect,
// and what the daemons use must not grow.
CampaignResult run_traffic(const std::filesystem::path& folder, double minutes, double rate,
                           std::uint64_t seed);

// What isolation across databases is not: plain reads must show fractured reads and write skew, and
// locking reads must not.
CampaignResult run_isolation(const std::filesystem::path& folder);

}  // namespace assent::lab
