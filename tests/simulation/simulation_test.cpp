#include "tests/simulation/campaign.hpp"
#include "tests/simulation/plants.hpp"
#include "tests/support/catch.hpp"

namespace assent::simulation {
namespace {

TEST_CASE("a seed replays to the byte") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const ScheduleReport first = Schedule(seed, Plant::none, false).run();
    const ScheduleReport again = Schedule(seed, Plant::none, false).run();
    CHECK(first.trace_hash == again.trace_hash);
    CHECK(first.messages == again.messages);
  }
}

TEST_CASE("different seeds are different schedules") {
  CHECK(Schedule(1, Plant::none, false).run().trace_hash !=
        Schedule(2, Plant::none, false).run().trace_hash);
}

TEST_CASE("every planted mistake is found") {
  for (const PlantInfo& each : all_plants()) {
    CampaignOptions options;
    options.schedules = 10'000;
    options.plant = each.plant;
    options.stop_at_first = true;
    const CampaignResult result = run_campaign(options, [](const ScheduleReport&) {});
    INFO(each.name << ": " << each.breaks);
    CHECK_FALSE(result.first_invariant.empty());
  }
}

}  // namespace
}  // namespace assent::simulation
