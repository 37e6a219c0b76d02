// What an operator decides, from request to answer, over the real machine.
#include <boost/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/unit/api/fake_engine.hpp"

namespace assent {
namespace {

boost::json::object json(const HttpResponse& response) {
  return boost::json::parse(response.body).as_object();
}

std::string text(const HttpResponse& response, const char* key) {
  const boost::json::object object = json(response);
  const auto* value = object.if_contains(key);
  return value == nullptr || !value->is_string() ? "" : std::string(value->as_string());
}

// "409 already-committed committed"
std::string problem(const HttpResponse& response) {
  CHECK(response.content_type == "application/problem+json");
  return std::to_string(response.status) + " " + text(response, "code") + " " +
         text(response, "outcome");
}

// orders holds a branch of a transaction so old that its outcome may have been forgotten.
struct InDoubt : FakeCoordinator {
  InDoubt() {
    connect("orders");
    connect("stock");
    tx = TxId{make_uuid7(
        engine_now().wall_ms - CoordinatorLimits{}.outcome_retention.count() - 1000, {1})};
    id = to_string(tx);
    post(FromParticipant{"orders", Inquiry{gid("orders"), {"orders", "stock"}}});
  }
  Gid gid(const std::string& participant) const { return {machine().ledger(), 1, tx, participant}; }
  HttpResponse resolve(const std::string& body) {
    return get("POST", "/v1/transactions/" + id + "/resolve", body);
  }
  HttpResponse acknowledge(const std::string& body) {
    return get("POST", "/v1/transactions/" + id + "/acknowledge", body);
  }
  TxId tx;
  std::string id;
};

const std::string kAbort = R"({"outcome":"aborted","reason":"ticket 4711"})";

}  // namespace

TEST_CASE("a transaction in doubt is found, shown, and previewed") {
  InDoubt at;
  CHECK(text(at.get("GET", "/v1/transactions/" + at.id), "state") == "in_doubt");
  CHECK(
      json(at.get("GET", "/v1/transactions?state=in_doubt")).at("transactions").as_array().size() ==
      1);
  CHECK(
      json(at.get("GET", "/v1/transactions?state=damaged")).at("transactions").as_array().empty());
  const HttpResponse preview = at.resolve(R"({"outcome":"committed","preview":true})");
  CHECK(preview.status == 200);
  CHECK(text(preview, "seen") == "orders=prepared,stock=unheard");
  const auto document = json(preview);
  const auto& branches = document.at("branches").as_array();
  REQUIRE(branches.size() == 2);
  CHECK(branches[0].at("effect").as_string() == "commit");
  CHECK(branches[0].at("then").as_string() ==
        "It is committed (COMMIT PREPARED), and its locks are released.");
  CHECK(branches[1].at("effect").as_string() == "ask");
  CHECK(at.machine().doubts().size() == 1);
  at.post(LinkDown{"orders"});
  const auto away = json(at.resolve(R"({"outcome":"aborted","preview":true})"));
  CHECK(away.at("branches").as_array()[0].at("then").as_string() ==
        "It is rolled back when its participant is back, and its locks are released.");
}

TEST_CASE("a decision is answered, shown with who and why, and never changes") {
  InDoubt at;
  const HttpResponse done = at.resolve(
      R"({"outcome":"aborted","reason":"ticket 4711","seen":"orders=prepared,stock=unheard"})");
  CHECK(done.status == 200);
  CHECK(text(done, "state") == "aborting");
  CHECK(text(done, "outcome") == "aborted");
  const auto resolution = json(done).at("resolution").as_object();
  CHECK(resolution.at("by").as_string() == "somebody");
  CHECK(resolution.at("reason").as_string() == "ticket 4711");
  CHECK(resolution.at("unheard").as_array().size() == 1);
  CHECK(at.sent_to<Abort>("orders").gid == at.gid("orders"));
  CHECK(at.resolve(kAbort).status == 200);
  const HttpResponse other = at.resolve(R"({"outcome":"committed","reason":"no"})");
  CHECK(problem(other) == "409 already-aborted aborted");
  CHECK(text(other, "detail") ==
        "It is aborted, as somebody has decided. A decision never changes.");
  CHECK(problem(at.resolve(R"({"outcome":"committed","preview":true})")) ==
        "409 already-aborted aborted");
  // Its timeline begins with what was decided.
  const auto timeline = json(at.get("GET", "/v1/transactions/" + at.id + "/events"));
  std::string kinds;
  for (const auto& event : timeline.at("events").as_array())
    kinds += std::string(event.at("kind").as_string()) + " ";
  CHECK(kinds.starts_with("begun resolved record_asked "));
  CHECK(kinds.find("decided") != std::string::npos);
}

TEST_CASE("what is not a decision is refused by name") {
  InDoubt at;
  const auto detail = [&](const std::string& body) {
    const HttpResponse response = at.resolve(body);
    CHECK(problem(response) == "400 invalid-request none");
    return text(response, "detail");
  };
  CHECK(detail(R"({"outcome":"aborted"})") == "the body: reason is missing");
  CHECK(detail(R"({"reason":"x"})") == "the body: outcome is missing");
  CHECK(detail(R"({"outcome":"aborted","reason":"  "})") == "reason: must say why");
  CHECK(detail(R"({"outcome":"aborted","reason":"a\nb"})") ==
        "reason: must be one line, without control characters");
  CHECK(detail(R"({"outcome":"aborted","reason":")" + std::string(1001, 'x') + "\"}") ==
        "reason: must be of at most 1000 characters");
  CHECK(detail(R"({"outcome":"abort","reason":"x"})").starts_with("outcome: "));
  CHECK(detail(R"({"outcome":"aborted","reasn":"x"})") ==
        "reasn: unknown field; did you mean reason?");
  CHECK(problem(at.resolve(R"({"outcome":"aborted","reason":"x","seen":"orders=nothing"})")) ==
        "409 resolution-refused unknown");
  CHECK(problem(at.acknowledge(R"({"reason":"x"})")) == "410 history-expired unknown");
  CHECK(problem(at.acknowledge("{}")) == "400 invalid-request none");
  CHECK(at.machine().doubts().size() == 1);
}

TEST_CASE("damage is listed, acknowledged, and stays") {
  InDoubt at;
  at.resolve(kAbort);
  at.post(FromParticipant{"orders",
                          Applied{at.gid("orders"), Outcome::aborted, Application::heuristic, 0}});
  const auto listed = json(at.get("GET", "/v1/transactions?state=damaged"));
  REQUIRE(listed.at("transactions").as_array().size() == 1);
  CHECK(listed.at("transactions").as_array()[0].at("acknowledged") == false);
  const auto counted = [&](const char* which) {
    return json(at.get("GET", "/v1/overview")).at("damaged").at(which).as_int64();
  };
  CHECK(counted("unacknowledged") == 1);
  CHECK(counted("acknowledged") == 0);
  const HttpResponse seen = at.acknowledge(R"({"reason":"mended"})");
  CHECK(counted("unacknowledged") == 0);
  CHECK(counted("acknowledged") == 1);
  CHECK(seen.status == 200);
  const auto document = json(seen);
  CHECK(document.at("acknowledged") == true);
  CHECK(document.at("damaged") == true);
  CHECK(document.at("acknowledgements").as_array()[0].at("reason").as_string() == "mended");
  CHECK(
      json(at.get("GET", "/v1/transactions?state=damaged")).at("transactions").as_array().size() ==
      1);
}

}  // namespace assent
