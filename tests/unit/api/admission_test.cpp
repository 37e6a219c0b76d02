// Who may do what over the API, and how much of it.
#include "coordinator/api/admission.hpp"

#include <map>
#include <set>

#include <boost/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_file.hpp"
#include "tests/unit/api/fake_engine.hpp"

namespace assent {
namespace {

const std::string kOpen = R"({"mode":"interactive"})";
const std::string kTransfer =
    R"({"branches":[{"participant":"orders","statements":[{"sql":"select 1"}]}]})";

std::string line(const std::string& role, const std::string& name, const std::string& more = "") {
  return role + " " + name + " sha256=" + to_hex(digest_of(name)) + more + "\n";
}

// Everybody's token is their name.
struct Guarded : test::TemporaryFile, FakeCoordinator {
  explicit Guarded(AdmissionLimits limits = {})
      : test::TemporaryFile(line("client", "shop") + line("client", "till") +
                            line("client", "small", " participants=stock") + line("viewer", "eye") +
                            line("operator", "ops") + line("participant", "orders")),
        FakeCoordinator(test::TemporaryFile::path(), limits) {
    connect("orders");
    connect("stock");
  }
  HttpResponse as(const std::string& caller, const std::string& method, const std::string& target,
                  const std::string& body = "", Headers headers = {}) {
    if (!caller.empty()) headers.emplace_back("authorization", "Bearer " + caller);
    return get(method, target, body, std::move(headers));
  }
  std::string open(const std::string& caller) {
    return std::string(boost::json::parse(as(caller, "POST", "/v1/transactions", kOpen).body)
                           .at("id")
                           .as_string());
  }
};

std::string header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

bool says(const HttpResponse& response, const std::string& text) {
  return response.body.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("every route is for the roles that the table gives it, and nobody else") {
  const std::set<std::string> see_all = {"eye", "ops"};
  const std::set<std::string> own = {"shop", "eye", "ops"};
  const std::map<std::string, std::set<std::string>> allowed = {
      {"POST /v1/transactions", {"shop"}},
      {"GET /v1/transactions", own},
      {"GET /v1/transactions/{id}", own},
      {"POST /v1/transactions/{id}/statements", {"shop"}},
      {"POST /v1/transactions/{id}/commit", {"shop"}},
      {"POST /v1/transactions/{id}/rollback", {"shop"}},
      {"POST /v1/transactions/{id}/resolve", {"ops"}},
      {"POST /v1/transactions/{id}/acknowledge", {"ops"}},
      {"GET /v1/transactions/{id}/events", own},
      {"GET /v1/events", see_all},
      {"GET /v1/blocking", see_all},
      {"GET /v1/blocking/history", see_all},
      {"GET /v1/overview", see_all},
      {"GET /v1/participants", see_all},
      {"GET /v1/participants/{name}", see_all},
      {"GET /v1/groups", own},
      {"GET /v1/errors", {"", "nobody", "shop", "eye", "ops", "orders"}},
      {"GET /v1/openapi.json", {"", "nobody", "shop", "eye", "ops", "orders"}},
      {"GET /v1/version", {"", "nobody", "shop", "eye", "ops", "orders"}},
  };
  Guarded guarded;
  for (const Api::RouteName& route : Api::routes()) {
    const std::string name = std::string(route.method) + " " + std::string(route.path);
    INFO(name);
    REQUIRE(allowed.contains(name));
    std::string path(route.path);
    // Known to nobody: who is let in gets 404, or 400 for the body that is missing.
    if (const auto at = path.find("{id}"); at != path.npos)
      path.replace(at, 4, "01890000-0000-7000-8000-000000000000");
    if (const auto at = path.find("{name}"); at != path.npos) path.replace(at, 6, "orders");
    for (const std::string caller : {"", "nobody", "shop", "eye", "ops", "orders"}) {
      INFO("as " << caller);
      const HttpResponse response = guarded.as(caller, std::string(route.method), path);
      const bool known = !caller.empty() && caller != "nobody";
      if (allowed.at(name).contains(caller)) {
        CHECK(response.status != 401);
        CHECK(response.status != 403);
      } else {
        CHECK(response.status == (known ? 403 : 401));
        CHECK(header(response, "WWW-Authenticate") ==
              (known ? "Bearer error=\"insufficient_scope\"" : "Bearer"));
        CHECK(says(response, known ? "permission-denied" : "unauthenticated"));
        CHECK_FALSE(says(response, "nobody"));
      }
    }
  }
}

TEST_CASE("an operator decides by the name of its token") {
  Guarded guarded;
  const HttpResponse done =
      guarded.as("ops", "POST", "/v1/transactions/" + guarded.open("shop") + "/resolve",
                 R"({"outcome":"aborted","reason":"it hangs"})");
  CHECK(done.status == 200);
  CHECK(says(done, "ops rolled it back: it hangs"));
}

TEST_CASE("a transaction is its beginner's: others cannot see, extend or end it") {
  Guarded guarded;
  const std::string id = guarded.open("shop");
  const std::string path = "/v1/transactions/" + id;
  const std::string statements =
      R"({"participant":"orders","seq":1,"statements":[{"sql":"select 1"}]})";
  CHECK(guarded.as("till", "GET", path).status == 403);
  CHECK(guarded.as("till", "GET", path + "/events").status == 403);
  CHECK(guarded.as("till", "POST", path + "/statements", statements).status == 403);
  CHECK(guarded.as("till", "POST", path + "/commit").status == 403);
  CHECK(guarded.as("till", "POST", path + "/rollback").status == 403);
  CHECK_FALSE(says(guarded.as("till", "GET", "/v1/transactions"), id));
  for (const char* const caller : {"shop", "eye", "ops"}) {
    CHECK(guarded.as(caller, "GET", path).status == 200);
    CHECK(guarded.as(caller, "GET", path + "/events").status == 200);
    CHECK(says(guarded.as(caller, "GET", "/v1/transactions"), id));
  }
  CHECK(says(guarded.as("ops", "GET", path), R"("assent.caller":"shop")"));
  CHECK(guarded.as("shop", "POST", path + "/rollback").status == 200);
}

TEST_CASE("nobody can write another's name on a transaction") {
  Guarded guarded;
  const std::string forged = R"({"mode":"interactive","labels":{"assent.caller":"till"}})";
  const HttpResponse refused = guarded.as("shop", "POST", "/v1/transactions", forged);
  CHECK(refused.status == 400);
  CHECK(says(refused, "labels beginning with assent. are Assent's own"));
  const HttpResponse mine = guarded.as("shop", "POST", "/v1/transactions",
                                       R"({"mode":"interactive","labels":{"app":"web"}})");
  CHECK(says(mine, R"("labels":{"assent.caller":"shop","app":"web"})"));
}

TEST_CASE("a client uses its participants only, in one request and one after the other") {
  Guarded guarded;
  CHECK(guarded.as("small", "POST", "/v1/transactions", kTransfer).status == 403);
  const std::string path = "/v1/transactions/" + guarded.open("small") + "/statements";
  const HttpResponse refused =
      guarded.as("small", "POST", path,
                 R"({"participant":"orders","seq":1,"statements":[{"sql":"select 1"}]})");
  CHECK(refused.status == 403);
  CHECK(says(refused, "orders"));
}

TEST_CASE("the same Idempotency-Key of another caller is another key") {
  Guarded guarded;
  const auto begin = [&](const std::string& caller) {
    return boost::json::parse(guarded
                                  .as(caller, "POST", "/v1/transactions", kOpen,
                                      {{"idempotency-key", "order-7781"}})
                                  .body)
        .at("id");
  };
  const auto first = begin("shop");
  CHECK(begin("shop") == first);
  CHECK(begin("till") != first);
}

TEST_CASE("a caller beyond its requests a second is told to wait; others are not") {
  Guarded guarded({.requests_per_second = 3, .transactions = 0});
  for (int i = 0; i < 3; ++i) CHECK(guarded.as("shop", "GET", "/v1/transactions").status == 200);
  const HttpResponse refused = guarded.as("shop", "GET", "/v1/transactions");
  CHECK(refused.status == 429);
  CHECK(header(refused, "Retry-After") == "1");
  CHECK(says(refused, "limits.requests_per_second"));
  CHECK(guarded.as("till", "GET", "/v1/transactions").status == 200);
  CHECK(guarded.as("", "GET", "/v1/version").status == 200);
  guarded.advance(Duration(1000));
  for (int i = 0; i < 3; ++i) CHECK(guarded.as("shop", "GET", "/v1/transactions").status == 200);
  CHECK(guarded.as("shop", "GET", "/v1/transactions").status == 429);
}

TEST_CASE("a caller has so many unfinished transactions and no more; ended ones make room") {
  Guarded guarded({.requests_per_second = 0, .transactions = 2});
  const std::string first = guarded.open("shop");
  guarded.open("shop");
  const HttpResponse refused = guarded.as("shop", "POST", "/v1/transactions", kOpen);
  CHECK(refused.status == 429);
  CHECK(header(refused, "Retry-After") == "1");
  CHECK(says(refused, "limits.transactions_per_caller"));
  guarded.open("till");
  CHECK(guarded.as("shop", "POST", "/v1/transactions/" + first + "/rollback").status == 200);
  guarded.open("shop");
  CHECK(guarded.as("shop", "POST", "/v1/transactions", kOpen).status == 429);
}

}  // namespace assent
