// The API from request to answer, over the real machine.
#include <boost/json.hpp>

#include "coordinator/api/problem_document.hpp"
#include "protocol/assent.pb.h"
#include "tests/support/catch.hpp"
#include "tests/unit/api/fake_engine.hpp"

namespace assent {
namespace {

const std::string kTwoBranches =
    R"({"branches":[{"participant":"orders","statements":[{"sql":"insert"}]},)"
    R"({"participant":"stock","statements":[{"sql":"update"}]}]})";

boost::json::object json(const HttpResponse& response) {
  return boost::json::parse(response.body).as_object();
}

std::string text(const HttpResponse& response, const char* key) {
  const boost::json::object object = json(response);
  const auto* value = object.if_contains(key);
  return value == nullptr || !value->is_string() ? "" : std::string(value->as_string());
}

std::string header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

// "409 deadlock aborted"
std::string problem(const HttpResponse& response) {
  CHECK(response.content_type == "application/problem+json");
  return std::to_string(response.status) + " " + text(response, "code") + " " +
         text(response, "outcome");
}

std::string branch_states(const HttpResponse& response) {
  std::string out;
  const boost::json::object object = json(response);
  for (const auto& branch : object.at("branches").as_array())
    out += std::string(branch.at("participant").as_string()) + "=" +
           std::string(branch.at("state").as_string()) + " ";
  return out;
}

Results one_row() {
  wire::Results results;
  wire::StatementResult& result = *results.add_statements();
  result.set_command("SELECT");
  result.add_columns()->set_type("int4");
  result.add_cells()->set_text("42");
  return {results.SerializeAsString()};
}

Vote no(Problem why, const std::string& message) {
  Vote vote;
  vote.verdict = Verdict::no;
  vote.failure = failure_of(why, message);
  return vote;
}

struct Shop : FakeCoordinator {
  Shop() {
    connect("orders");
    connect("stock");
  }
  std::string open() {
    return text(get("POST", "/v1/transactions", R"({"mode":"interactive"})"), "id");
  }
};

}  // namespace

TEST_CASE("a one-shot transaction is answered when it is applied everywhere") {
  Shop shop;
  const auto answer = shop.ask("POST", "/v1/transactions", kTwoBranches);
  shop.vote_yes("orders", one_row());
  CHECK_FALSE(answer->has_value());
  shop.vote_yes("stock");
  shop.applied("orders");
  CHECK_FALSE(answer->has_value());
  shop.applied("stock");
  REQUIRE(answer->has_value());
  const HttpResponse& response = **answer;
  CHECK(response.status == 201);
  CHECK(response.content_type == "application/json");
  CHECK(text(response, "state") == "committed");
  CHECK(header(response, "Location") == "/v1/transactions/" + text(response, "id"));
  CHECK(branch_states(response) == "orders=applied stock=applied ");
  CHECK(response.body.find(R"("rows":[[42]])") != std::string::npos);
}

TEST_CASE("a commit that is not applied everywhere in time is 202, and names who is pending") {
  Shop shop;
  const auto answer = shop.ask("POST", "/v1/transactions", kTwoBranches);
  shop.vote_yes("orders");
  shop.vote_yes("stock");
  shop.applied("orders");
  for (int i = 0; i < 10 && !answer->has_value(); ++i) shop.advance(Duration(2000));
  REQUIRE(answer->has_value());
  CHECK((*answer)->status == 202);
  CHECK(text(**answer, "outcome") == "committed");
  CHECK(branch_states(**answer) == "orders=applied stock=pending ");
}

TEST_CASE("wait_for decided is answered before anyone has applied") {
  Shop shop;
  std::string body = kTwoBranches;
  const auto answer =
      shop.ask("POST", "/v1/transactions", body.insert(1, R"("wait_for":"decided",)"));
  shop.vote_yes("orders");
  shop.vote_yes("stock");
  REQUIRE(answer->has_value());
  CHECK((*answer)->status == 202);
}

TEST_CASE("a transaction that is not committed is never 2xx") {
  Shop shop;
  auto answer = shop.ask("POST", "/v1/transactions", kTwoBranches);
  Vote vote = no(Problem::deadlock, "deadlock detected");
  vote.failure->participant = "stock";
  vote.failure->sqlstate = "40P01";
  shop.vote("stock", vote);
  REQUIRE(answer->has_value());
  CHECK(problem(**answer) == "409 deadlock aborted");
  CHECK(text(**answer, "detail") == "deadlock detected");
  CHECK(json(**answer).at("branch").at("sqlstate").as_string() == "40P01");
  CHECK(header(**answer, "Location") == "/v1/transactions/" + text(**answer, "transaction"));

  answer = shop.ask("POST", "/v1/transactions", kTwoBranches);
  shop.advance(Duration(30'000));
  REQUIRE(answer->has_value());
  CHECK(problem(**answer) == "409 deadline-exceeded aborted");
}

TEST_CASE("a branch resolved by hand against the decision is a 409, whatever else is well") {
  Shop shop;
  const auto answer = shop.ask("POST", "/v1/transactions", kTwoBranches);
  shop.vote_yes("orders");
  shop.vote_yes("stock");
  shop.applied("orders", Application::heuristic);
  shop.applied("stock");
  REQUIRE(answer->has_value());
  CHECK(problem(**answer) == "409 heuristic-outcome committed");
  CHECK(text(**answer, "detail") ==
        "The transaction is committed, but orders ended the other way, by hand");
  CHECK(branch_states(**answer) == "orders=heuristic stock=applied ");
  const HttpResponse shown = shop.get("GET", header(**answer, "Location"));
  CHECK(json(shown).at("damaged").as_bool());
}

TEST_CASE("a request that cannot begin leaves no transaction") {
  Shop shop;
  shop.post(LinkDown{"stock"});
  HttpResponse response = shop.get("POST", "/v1/transactions", kTwoBranches);
  CHECK(problem(response) == "503 participant-unavailable aborted");
  CHECK(header(response, "Retry-After") == "1");
  CHECK(text(response, "transaction").empty());
  CHECK(header(response, "Location").empty());
  CHECK(problem(shop.get("POST", "/v1/transactions",
                         R"({"branches":[{"participant":"x","statements":[{"sql":"s"}]}]})")) ==
        "400 participant-unknown none");
  response = shop.get("POST", "/v1/transactions", R"({"branch":[]})");
  CHECK(problem(response) == "400 invalid-request none");
  CHECK(text(response, "detail") == "branch: unknown field; did you mean branches?");
  CHECK(shop.machine().transactions().empty());
  shop.post(Drain{});
  CHECK(problem(shop.get("POST", "/v1/transactions", kTwoBranches)) == "503 draining none");
}

TEST_CASE("a repeated Idempotency-Key joins the transaction") {
  Shop shop;
  const FakeCoordinator::Headers key = {{"idempotency-key", "order-7781"}};
  const auto first = shop.ask("POST", "/v1/transactions", kTwoBranches, key);
  const auto second =
      shop.ask("POST", "/v1/transactions", kTwoBranches, {{"idempotency-key", "\"order-7781\""}});
  CHECK(problem(shop.get("POST", "/v1/transactions", kTwoBranches + " ", key)) ==
        "422 idempotency-key-reused none");
  shop.vote_yes("orders");
  shop.vote_yes("stock");
  shop.applied("orders");
  shop.applied("stock");
  REQUIRE((first->has_value() && second->has_value()));
  CHECK((*first)->status == 201);
  CHECK((*first)->body == (*second)->body);
  CHECK(shop.get("POST", "/v1/transactions", kTwoBranches, key).body == (*first)->body);
  CHECK(shop.machine().transactions().size() == 1);
  const HttpResponse bad =
      shop.get("POST", "/v1/transactions", kTwoBranches, {{"idempotency-key", ""}});
  CHECK(problem(bad) == "400 invalid-request none");
  CHECK(text(bad, "detail") == "Idempotency-Key: must be 1 to 255 printable ASCII characters");
}

TEST_CASE("an interactive transaction runs statements and commits") {
  Shop shop;
  const HttpResponse opened = shop.get("POST", "/v1/transactions", R"({"mode":"interactive"})");
  CHECK(opened.status == 201);
  CHECK(text(opened, "state") == "open");
  CHECK(json(opened).at("next_seq").as_int64() == 1);
  CHECK(text(opened, "expires_at") == "2026-07-01T12:00:30.000Z");
  const std::string path = header(opened, "Location");
  const std::string first = R"({"participant":"orders","seq":1,"statements":[{"sql":"select"}]})";

  const auto answer = shop.ask("POST", path + "/statements", first);
  const auto same = shop.ask("POST", path + "/statements", first);
  CHECK_FALSE(answer->has_value());
  CHECK(problem(shop.get("POST", path + "/commit")) == "409 sequence-gap unknown");
  shop.executed("orders", one_row());
  REQUIRE((answer->has_value() && same->has_value()));
  CHECK((*answer)->status == 200);
  CHECK(json(**answer).at("seq").as_int64() == 1);
  CHECK(json(**answer).at("next_seq").as_int64() == 2);
  CHECK((*answer)->body.find(R"("rows":[[42]])") != std::string::npos);
  CHECK((*same)->body == (*answer)->body);
  CHECK(shop.get("POST", path + "/statements", first).body == (*answer)->body);

  const HttpResponse gap =
      shop.get("POST", path + "/statements",
               R"({"participant":"orders","seq":3,"statements":[{"sql":"select"}]})");
  CHECK(problem(gap) == "409 sequence-gap unknown");

  const auto committed = shop.ask("POST", path + "/commit");
  shop.vote_yes("orders");
  shop.applied("orders");
  REQUIRE(committed->has_value());
  CHECK((*committed)->status == 200);
  CHECK(text(**committed, "state") == "committed");
  CHECK(shop.get("POST", path + "/commit", "{}").body == (*committed)->body);
  CHECK(problem(shop.get("POST", path + "/rollback")) == "409 already-committed committed");
}

TEST_CASE("an external transaction tells what to prepare, and names what is missing") {
  Shop shop;
  const HttpResponse opened = shop.get(
      "POST", "/v1/transactions",
      R"({"mode":"external","branches":[{"participant":"orders"},{"participant":"stock"}]})");
  CHECK(opened.status == 201);
  CHECK(text(opened, "state") == "open");
  CHECK(text(opened, "mode") == "external");
  CHECK(json(opened).if_contains("next_seq") == nullptr);
  CHECK(text(opened, "expires_at") == "2026-07-01T12:00:30.000Z");
  const boost::json::object begun = json(opened);
  const auto& branch = begun.at("branches").at(1).as_object();
  const std::string gid(branch.at("gid").as_string());
  CHECK(parse_gid(gid)->participant == "stock");
  CHECK(to_string(parse_gid(gid)->tx) == text(opened, "id"));
  CHECK(branch.at("prepare").at(0) == "SET CONSTRAINTS ALL IMMEDIATE");
  CHECK(branch.at("prepare").at(1) == "SET LOCAL ROLE assent_branch");
  CHECK(branch.at("prepare").at(2).as_string() == "PREPARE TRANSACTION '" + gid + "'");
  const std::string path = header(opened, "Location");

  const HttpResponse statements =
      shop.get("POST", path + "/statements",
               R"({"participant":"orders","seq":1,"statements":[{"sql":"select"}]})");
  CHECK(problem(statements) == "400 invalid-request unknown");

  const auto early = shop.ask("POST", path + "/commit");
  Vote yes;
  yes.verdict = Verdict::yes;
  yes.xid = 700;
  yes.ask = 1;
  Vote not_yet = no(Problem::branch_not_prepared, "Nothing is prepared under its gid.");
  not_yet.verdict = Verdict::not_yet;
  not_yet.ask = 1;
  shop.vote("orders", yes);
  CHECK_FALSE(early->has_value());
  shop.vote("stock", not_yet);
  REQUIRE(early->has_value());
  CHECK(problem(**early) == "409 branch-not-prepared none");
  CHECK(text(**early, "detail").find("stock: Nothing is prepared") != std::string::npos);
  CHECK(branch_states(**early) == "orders=prepared stock=not_prepared ");
  CHECK(text(shop.get("GET", path), "state") == "open");

  const auto committed = shop.ask("POST", path + "/commit");
  yes.ask = 2;
  shop.vote("orders", yes);
  shop.vote("stock", yes);
  shop.applied("orders");
  shop.applied("stock");
  REQUIRE(committed->has_value());
  CHECK((*committed)->status == 200);
  CHECK((*committed)->body.find("PREPARE TRANSACTION") == std::string::npos);
}

TEST_CASE("a failed statement ends the interactive transaction, and later requests hear so") {
  Shop shop;
  const std::string path = "/v1/transactions/" + shop.open();
  const std::string body = R"({"participant":"stock","seq":1,"statements":[{"sql":"s"}]})";
  const auto answer = shop.ask("POST", path + "/statements", body);
  shop.executed("stock", failure_of(Problem::lock_timeout, "canceled"));
  REQUIRE(answer->has_value());
  CHECK(problem(**answer) == "409 lock-timeout aborted");
  CHECK(problem(shop.get("POST", path + "/statements", body)) == "410 session-lost aborted");
  CHECK(problem(shop.get("POST", path + "/commit")) == "409 lock-timeout aborted");
}

TEST_CASE("rollback is 200 when it was asked for, again and again") {
  Shop shop;
  const std::string path = "/v1/transactions/" + shop.open();
  for (int i = 0; i < 2; ++i) {
    const HttpResponse response = shop.get("POST", path + "/rollback");
    CHECK(response.status == 200);
    CHECK(text(response, "outcome") == "aborted");
  }
  CHECK(problem(shop.get("POST", path + "/commit")) == "409 rolled-back aborted");
}

TEST_CASE("unknown transactions are 404, with what can be said of them") {
  Shop shop;
  const std::string unknown = "/v1/transactions/" + to_string(make_uuid7(1'782'907'100'000, {}));
  const HttpResponse response = shop.get("GET", unknown);
  const TxId id{make_uuid7(1'782'907'100'000, {})};
  const Now now{Instant(std::chrono::hours(1)), 1'782'907'200'000};
  CHECK(problem(response) == "404 transaction-not-found " +
                                 std::string(to_string(shop.machine().fate_of_unknown(id, now))));
  for (const char* verb : {"/commit", "/rollback"})
    CHECK(shop.get("POST", unknown + verb).status == 404);
  CHECK(shop.get("POST", unknown + "/statements",
                 R"({"participant":"stock","seq":1,"statements":[{"sql":"s"}]})")
            .status == 404);
  CHECK(problem(shop.get("GET", "/v1/transactions/7")) == "404 transaction-not-found none");
  CHECK(problem(shop.get("POST", "/v1/transactions/7/commit")) == "404 transaction-not-found none");
}

TEST_CASE("a transaction older than what is remembered is gone, not unheard of") {
  Shop shop;
  const auto answer = shop.ask("POST", "/v1/transactions", kTwoBranches);
  for (const char* name : {"orders", "stock"}) shop.vote_yes(name);
  for (const char* name : {"orders", "stock"}) shop.applied(name);
  REQUIRE(answer->has_value());
  const std::string path = header(**answer, "Location");
  CHECK(shop.get("GET", path).status == 200);
  shop.advance(CoordinatorLimits{}.finished_kept_for + Duration(1000));
  CHECK(problem(shop.get("GET", path)) == "410 history-expired unknown");
  CHECK(problem(shop.get("POST", path + "/commit")) == "410 history-expired unknown");
  CHECK(problem(shop.get("POST", path + "/rollback")) == "410 history-expired unknown");
  CHECK(text(shop.get("GET", path), "retry") == "never");
}

TEST_CASE("a transaction is shown with an ETag that changes when it does") {
  Shop shop;
  const auto answer = shop.ask("POST", "/v1/transactions", kTwoBranches);
  const std::string path =
      "/v1/transactions/" + to_string(shop.machine().transactions().begin()->first);
  const HttpResponse shown = shop.get("GET", path);
  CHECK(shown.status == 200);
  CHECK(text(shown, "state") == "preparing");
  const std::string etag = header(shown, "ETag");
  CHECK(etag.size() == 34);
  const FakeCoordinator::Headers same = {{"if-none-match", "\"x\", " + etag}};
  CHECK(shop.get("GET", path, "", same).status == 304);
  CHECK(shop.get("GET", path, "", same).body.empty());
  shop.vote_yes("orders");
  CHECK(shop.get("GET", path, "", same).status == 200);
}

TEST_CASE("transactions are listed by page, state, participant and age") {
  Shop shop;
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(shop.open());
    shop.advance(Duration(1000));
  }
  shop.get("POST", "/v1/transactions/" + ids[0] + "/rollback");
  const auto one_shot = shop.ask("POST", "/v1/transactions", kTwoBranches);
  shop.vote_yes("stock");
  const std::string doubtful = to_string(shop.machine().transactions().rbegin()->first);
  const auto listed = [&](const std::string& query) {
    const HttpResponse response = shop.get("GET", "/v1/transactions" + query);
    CHECK(response.status == 200);
    std::vector<std::string> out;
    const boost::json::object page = json(response);
    for (const auto& tx : page.at("transactions").as_array())
      out.emplace_back(tx.at("id").as_string());
    if (const std::string next = text(response, "next_page_token"); !next.empty())
      out.push_back("next " + next);
    return out;
  };
  using Ids = std::vector<std::string>;
  CHECK(listed("") == Ids{doubtful, ids[2], ids[1], ids[0]});
  CHECK(listed("?state=open") == Ids{ids[2], ids[1]});
  CHECK(listed("?state=in_doubt") == Ids{doubtful});
  CHECK(listed("?participant=orders") == Ids{doubtful});
  CHECK(listed("?older_than=2s") == Ids{ids[1], ids[0]});
  CHECK(listed("?limit=2") == Ids{doubtful, ids[2], "next " + ids[2]});
  CHECK(listed("?limit=2&page_token=" + ids[2]) == Ids{ids[1], ids[0]});
  CHECK(problem(shop.get("GET", "/v1/transactions?colour=red")) == "400 invalid-request none");
}

TEST_CASE("participants, errors and version are shown") {
  Shop shop;
  shop.post(LinkDown{"stock"});
  const boost::json::object all = json(shop.get("GET", "/v1/participants"));
  REQUIRE(all.at("participants").as_array().size() == 2);
  CHECK(all.at("participants").at(0).at("state").as_string() == "ready");
  CHECK(all.at("participants").at(1).at("state").as_string() == "away");
  CHECK(json(shop.get("GET", "/v1/participants/orders")).at("prepared").as_array().empty());
  CHECK(problem(shop.get("GET", "/v1/participants/x")) == "404 participant-unknown none");
  CHECK(shop.get("GET", "/v1/errors").body == render_catalogue());
  const HttpResponse version = shop.get("GET", "/v1/version");
  CHECK(text(version, "api") == "v1");
  CHECK(text(version, "ledger") == to_string(shop.machine().ledger()));
  CHECK(json(version).at("epoch").as_int64() == 1);
  CHECK_FALSE(text(version, "standing").empty());
}

TEST_CASE("the overview counts what there is and what was done") {
  Shop shop;
  const boost::json::object overview = json(shop.get("GET", "/v1/overview"));
  CHECK(overview.at("ledger").as_string() == to_string(shop.machine().ledger()));
  CHECK(overview.at("since_start").at("committed").as_int64() == 7);
  CHECK(overview.at("since_start").at("answer_us").as_int64() == 250'000);
  CHECK(overview.at("transactions").at("committing").as_int64() == 0);
  CHECK(overview.at("participants").as_array().size() == shop.machine().members().size());
  CHECK(overview.at("participants").at(0).at("state").as_string() == "ready");
  CHECK(problem(shop.get("GET", "/v1/overview?x=1")) == "400 invalid-request none");
}

TEST_CASE("what no route takes is refused by name") {
  Shop shop;
  HttpResponse response = shop.get("GET", "/v1/transaction");
  CHECK(problem(response) == "404 path-not-found none");
  CHECK(text(response, "detail") ==
        "There is nothing at /v1/transaction; did you mean /v1/transactions?");
  CHECK(text(shop.get("GET", "/"), "detail") == "There is nothing at /");
  CHECK(text(shop.get("GET", "/\xff"), "detail") == "There is nothing at /\xEF\xBF\xBD");
  CHECK(shop.get("GET", "/v1/transactions/").status == 404);
  CHECK(shop.get("POST", "/v1/transactions//commit").status == 404);

  response = shop.get("DELETE", "/v1/transactions");
  CHECK(problem(response) == "405 method-not-allowed none");
  CHECK(header(response, "Allow") == "POST, GET");
  CHECK(header(shop.get("GET", "/v1/transactions/7/commit"), "Allow") == "POST");

  const std::string path = "/v1/transactions/" + shop.open();
  CHECK(text(shop.get("GET", path + "/events?wait=1s"), "detail") ==
        "wait: unknown query parameter; none is taken here");
}

TEST_CASE("a body must be said to be JSON") {
  Shop shop;
  FakeCoordinator::Headers type = {{"content-type", ""}};
  const auto status = [&](const std::string& value) {
    type[0].second = value;
    return shop.get("POST", "/v1/transactions", R"({"mode":"interactive"})", type).status;
  };
  CHECK(status("application/json") == 201);
  CHECK(status("Application/JSON; charset=utf-8") == 201);
  CHECK(status("application/json ;x") == 201);
  for (const char* other : {"", "text/plain", "application/x-www-form-urlencoded",
                            "application/jsonx", "application/json x"})
    CHECK(status(other) == 415);
  CHECK(problem(shop.get("POST", "/v1/transactions", "{}", {{"content-type", "text/plain"}})) ==
        "415 unsupported-media-type none");
}

TEST_CASE("a problem carries the trace id of its request") {
  Shop shop;
  const FakeCoordinator::Headers trace = {
      {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
  CHECK(text(shop.get("GET", "/v1/x", "", trace), "trace_id") == id);
  CHECK(text(shop.get("POST", "/v1/transactions", "{}", trace), "trace_id") == id);
  CHECK(text(shop.get("DELETE", "/v1/transactions", "", trace), "trace_id") == id);
  CHECK(text(shop.get("GET", "/v1/transactions/" + to_string(Uuid{}), "", trace), "trace_id") ==
        id);
  shop.post(Drain{});
  CHECK(text(shop.get("POST", "/v1/transactions", kTwoBranches, trace), "trace_id") == id);
}

}  // namespace assent
