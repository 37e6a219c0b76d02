#include "clients/cpp/client.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"
#include "tests/unit/clients/scripted_transport.hpp"

using namespace assent;
using namespace assent::client;
using namespace std::chrono_literals;

namespace {

const std::string kCommitted =
    R"({"id":"t-1","state":"committed","branches":[{"participant":"orders","state":"applied"}]})";

struct Run {
  Played played;
  Result<Transaction> result{Trouble{}};

  explicit Run(std::deque<Exchange> script, const std::string& key = {}) {
    Client client(play(std::move(script), played), {.limit = 30s});
    result = client.run({.branches = {{.participant = "orders"}}}, key);
  }
  Trouble trouble() const { return result.error(); }
};

std::string header(const HttpCall& call, const std::string& name) {
  for (const auto& [key, value] : call.headers)
    if (key == name) return value;
  return {};
}

}  // namespace

TEST_CASE("a lost reply is followed by the same request with the same key") {
  const Run run({lost(), lost(), answer(201, kCommitted)});
  REQUIRE(run.result.has_value());
  CHECK(run.result->state == "committed");
  REQUIRE(run.played.calls.size() == 3);
  const std::string key = header(run.played.calls[0], "idempotency-key");
  CHECK(key.size() == 34);
  for (const HttpCall& call : run.played.calls) {
    CHECK(header(call, "idempotency-key") == key);
    CHECK(call.body == run.played.calls[0].body);
  }
}

TEST_CASE("two runs have different keys, a given key is used") {
  const Run one({answer(201, kCommitted)});
  const Run two({answer(201, kCommitted)});
  CHECK(header(one.played.calls[0], "idempotency-key") !=
        header(two.played.calls[0], "idempotency-key"));
  const Run given({answer(201, kCommitted)}, "order-7781");
  CHECK(header(given.played.calls[0], "idempotency-key") == "\"order-7781\"");
}

TEST_CASE("a key that would break the header is refused before sending") {
  for (const std::string key : {"a\r\nb", "a\"b", "\x80"}) {
    const Run run({answer(201, kCommitted)}, key);
    CHECK(run.trouble().kind == Trouble::Kind::refused);
    CHECK(run.played.calls.empty());
  }
}

TEST_CASE("replies lost for ever leave the outcome unknown") {
  const Run run({lost()});
  CHECK(run.trouble().kind == Trouble::Kind::unsettled);
  CHECK(run.trouble().fate == Fate::unknown);
  CHECK(run.played.calls.size() > 10);
}

TEST_CASE("nobody there for ever: nothing has happened") {
  const Run run({unreachable()});
  CHECK(run.trouble().kind == Trouble::Kind::unreachable);
  CHECK(run.trouble().fate == Fate::none);
}

TEST_CASE("a coordinator that comes up meanwhile is reached") {
  CHECK(Run({unreachable(), unreachable(), answer(201, kCommitted)}).result.has_value());
}

TEST_CASE("unreachable after a lost reply is not 'nothing has happened'") {
  const Run run({lost(), unreachable()});
  CHECK(run.trouble().kind == Trouble::Kind::unsettled);
  CHECK(run.trouble().fate == Fate::unknown);
}

TEST_CASE("aborted is the last word, and is not tried again") {
  const Run run({problem(503, "participant-unavailable", "aborted", "after")});
  CHECK(run.trouble().kind == Trouble::Kind::refused);
  CHECK(run.trouble().fate == Fate::aborted);
  CHECK(run.played.calls.size() == 1);
  const Run after_loss({lost(), problem(409, "deadlock", "aborted", "new-key")});
  CHECK(after_loss.trouble().kind == Trouble::Kind::refused);
  CHECK(after_loss.trouble().fate == Fate::aborted);
}

TEST_CASE("a refused request is not repeated; after a lost one it settles nothing") {
  const auto refusal = problem(400, "invalid-request", "none", "never");
  const Run first({refusal});
  CHECK(first.trouble().kind == Trouble::Kind::refused);
  CHECK(first.trouble().fate == Fate::none);
  CHECK(first.played.calls.size() == 1);
  const Run second({lost(), refusal});
  CHECK(second.trouble().kind == Trouble::Kind::unsettled);
  CHECK(second.trouble().fate == Fate::unknown);
  CHECK(second.trouble().problem->code == "invalid-request");
}

TEST_CASE("overloaded is waited for, as long as it says") {
  auto overloaded = problem(429, "overloaded", "none", "after");
  overloaded.headers.emplace_back("retry-after", "7");
  const Run run({overloaded, answer(201, kCommitted)});
  CHECK(run.result.has_value());
  REQUIRE(run.played.pauses.size() == 1);
  CHECK(run.played.pauses[0] == 7s);
  const Run forever({overloaded});
  CHECK(forever.trouble().kind == Trouble::Kind::refused);
  CHECK(forever.trouble().fate == Fate::none);
}

TEST_CASE("an unknown outcome is asked for again with the same key") {
  CHECK(Run({problem(504, "outcome-unknown", "unknown", "same-key"), answer(201, kCommitted)})
            .result.has_value());
  const Run forever({problem(504, "outcome-unknown", "unknown", "same-key")});
  CHECK(forever.trouble().kind == Trouble::Kind::unsettled);
}

TEST_CASE("a stranger's 5xx may hide that the request went through") {
  const Run run({answer(502, "<html>"), problem(429, "overloaded", "none", "after")});
  CHECK(run.trouble().kind == Trouble::Kind::unsettled);
  const Run refused({answer(404, "<html>")});
  CHECK(refused.trouble().kind == Trouble::Kind::refused);
  CHECK(refused.trouble().fate == Fate::none);
}

TEST_CASE("an answer that cannot be read is not an outcome") {
  for (const char* body : {"", "{}", "[]", "{\"id\":\"t-1\""}) {
    const Run run({answer(201, body)});
    CHECK(run.trouble().kind == Trouble::Kind::unsettled);
    CHECK(run.trouble().fate == Fate::unknown);
  }
}

TEST_CASE("pauses grow to their limit, and never go beyond the time there is") {
  const Run run({unreachable()});
  const auto& pauses = run.played.pauses;
  CHECK(pauses.front() <= 125ms);
  CHECK(*std::ranges::max_element(pauses) >= 1500ms);
  CHECK(*std::ranges::max_element(pauses) <= 2500ms);
  milliseconds sum{};
  for (const milliseconds pause : pauses) sum += pause;
  CHECK(sum <= 30s);
}

TEST_CASE("202 is committed with something pending") {
  const Run run({answer(202, R"({"id":"t-1","state":"committing","branches":[]})")});
  REQUIRE(run.result.has_value());
  CHECK(run.result->pending);
}

TEST_CASE("a transaction is written as the API takes it") {
  const OneShot transaction{
      .branches = {{.participant = "orders",
                    .statements = {{.sql = "insert", .params = {"o-1", 7, nullptr, true}},
                                   {.sql = "update", .expect_rows = 1}}},
                   {.participant = "stock", .read_only = true}},
      .timeout = 5s,
      .lock_timeout = 1s,
      .isolation = "serializable",
      .wait_for = WaitFor::decided,
      .labels = {{"app", "shop"}}};
  CHECK(to_json(transaction) ==
        R"({"timeout_ms":5000,"lock_timeout_ms":1000,"isolation":"serializable",)"
        R"("wait_for":"decided","labels":{"app":"shop"},"branches":[{"participant":"orders",)"
        R"("statements":[{"sql":"insert","params":["o-1",7,null,true]},)"
        R"({"sql":"update","expect":{"rows":1}}]},)"
        R"({"participant":"stock","statements":[],"read_only":true}]})");
}

TEST_CASE("results are read with their types") {
  const auto transaction = parse_transaction(
      R"({"id":"t","state":"committed","branches":[{"participant":"a","state":"applied","results":)"
      R"([{"command":"SELECT","rows_affected":1,"columns":[{"name":"n","type":"int4"},)"
      R"({"name":"t","type":"numeric"}],"rows":[[1,"12.50"],[null,"x"]]}]}]})");
  REQUIRE(transaction);
  const StatementResult& result = transaction->branches.at(0).results.at(0);
  CHECK(result.columns.at(1).second == "numeric");
  CHECK(result.rows.at(0) == std::vector<Value>{std::int64_t{1}, "12.50"});
  CHECK(std::holds_alternative<std::nullptr_t>(result.rows.at(1).at(0)));
}

TEST_CASE("ids and filters are encoded into the path") {
  Played played;
  Client client(play({answer(200, "{}")}, played), {.limit = 1ms});
  (void)client.get("a/b?c");
  (void)client.list({.state = "in_doubt", .older_than = "30s", .limit = 5});
  CHECK(played.calls[0].target == "/v1/transactions/a%2Fb%3Fc");
  CHECK(played.calls[1].target == "/v1/transactions?state=in_doubt&older_than=30s&limit=5");
}
