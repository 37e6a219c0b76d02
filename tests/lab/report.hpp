// Runs, told to people and to machines.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "tests/lab/scenario_run.hpp"

namespace assent::lab {

// The timeline, a line for each mark, and who waited for whom.
void print_run(std::ostream& out, const ScenarioRun& run, bool colour);
std::string json_report(const std::vector<ScenarioRun>& runs);
std::string junit_report(const std::vector<ScenarioRun>& runs);

}  // namespace assent::lab
