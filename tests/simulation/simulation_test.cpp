#include <cstdlib>
#include <sstream>

#include "tests/simulation/campaign.hpp"
#include "tests/simulation/diagram.hpp"
#include "tests/simulation/plants.hpp"
#include "tests/simulation/shrink.hpp"
#include "tests/support/catch.hpp"

namespace assent::simulation {
namespace {

ScheduleOptions of(std::uint64_t seed, Plant plant = Plant::none) {
  ScheduleOptions options;
  options.seed = seed;
  options.plant = plant;
  return options;
}

std::string trace_of(ScheduleOptions options) {
  std::string text;
  options.listener = [&text](const Trace::Line& line) { text += Trace::shown(line) + '\n'; };
  Schedule(options).run();
  return text;
}

// The first schedule in which this mistake shows.
std::pair<ScheduleOptions, ScheduleReport> failing(Plant plant) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const ScheduleReport report = Schedule(of(seed, plant)).run();
    if (report.failed()) return {of(seed, plant), report};
  }
  FAIL("the mistake is not found");
  std::abort();
}

TEST_CASE("a seed replays to the byte") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CHECK(trace_of(of(seed)) == trace_of(of(seed)));
    CHECK(Schedule(of(seed)).run().trace_hash == Schedule(of(seed)).run().trace_hash);
  }
}

TEST_CASE("different seeds are different schedules") {
  CHECK(Schedule(of(1)).run().trace_hash != Schedule(of(2)).run().trace_hash);
}

TEST_CASE("who listens changes nothing") {
  ScheduleOptions heard = of(3);
  std::size_t lines = 0;
  heard.listener = [&lines](const Trace::Line&) { ++lines; };
  CHECK(Schedule(heard).run().trace_hash == Schedule(of(3)).run().trace_hash);
  CHECK(lines > 1000);
}

TEST_CASE("every schedule has its transactions and faults, and the log is opened and goes on") {
  CampaignOptions options;
  options.schedules = 20;
  std::uint64_t least_transactions = ~0ull;
  std::uint64_t least_openings = ~0ull;
  std::size_t least_faults = 99;
  const CampaignResult result = run_campaign(options, [&](const ScheduleReport& report) {
    least_transactions = std::min(least_transactions, report.transactions);
    least_openings = std::min(least_openings, report.faults.at("ledger_opened"));
    least_faults = std::min(least_faults, report.fault_kinds.size());
  });
  CHECK(result.first_invariant.empty());
  CHECK(least_transactions >= 50);
  CHECK(least_faults >= 5);
  CHECK(least_openings >= 1);
  CHECK(result.faults.at("segment_opened") > 0);  // while it was running
}

TEST_CASE("every kind of fault strikes within some hundred schedules") {
  CampaignOptions options;
  options.schedules = 150;
  const CampaignResult result = run_campaign(options, [](const ScheduleReport&) {});
  for (const std::string& kind : fault_kinds()) {
    INFO(kind);
    CHECK(result.faults.count(kind) == 1);
  }
}

TEST_CASE("a failing schedule is shrunk, and its arguments repeat what is left") {
  const auto [options, report] = failing(Plant::external_not_verified);
  const Shrunk shrunk = shrink(options, report);
  CHECK(shrunk.report.first().invariant == report.first().invariant);
  CHECK(shrunk.report.jobs <= 10);
  CHECK(report.fault_kinds.size() - shrunk.options.without_faults.size() <= 3);
  CHECK(Schedule(shrunk.options).run().trace_hash == shrunk.report.trace_hash);
  const std::string text = arguments(shrunk.options);
  CHECK(text.find("--replay " + std::to_string(options.seed)) != std::string::npos);
  CHECK(text.find("--plant external-not-verified") != std::string::npos);
  CHECK(text.find("--without-faults ") != std::string::npos);
  CHECK(text.find("--transactions ") != std::string::npos);
}

// The first transaction of which this trace has a decision.
std::string some_committed(std::uint64_t seed) {
  const std::string trace = trace_of(of(seed));
  const std::string before = "CommitRecord tx=";
  const auto at = trace.find(before) + before.size();
  return trace.substr(at, trace.find(' ', at) - at);
}

TEST_CASE("a diagram shows one transaction, and no more steps than asked for") {
  const std::string tx = some_committed(1);
  INFO(tx);
  ScheduleOptions options = of(1);
  Diagram one(tx, 1000);
  Diagram few("", 10);
  options.listener = [&](const Trace::Line& line) {
    one.add(line);
    few.add(line);
  };
  Schedule(options).run();
  const std::string text = one.text();
  CHECK(text.rfind("sequenceDiagram\n", 0) == 0);
  CHECK(text.find(":" + tx + ":") != std::string::npos);
  CHECK(text.find(":" + tx + "0:") == std::string::npos);
  CHECK(text.find("coordinator->>") != std::string::npos);
  CHECK(text.find("-->>coordinator: Vote") != std::string::npos);
  CHECK(text.find("-->>client: Reply") != std::string::npos);
  CHECK(text.find("on disk: records") != std::string::npos);
  std::istringstream lines(few.text());
  std::size_t steps = 0;
  for (std::string line; std::getline(lines, line);)
    steps += line.find(": ") == std::string::npos ? 0 : 1;
  CHECK(steps == 11);  // and how many are left out
}

}  // namespace
}  // namespace assent::simulation
