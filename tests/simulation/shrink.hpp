// Makes a failing schedule shorter while it still breaks the same invariant.
#pragma once

#include <functional>
#include <string>

#include "tests/simulation/schedule.hpp"

namespace assent::simulation {

struct Shrunk {
  ScheduleOptions options;  // of the shortest schedule found
  ScheduleReport report;    // … and what came of it
  unsigned tried = 0;       // schedules run
};

// `options` must be of a schedule that fails, as `report` says.
Shrunk shrink(const ScheduleOptions& options, const ScheduleReport& report);

// The arguments of assent-sim that run this schedule again.
std::string arguments(const ScheduleOptions& options);

}  // namespace assent::simulation
