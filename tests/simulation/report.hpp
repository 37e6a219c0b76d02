// What assent-sim prints.
#pragma once

#include <string>

#include "tests/simulation/campaign.hpp"

namespace assent::simulation {

// Seed, hash of the trace, what was violated, and with `last_lines` what led to it.
void print(const ScheduleReport& report, bool last_lines);
// One line.
std::string json(const CampaignResult& result);

}  // namespace assent::simulation
