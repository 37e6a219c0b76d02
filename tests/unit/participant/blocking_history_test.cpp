#include "protocol/runtime/blocking_history.hpp"

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
  // Calm is one span, from its first moment to its last.
  const json::array& spans = document.at("spans").as_array();
  REQUIRE(spans.size() == 4);
  CHECK_FALSE(spans[1].at("linked").as_bool());
  CHECK(spans[3].at("waiting") == 0);
  CHECK(spans[3].at("from_ms") == 4000);
  CHECK(spans[3].at("to_ms") == 5000);
}

TEST_CASE("Where nobody looked for a while the spans leave a gap") {
  BlockingHistory history;
  history.note(report({}, 0), 1000);
  history.note(report({}, 0), 60'000);
  CHECK(history.document().at("spans").as_array().size() == 2);
}

TEST_CASE("What one saw while the other was away takes the place of the other's silence") {
  BlockingHistory there;  // its clock is 1,000,000 ms ahead
  there.note(report({}, 0), 1'001'000);
  there.note(report({root("g", 3)}, 3, false), 1'002'000);
  there.note(report({}, 0, false), 1'003'000);

  BlockingHistory here;
  here.note(report({root("g", 1)}, 1), 1000);
  here.note_silence(2000);
  here.note_silence(3000);
  here.take_over(there.handover(1'004'000, 100'000), 4000);
  here.note(report({}, 0), 4000);
  const json::object document = here.document();
  const json::array& spans = document.at("spans").as_array();
  REQUIRE(spans.size() == 4);
  CHECK(spans[0].at("waiting") == 1);  // it was seen here
  CHECK(spans[1].at("from_ms") == 2000);
  CHECK(spans[1].at("waiting") == 3);
  CHECK_FALSE(spans[1].at("linked").as_bool());
  CHECK(spans[3].at("from_ms") == 4000);
  // The root is told once, with its end.
  REQUIRE(document.at("ended").as_array().size() == 1);
  CHECK(document.at("ended").at(0).at("ended_at_ms") == 3000);
  CHECK(document.at("ended").at(0).at("most_waiting") == 3);
}

TEST_CASE("Silence that nobody fills stays") {
  BlockingHistory history;
  history.note_silence(1000);
  history.note_silence(2000);
  const json::object document = history.document();
  REQUIRE(document.at("spans").as_array().size() == 1);
  CHECK_FALSE(document.at("spans").at(0).at("answers").as_bool());
}

TEST_CASE("Of what has ended as much is handed over as fits, the latest") {
  BlockingHistory history;
  for (int i = 0; i < 3; ++i) history.note(report({root("g" + std::to_string(i), 1, 500)}, 1), i);
  history.note(report({}, 0), 9);
  CHECK(history.document().at("ended").as_array().size() == 3);
  const json::object handed = history.handover(10, 1500);
  REQUIRE(handed.at("ended").as_array().size() == 2);
  CHECK(handed.at("ended").at(1).at("root").at("gid") == "g2");
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
  const BlockingHistory::Limits limits;
  BlockingHistory history(limits);
  const std::size_t rounds = 3 * limits.spans;
  for (std::size_t i = 0; i < rounds; ++i)
    history.note(report({root("g" + std::to_string(i), 1)}, static_cast<int>(i)),
                 static_cast<std::int64_t>(i));
  CHECK(history.document().at("spans").as_array().size() == limits.spans);
  CHECK(history.document().at("ended").as_array().size() == limits.ended);
  history.note(report({root("big", 1, 2 * limits.root_bytes)}, 1), 10'000'000);
  CHECK(history.document().at("spans").as_array().size() == 1);
  history.note(report({}, 0), 10'000'001);
  const json::value last = history.document().at("ended").as_array().back();
  CHECK(last.at("root").at("gid") == "big");
  CHECK(last.at("root").at("waiters").as_array().empty());
  CHECK(last.at("root").at("waiters_left_out") == 1);
}
