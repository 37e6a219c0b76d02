#include <boost/json.hpp>

#include "tests/lab/report.hpp"
#include "tests/lab/xml.hpp"

namespace assent::lab {
namespace {

namespace json = boost::json;

}  // namespace

std::string json_report(const std::vector<ScenarioRun>& runs) {
  json::array scenarios;
  std::size_t violations = 0;
  for (const ScenarioRun& run : runs) {
    json::object entry{{"name", run.scenario.name}, {"ok", run.ok()}, {"seconds", run.seconds}};
    if (!run.ok()) {
      ++violations;
      entry["line"] = run.failed_line;
      entry["failure"] = run.failure;
    }
    scenarios.push_back(std::move(entry));
  }
  return json::serialize(json::object{{"campaign", "scenarios"},
                                      {"runs", runs.size()},
                                      {"violations", violations},
                                      {"scenarios", std::move(scenarios)}});
}

std::string junit_report(const std::vector<ScenarioRun>& runs) {
  std::string cases;
  std::size_t failures = 0;
  for (const ScenarioRun& run : runs) {
    cases += "  <testcase classname=\"assent-lab\" name=\"" + xml_text(run.scenario.name) +
             "\" time=\"" + std::to_string(run.seconds) + "\">";
    if (!run.ok()) {
      ++failures;
      cases += "<failure message=\"" + xml_text(run.failure) + "\"/>";
    }
    cases += "</testcase>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"assent-lab\" tests=\"" +
         std::to_string(runs.size()) + "\" failures=\"" + std::to_string(failures) + "\">\n" +
         cases + "</testsuite>\n";
}

}  // namespace assent::lab
