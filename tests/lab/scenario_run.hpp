// Runs a scenario from its first step to its last, or to the first expectation that does not hold.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tests/lab/addresses.hpp"
#include "tests/lab/scenario.hpp"
#include "tests/lab/timeline.hpp"

namespace assent::lab {

struct ScenarioRun {
  Scenario scenario;
  std::shared_ptr<Timeline> timeline;
  double seconds = 0;
  std::string failure;  // empty: everything was as expected
  int failed_line = 0;
  bool ok() const { return failure.empty(); }
};

// On the main thread; everything lies in `folder`. `existing`: the deployment to work on; nullptr:
// one of its own.
ScenarioRun run_scenario(const Scenario& scenario, const std::filesystem::path& folder,
                         const Addresses* existing = nullptr);

}  // namespace assent::lab
