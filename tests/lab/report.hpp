// Runs, told to people and to machines.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "tests/lab/scenario_run.hpp"

namespace assent::lab {

// The timeline, a line for each mark, and who waited for whom.
void print_run(std::ostream& out, const ScenarioRun& run, bool colour);
// One self-contained page: lanes, marks, windows of doubt, waits. Light and dark.
std::string html_report(const std::vector<ScenarioRun>& runs);
std::string json_report(const std::vector<ScenarioRun>& runs);
std::string junit_report(const std::vector<ScenarioRun>& runs);

}  // namespace assent::lab
