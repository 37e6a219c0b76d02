// The reports tell what is in the timeline, and nothing in it can break out of the page.
#include "tests/lab/report.hpp"

#include <sstream>

#include "tests/support/catch.hpp"

using namespace assent::lab;

namespace {

ScenarioRun some_run() {
  ScenarioRun run;
  run.scenario.name = "name";
  run.scenario.title = "A <title>";
  run.scenario.databases = {"bank_a", "bank_b"};
  run.scenario.watch = {"Watch this."};
  run.timeline = std::make_shared<Timeline>();
  run.timeline->mark("client", MarkKind::step, "t1: run </svg><script>");
  run.timeline->going_on(SpanKind::in_doubt, "bank_a.db", {"t1"});
  run.timeline->going_on(SpanKind::blocked, "bank_a.db", {"s1 waits for t1"});
  run.timeline->going_on(SpanKind::in_doubt, "bank_a.db", {});
  run.timeline->span({1, 3, "coordinator", SpanKind::sync, "t1: commit record"});
  run.timeline->mark("bank_b", MarkKind::message, "t1 prepare_sent");
  return run;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("the page shows marks, windows of doubt, messages and waits, and escapes them") {
  const std::string page = html_report({some_run()});
  CHECK(holds(page, "A &lt;title>"));
  CHECK_FALSE(holds(page, "<script>"));
  CHECK(holds(page, "class=\"doubt\""));
  CHECK(holds(page, "class=\"blocked\""));
  CHECK(holds(page, "class=\"message\""));
  CHECK(holds(page, "class=\"sync\""));
  CHECK(holds(page, "s1 waits for t1"));
  CHECK(holds(page, "prefers-color-scheme: dark"));
  CHECK_FALSE(holds(page, "http"));  // nothing is fetched
}

TEST_CASE("the terminal, JSON and JUnit say whether it was as expected, and where not") {
  ScenarioRun run = some_run();
  CHECK(holds(json_report({run}), "\"violations\":0"));
  run.failure = "`expect t1 committed` does not hold";
  run.failed_line = 12;
  std::ostringstream text;
  print_run(text, run, false);
  CHECK(holds(text.str(), "name:12: `expect t1 committed` does not hold"));
  CHECK(holds(text.str(), "bank_a.db: t1 in doubt for"));
  CHECK(holds(json_report({run}), "\"violations\":1"));
  CHECK(holds(json_report({run}), "\"line\":12"));
  CHECK(holds(junit_report({run}), "failures=\"1\""));
}
