// How long a client waits: ?wait= until a transaction changes, Prefer: respond-async not at all.
#include <boost/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/unit/api/fake_engine.hpp"

namespace assent {
namespace {

using Headers = FakeCoordinator::Headers;

const std::string kTwoBranches =
    R"({"branches":[{"participant":"orders","statements":[{"sql":"insert"}]},)"
    R"({"participant":"stock","statements":[{"sql":"update"}]}]})";
const Headers kAsync = {{"prefer", "respond-async"}};

std::string text(const HttpResponse& response, const char* key) {
  const boost::json::object object = boost::json::parse(response.body).as_object();
  const auto* value = object.if_contains(key);
  return value == nullptr || !value->is_string() ? "" : std::string(value->as_string());
}

std::string header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

// "202 preparing unknown"
std::string summary(const HttpResponse& response) {
  const bool problem = response.content_type == "application/problem+json";
  return std::to_string(response.status) + " " + text(response, problem ? "code" : "state") + " " +
         text(response, "outcome");
}

struct Shop : FakeCoordinator {
  Shop() {
    connect("orders");
    connect("stock");
  }
  std::string open() {
    return "/v1/transactions/" +
           text(get("POST", "/v1/transactions", R"({"mode":"interactive"})"), "id");
  }
  // With work done in both branches.
  std::string open_with_work() {
    const std::string path = open();
    int seq = 0;
    for (const char* name : {"orders", "stock"}) {
      ask("POST", path + "/statements",
          R"({"participant":")" + std::string(name) + R"(","seq":)" + std::to_string(++seq) +
              R"(,"statements":[{"sql":"s"}]})");
      executed(name, Results{});
    }
    return path;
  }
  std::string newest() const {
    return "/v1/transactions/" + to_string(machine().transactions().rbegin()->first);
  }
  // Whose answer nobody in the test looks at.
  std::string begin() {
    ask("POST", "/v1/transactions", kTwoBranches);
    return newest();
  }
  void commit() {
    for (const char* name : {"orders", "stock"}) vote_yes(name);
    for (const char* name : {"orders", "stock"}) applied(name);
  }
  Headers seen(const std::string& path) {
    return {{"if-none-match", header(get("GET", path), "ETag")}};
  }
};

}  // namespace

TEST_CASE("a wait is answered when the transaction has changed, and by nothing else") {
  Shop shop;
  const std::string path = shop.begin();
  const auto answer = shop.ask("GET", path + "?wait=30s");
  shop.open();
  shop.advance(Duration(1000));
  shop.post(LinkUp{Hello{"other", {}, {}}});
  CHECK_FALSE(answer->has_value());
  shop.vote_yes("stock");
  REQUIRE(answer->has_value());
  CHECK(summary(**answer) == "200 preparing unknown");
  CHECK(header(**answer, "ETag") == header(shop.get("GET", path), "ETag"));
}

TEST_CASE("who waits on from answer to answer sees each change, and the end at once") {
  Shop shop;
  const std::string path = shop.begin();
  Headers seen = shop.seen(path);
  shop.vote_yes("stock");
  // It has changed before the question.
  HttpResponse shown = shop.get("GET", path + "?wait=30s", "", seen);
  CHECK(summary(shown) == "200 preparing unknown");
  seen = {{"if-none-match", header(shown, "ETag")}};
  auto answer = shop.ask("GET", path + "?wait=30s", "", seen);
  CHECK_FALSE(answer->has_value());
  shop.vote_yes("orders");
  REQUIRE(answer->has_value());
  CHECK(summary(**answer) == "200 committing committed");
  answer = shop.ask("GET", path + "?wait=30s");
  shop.applied("orders");
  REQUIRE(answer->has_value());
  CHECK(summary(**answer) == "200 committing committed");
  answer = shop.ask("GET", path + "?wait=30s");
  shop.applied("stock");
  REQUIRE(answer->has_value());
  CHECK(summary(**answer) == "200 committed committed");
  CHECK(summary(shop.get("GET", path + "?wait=30s")) == "200 committed committed");
  CHECK(shop.get("GET", path + "?wait=30s", "", shop.seen(path)).status == 304);
}

TEST_CASE("a wait whose time is over tells what is, and 304 where that was known") {
  Shop shop;
  const std::string path = shop.begin();
  const auto plain = shop.ask("GET", path + "?wait=60s");
  const auto known = shop.ask("GET", path + "?wait=60s", "", shop.seen(path));
  CHECK_FALSE(plain->has_value());
  CHECK_FALSE(known->has_value());
  shop.end_waits();
  REQUIRE(plain->has_value());
  CHECK(summary(**plain) == "200 preparing unknown");
  REQUIRE(known->has_value());
  CHECK((*known)->status == 304);
  CHECK((*known)->body.empty());
  CHECK(shop.get("GET", path + "?wait=0").status == 200);
}

TEST_CASE("a wait sees an end that comes with time alone") {
  Shop shop;
  const std::string path = shop.open();  // without branches: nobody is told
  const auto answer = shop.ask("GET", path + "?wait=60s");
  for (int i = 0; i < 60 && !answer->has_value(); ++i) shop.advance(Duration(1000));
  REQUIRE(answer->has_value());
  CHECK(summary(**answer) == "200 aborted aborted");
}

TEST_CASE("waiting for what is not known is no outcome: it is refused as it is without wait") {
  Shop shop;
  const std::string unknown = "/v1/transactions/" + to_string(make_uuid7(1'782'907'100'000, {}));
  CHECK(summary(shop.get("GET", unknown + "?wait=30s")) == summary(shop.get("GET", unknown)));
  CHECK(shop.get("GET", unknown + "?wait=30s").status == 404);
  CHECK(shop.get("GET", "/v1/transactions/7?wait=30s").status == 404);
}

TEST_CASE("a wait that cannot be is refused by name") {
  Shop shop;
  const std::string path = shop.begin();
  for (const char* bad : {"", "30", "-1s", "61s", "2m", "1h", "soon", "99999999999999999999s"}) {
    INFO(bad);
    const HttpResponse response = shop.get("GET", path + "?wait=" + bad);
    CHECK(response.status == 400);
    CHECK(text(response, "detail") ==
          "wait: must be a duration up to 60s, such as 500ms or 30s; got " + std::string(bad));
  }
  CHECK(text(shop.get("GET", path + "?wait=1s&wait=2s"), "detail") == "wait: given twice");
  CHECK(text(shop.get("GET", path + "?wiat=1s"), "detail") ==
        "wiat: unknown query parameter; there is `wait`");
}

TEST_CASE("respond-async: 202 at once, and what comes of it at its Location") {
  Shop shop;
  const HttpResponse begun = shop.get("POST", "/v1/transactions", kTwoBranches, kAsync);
  CHECK(summary(begun) == "202 preparing unknown");
  CHECK(header(begun, "Preference-Applied") == "respond-async");
  const std::string path = header(begun, "Location");
  CHECK(path == "/v1/transactions/" + text(begun, "id"));
  shop.commit();  // a second answer would throw
  CHECK(summary(shop.get("GET", path + "?wait=30s")) == "200 committed committed");
}

TEST_CASE("respond-async: what is refused is refused, and says so") {
  Shop shop;
  const std::string unheard =
      R"({"branches":[{"participant":"nobody","statements":[{"sql":"insert"}]}]})";
  const HttpResponse refused = shop.get("POST", "/v1/transactions", unheard, kAsync);
  CHECK(refused.status / 100 == 4);
  CHECK(header(refused, "Preference-Applied").empty());
  CHECK(summary(refused) == summary(shop.get("POST", "/v1/transactions", unheard)));
  shop.post(Drain{});
  CHECK(summary(shop.get("POST", "/v1/transactions", kTwoBranches, kAsync)) == "503 draining none");
}

TEST_CASE("respond-async: a repeated key joins the transaction under way and hears its end") {
  Shop shop;
  Headers headers = kAsync;
  headers.emplace_back("idempotency-key", "order-7781-pay");
  const HttpResponse first = shop.get("POST", "/v1/transactions", kTwoBranches, headers);
  CHECK(summary(first) == "202 preparing unknown");
  const auto second = shop.ask("POST", "/v1/transactions", kTwoBranches, headers);
  CHECK(shop.machine().transactions().size() == 1);
  CHECK(summary(shop.get("POST", "/v1/transactions", kTwoBranches + " ", headers)) ==
        "422 idempotency-key-reused none");
  CHECK_FALSE(second->has_value());
  shop.commit();
  REQUIRE(second->has_value());
  CHECK(summary(**second) == "201 committed committed");
  CHECK(header(**second, "Location") == header(first, "Location"));
  const HttpResponse last = shop.get("POST", "/v1/transactions", kTwoBranches, headers);
  CHECK(summary(last) == "201 committed committed");
  CHECK(header(last, "Location") == header(first, "Location"));
}

TEST_CASE("respond-async: a commit is taken at once, and refused where it cannot be") {
  Shop shop;
  const std::string path = shop.open_with_work();
  const HttpResponse taken = shop.get("POST", path + "/commit", "", kAsync);
  CHECK(summary(taken) == "202 preparing unknown");
  CHECK(header(taken, "Location") == path);
  CHECK(header(taken, "Preference-Applied") == "respond-async");
  shop.commit();
  CHECK(summary(shop.get("POST", path + "/commit", "", kAsync)) == "200 committed committed");
  const std::string other = shop.open();
  shop.get("POST", other + "/rollback");
  CHECK(summary(shop.get("POST", other + "/commit", "", kAsync)) ==
        summary(shop.get("POST", other + "/commit")));
}

TEST_CASE("respond-async: damage is told by the outcome, never passed over as accepted") {
  Shop shop;
  const std::string path = shop.open_with_work();
  CHECK(shop.get("POST", path + "/commit", "", kAsync).status == 202);
  for (const char* name : {"orders", "stock"}) shop.vote_yes(name);
  CHECK(summary(shop.get("POST", path + "/commit", "", kAsync)) == "202 committing committed");
  shop.applied("orders", Application::heuristic);
  const auto answer = shop.ask("POST", path + "/commit", "", kAsync);
  shop.applied("stock");
  REQUIRE(answer->has_value());
  CHECK(summary(**answer) == "409 heuristic-outcome committed");
}

TEST_CASE("Prefer is read as RFC 7240 has it, and what is not known there says nothing") {
  const auto is_async = [](Headers headers) {
    Shop shop;
    return shop.ask("POST", "/v1/transactions", kTwoBranches, std::move(headers))->has_value();
  };
  for (const char* yes :
       {"respond-async", "Respond-Async", "wait=10, respond-async", "respond-async;foo=bar",
        " ,respond-async ,x", "a=\"\\\",\",respond-async"})
    CHECK(is_async({{"prefer", yes}}));
  CHECK(is_async({{"prefer", "wait=10"}, {"prefer", "respond-async"}}));
  for (const char* no : {"", "wait=10", "respond", "respond-asynchronously", "foo=respond-async",
                         "foo=\", respond-async\"", "foo; respond-async", ",,;=\"\\"})
    CHECK_FALSE(is_async({{"prefer", no}}));
}

}  // namespace assent
