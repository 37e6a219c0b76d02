#include "tests/simulation/explore.hpp"

#include <algorithm>
#include <string_view>

#include "tests/simulation/explore_text.hpp"
#include "tests/support/catch.hpp"

namespace assent::explore {
namespace {

constexpr std::uint64_t kMostStates = 2'000'000;

Bounds faultless() {
  Bounds bounds;
  bounds.crashes = 0;
  return bounds;
}

TEST_CASE("without faults every state of two participants is right and comes to rest") {
  const Exploration result = explore(faultless(), kMostStates, nullptr);
  CHECK(result.complete);
  CHECK(result.violations.empty());
  CHECK(result.at_rest > 1);
  CHECK(result.states > 1'000);  // a model that does nothing has nothing wrong
  CHECK(result.path.empty());
}

TEST_CASE("a crash with one participant") {
  Bounds bounds = faultless();
  bounds.participants = 1;
  bounds.crashes = 1;
  const Exploration result = explore(bounds, kMostStates, nullptr);
  CHECK(result.complete);
  CHECK(result.violations.empty());
}

TEST_CASE("an exploration that is given up says so") {
  const Exploration result = explore(faultless(), 100, nullptr);
  CHECK_FALSE(result.complete);
  CHECK(result.violations.empty());
}

Bounds unreliable(std::size_t participants, unsigned crashes) {
  Bounds bounds = faultless();
  bounds.participants = participants;
  bounds.crashes = crashes;
  bounds.unreliable = true;
  return bounds;
}

TEST_CASE("any number of losses and duplicates, and a crash") {
  const Exploration result = explore(unreliable(1, 2), kMostStates, nullptr);
  CHECK(result.complete);
  CHECK(result.violations.empty());
}

TEST_CASE("the network that loses and doubles what it likes comes to all that a counted one does") {
  Bounds bounds = faultless();
  bounds.losses = 1;
  const Exploration counted = explore(bounds, kMostStates, nullptr);
  REQUIRE(counted.complete);
  const Exploration any = explore(unreliable(2, 0), kMostStates, nullptr);
  REQUIRE(any.complete);
  CHECK(counted.ends.size() > 1);
  CHECK(std::includes(any.ends.begin(), any.ends.end(), counted.ends.begin(), counted.ends.end()));
}

void check_that_nothing_is_lost(Bounds bounds) {
  const Exploration reduced = explore(bounds, kMostStates, nullptr);
  bounds.saturated = false;
  const Exploration full = explore(bounds, kMostStates, nullptr);
  REQUIRE(reduced.complete);
  REQUIRE(full.complete);
  CHECK(reduced.states < full.states);
  CHECK(reduced.ends == full.ends);
  CHECK(reduced.violations.empty());
  CHECK(full.violations.empty());
}

TEST_CASE("what the search leaves out leads to nothing else") {
  check_that_nothing_is_lost(unreliable(1, 1));
  check_that_nothing_is_lost(unreliable(2, 0));
}

// The mistake, and faults enough for it to show.
Exploration with_mistake(Plant plant, unsigned crashes, unsigned breaks, bool any) {
  Bounds bounds = faultless();
  bounds.plant = plant;
  bounds.crashes = crashes;
  bounds.breaks = breaks;
  bounds.unreliable = any;
  return explore(bounds, kMostStates, nullptr);
}

void check_that_mistakes_are_found(bool any) {
  const auto with = [any](Plant plant, unsigned crashes, unsigned breaks) {
    return with_mistake(plant, crashes, breaks, any);
  };
  const Exploration early = with(Plant::logged_before_durable, 0, 0);
  REQUIRE(early.violations.size() >= 1);
  CHECK(early.violations.front().invariant == "I1");
  REQUIRE_FALSE(early.path.empty());
  const auto shows = [&](std::string_view what) {
    return std::any_of(early.path.begin(), early.path.end(),
                       [&](const std::string& line) { return line.find(what) != line.npos; });
  };
  CHECK(shows("coordinator > Log number=1: CommitRecord"));
  CHECK(shows("coordinator < Logged up_to=1"));

  CHECK_FALSE(with(Plant::inquiry_presumes_abort, 0, 0).violations.empty());
  CHECK_FALSE(with(Plant::applied_for_all, 0, 0).violations.empty());
  CHECK_FALSE(with(Plant::dropped_with_link, 0, 1).violations.empty());
  CHECK_FALSE(with(Plant::prepared_without_tag, 0, 0).violations.empty());
  CHECK_FALSE(with(Plant::yes_called_read_only, 0, 0).violations.empty());
  CHECK_FALSE(with(Plant::lost_reply_is_done, 1, 0).violations.empty());
}

TEST_CASE("a mistake made on purpose is found, with a path that shows it") {
  check_that_mistakes_are_found(false);
  check_that_mistakes_are_found(true);
}

TEST_CASE("a log without room for a record aborts, and everything comes to rest") {
  Bounds bounds = faultless();
  bounds.participants = 1;
  bounds.breaks = 1;
  const Exploration result = explore(bounds, kMostStates, nullptr);
  CHECK(result.complete);
  CHECK(result.violations.empty());
}

TEST_CASE("a key tells apart what matters and nothing else") {
  const Instant clock{std::chrono::seconds(10)};
  const std::string text = "M\n  since=@9000ms\n  retry_at=@11000ms attempts=3 x=[p2 p1]";
  CHECK(key_of(text, clock) == "M\n  since=@past\n  retry_at=@+1000  x=[p2 p1]");
  const std::string later = "M\n  since=@19000ms\n  retry_at=@21000ms attempts=9 x=[p2 p1]";
  CHECK(key_of(later, clock + std::chrono::seconds(10)) == key_of(text, clock));
  CHECK(key_of(text, clock, {"p1", "p2"}) == key_of(text, clock, {"p2", "p1"}));
  CHECK(key_of("branch=p1 of=[p1 p2]", clock, {"p1", "p2"}) !=
        key_of("branch=p1 of=[p1 p2]", clock, {"p2", "p1"}));
}

TEST_CASE("while a list is on its way, what was before it was asked for is told apart") {
  const Instant clock{std::chrono::seconds(10)};
  const std::string before = "  since=@8000ms\n  listing\n  listing_at=@9000ms";
  const std::string after = "  since=@9000ms\n  listing\n  listing_at=@8000ms";
  CHECK(key_of(before, clock) != key_of(after, clock));
}

}  // namespace
}  // namespace assent::explore
