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

TEST_CASE("the log rotates, dies and is opened again in nearly every schedule") {
  CampaignOptions options;
  options.schedules = 20;
  std::uint64_t least_transactions = ~0ull;
  const CampaignResult result = run_campaign(options, [&](const ScheduleReport& report) {
    least_transactions = std::min(least_transactions, report.transactions);
  });
  CHECK(result.first_invariant.empty());
  CHECK(least_transactions >= 50);
  CHECK(result.faults.at("segment_opened") > 20);
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
  const auto [options, report] = failing(Plant::no_such_gid_is_done);
  const Shrunk shrunk = shrink(options, report);
  CHECK(shrunk.report.first().invariant == report.first().invariant);
  CHECK(shrunk.report.jobs <= 10);
  CHECK(report.fault_kinds.size() - shrunk.options.without_faults.size() <= 3);
  CHECK(Schedule(shrunk.options).run().trace_hash == shrunk.report.trace_hash);
  const std::string text = arguments(shrunk.options);
  CHECK(text.find("--replay " + std::to_string(options.seed)) != std::string::npos);
  CHECK(text.find("--plant no-such-gid-is-done") != std::string::npos);
  CHECK(text.find("--without-faults ") != std::string::npos);
  CHECK(text.find("--transactions ") != std::string::npos);
}

TEST_CASE("a diagram shows one transaction, and no more steps than asked for") {
  ScheduleOptions options = of(1);
  Diagram one("T3", 1000);
  Diagram few("", 10);
  options.listener = [&](const Trace::Line& line) {
    one.add(line);
    few.add(line);
  };
  Schedule(options).run();
  const std::string text = one.text();
  CHECK(text.rfind("sequenceDiagram\n", 0) == 0);
  CHECK(text.find(":T3:") != std::string::npos);
  CHECK(text.find(":T4:") == std::string::npos);
  CHECK(text.find("coordinator->>") != std::string::npos);
  std::istringstream lines(few.text());
  std::size_t steps = 0;
  for (std::string line; std::getline(lines, line);)
    steps += line.find(": ") == std::string::npos ? 0 : 1;
  CHECK(steps == 11);  // and how many are left out
}

}  // namespace
}  // namespace assent::simulation
