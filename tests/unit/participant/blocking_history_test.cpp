#include "participant/blocking_history.hpp"

#include <boost/json.hpp>

#include "tests/support/catch.hpp"

using namespace assent;
namespace json = boost::json;

namespace {

json::object report(json::array roots, int waiting, bool linked = true) {
  return {{"available", true},
          {"coordinator", {{"linked", linked}}},
          {"waiting", {{"all", waiting}}},
          {"roots", std::move(roots)}};
}

json::object root(const std::string& gid, int waiting, std::size_t filler = 0) {
  return {{"kind", "branch"},
          {"gid", gid},
          {"age_ms", 5000},
          {"waiting", waiting},
          {"waiters", json::array{std::string(filler, 'x')}}};
}

}  // namespace

TEST_CASE("A root that is gone leaves its last picture and the most that ever waited") {
  BlockingHistory history;
  history.note(report({root("g", 1)}, 1), 1000);
  history.note(report({root("g", 5)}, 5, false), 2000);
  history.note(report({root("g", 2)}, 2), 3000);
  CHECK(history.document().at("ended").as_array().empty());
  history.note(report({}, 0), 4000);
  history.note(report({}, 0), 5000);
  const json::object document = history.document();
  REQUIRE(document.at("ended").as_array().size() == 1);
  const json::value& ended = document.at("ended").at(0);
  CHECK(ended.at("ended_at_ms") == 4000);
  CHECK(ended.at("most_waiting") == 5);
  CHECK(ended.at("root").at("waiting") == 2);
  // Calm is noted once.
  const json::array& samples = document.at("samples").as_array();
  REQUIRE(samples.size() == 4);
  CHECK_FALSE(samples[1].at("linked").as_bool());
  CHECK(samples[3].at("waiting") == 0);
}

TEST_CASE("A database that cannot be seen ends nothing") {
  BlockingHistory history;
  history.note(report({root("g", 1)}, 1), 1000);
  history.note({{"available", false}}, 2000);
  CHECK(history.document().at("ended").as_array().empty());
}

TEST_CASE("Two-phase commit at work leaves no trace") {
  BlockingHistory history;
  json::object young = root("g", 0);
  young["age_ms"] = 20;
  history.note(report({young}, 0), 1000);
  history.note(report({}, 0), 2000);
  CHECK(history.document().at("ended").as_array().empty());
}

TEST_CASE("What is kept is bounded in number, time and bytes") {
  BlockingHistory history;
  const std::size_t rounds = 3 * BlockingHistory::kMostSamples;
  for (std::size_t i = 0; i < rounds; ++i)
    history.note(report({root("g" + std::to_string(i), 1)}, 1), static_cast<std::int64_t>(i));
  CHECK(history.document().at("samples").as_array().size() == BlockingHistory::kMostSamples);
  CHECK(history.document().at("ended").as_array().size() == BlockingHistory::kMostEnded);
  history.note(report({root("big", 1, 2 * BlockingHistory::kMostRootBytes)}, 1), 10'000'000);
  CHECK(history.document().at("samples").as_array().size() == 1);
  history.note(report({}, 0), 10'000'001);
  const json::value last = history.document().at("ended").as_array().back();
  CHECK(last.at("root").at("gid") == "big");
  CHECK(last.at("root").at("waiters").as_array().empty());
  CHECK(last.at("root").at("waiters_left_out") == 1);
}
