// What happened to a transaction, and following what happens.
#include <boost/json.hpp>

#include "coordinator/api/problem_document.hpp"
#include "coordinator/timeline.hpp"
#include "protocol/runtime/http_stream.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/api/fake_engine.hpp"

namespace assent {
namespace {

const std::string kTwoBranches =
    R"({"branches":[{"participant":"orders","statements":[{"sql":"insert"}]},)"
    R"({"participant":"stock","statements":[{"sql":"update"}]}]})";
const FakeCoordinator::Headers kFollow = {{"accept", "text/event-stream"}};

std::string id_in(const HttpResponse& response) {
  return std::string(boost::json::parse(response.body).at("id").as_string());
}

// "begun, prepare_sent orders, voted orders yes ×2, …"
std::string told(const std::string& body) {
  std::string out;
  const boost::json::value document = boost::json::parse(body);
  for (const auto& event : document.at("events").as_array()) {
    const boost::json::object& fields = event.as_object();
    out += (out.empty() ? "" : ", ") + std::string(fields.at("kind").as_string());
    for (const char* key : {"participant", "detail"})
      if (const auto* value = fields.if_contains(key)) out += " " + std::string(value->as_string());
    if (const auto* times = fields.if_contains("times"))
      out += " x" + std::to_string(times->to_number<int>());
  }
  return out;
}

struct Shop : FakeCoordinator {
  Shop() {
    connect("orders");
    connect("stock");
  }
  std::string timeline(const std::string& id) {
    return told(get("GET", "/v1/transactions/" + id + "/events").body);
  }
};

}  // namespace

TEST_CASE("a commit's timeline tells every step in its order, and who was waited for") {
  Shop shop;
  const auto answer = shop.ask("POST", "/v1/transactions", kTwoBranches);
  shop.vote_yes("orders");
  shop.vote_yes("stock");
  shop.applied("orders");
  shop.post(LinkDown{"stock"});
  shop.connect("stock");
  shop.applied("stock");
  REQUIRE(answer->has_value());
  const std::string id = id_in(**answer);
  CHECK(shop.timeline(id) ==
        "begun, prepare_sent orders, prepare_sent stock, voted orders yes, voted stock yes, "
        "record_asked, decided committed, commit_sent orders, commit_sent stock x2, "
        "applied orders applied, disconnected stock, connected stock, ready stock, "
        "applied stock applied, ended, answered committed");
  const auto before = shop.get("GET", "/v1/transactions/" + id + "/events").body;
  shop.post(LinkDown{"orders"});
  CHECK(shop.get("GET", "/v1/transactions/" + id + "/events").body == before);
}

TEST_CASE("an abort is told once, as it is decided, before anyone is told") {
  Shop shop;
  const auto answer = shop.ask("POST", "/v1/transactions", kTwoBranches);
  shop.vote_yes("orders");
  Vote no;
  no.failure = failure_of(Problem::deadlock, "deadlock detected");
  shop.vote("stock", no);
  REQUIRE(answer->has_value());
  const std::string id =
      std::string(boost::json::parse((*answer)->body).at("transaction").as_string());
  CHECK(shop.timeline(id) ==
        "begun, prepare_sent orders, prepare_sent stock, voted orders yes, voted stock no, "
        "decided aborted, abort_sent orders, answered aborted");
}

TEST_CASE("a request that joins a transaction by its key tells nothing of its own") {
  Shop shop;
  const FakeCoordinator::Headers key = {{"idempotency-key", "pay-1"}};
  const auto first = shop.ask("POST", "/v1/transactions", kTwoBranches, key);
  const auto second = shop.ask("POST", "/v1/transactions", kTwoBranches, key);
  shop.vote_yes("orders");
  shop.vote_yes("stock");
  shop.applied("orders");
  shop.applied("stock");
  REQUIRE(second->has_value());
  CHECK(shop.timeline(id_in(**first)).find("answered committed x2") != std::string::npos);
  const auto all = told(shop.get("GET", "/v1/events?after=1-0").body);
  CHECK(all.find("begun", all.find("begun") + 1) == std::string::npos);
}

TEST_CASE("of a transaction that is not known the timeline says what its show says") {
  Shop shop;
  CHECK(shop.get("GET",
                 "/v1/transactions/" + to_string(make_uuid7(1'782'907'199'000, {})) + "/events")
            .status == 404);
  const std::string old = "/v1/transactions/01000000-0000-7000-8000-000000000000";
  const FakeCoordinator::Headers trace = {
      {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  const HttpResponse events = shop.get("GET", old + "/events", "", trace);
  CHECK(events.status == 410);
  CHECK(boost::json::parse(events.body).at("code") == "history-expired");
  CHECK(boost::json::parse(events.body).at("outcome") == "unknown");
  CHECK(events.body == shop.get("GET", old, "", trace).body);
  CHECK(shop.get("GET", "/v1/transactions/yesterday/events").status == 404);
}

TEST_CASE("a timeline names the trace that its transaction belongs to") {
  Shop shop;
  const auto trace_of = [&shop](const std::string& id) {
    const auto timeline =
        boost::json::parse(shop.get("GET", "/v1/transactions/" + id + "/events").body);
    return std::string(timeline.at("trace_id").as_string());
  };
  const FakeCoordinator::Headers trace = {
      {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  const std::string body = R"({"mode":"interactive"})";
  CHECK(trace_of(id_in(shop.get("POST", "/v1/transactions", body, trace))) ==
        "4bf92f3577b34da6a3ce929d0e0e4736");
  // Where none came, the one that was made is that of the problem as well.
  const auto refused = shop.ask("POST", "/v1/transactions", kTwoBranches);
  Vote no;
  no.verdict = Verdict::no;
  shop.vote("stock", no);
  REQUIRE(refused->has_value());
  const auto problem = boost::json::parse((*refused)->body);
  CHECK(problem.at("trace_id").as_string().size() == 32);
  CHECK(trace_of(std::string(problem.at("transaction").as_string())) ==
        problem.at("trace_id").as_string());
}

TEST_CASE("statements beyond the bound are counted, not kept; the outcome always is") {
  Shop shop;
  const std::string id =
      id_in(shop.get("POST", "/v1/transactions", R"({"mode":"interactive","timeout_ms":60000})"));
  const int many = static_cast<int>(Timeline::kEventsPerTransaction);
  for (int seq = 1; seq <= many; ++seq) {
    const auto answer = shop.ask("POST", "/v1/transactions/" + id + "/statements",
                                 R"({"participant":"orders","seq":)" + std::to_string(seq) +
                                     R"(,"statements":[{"sql":"select 1"}]})");
    shop.executed("orders", Results{});
    REQUIRE(answer->has_value());
  }
  shop.ask("POST", "/v1/transactions/" + id + "/rollback");
  const auto body = boost::json::parse(shop.get("GET", "/v1/transactions/" + id + "/events").body);
  const std::string kept = told(serialize(body));
  int statements = 0;
  for (auto at = kept.find("statements_"); at != kept.npos; at = kept.find("statements_", at + 1))
    ++statements;
  CHECK(body.at("omitted").to_number<int>() == 2 * many - statements);
  CHECK(statements < many);
  CHECK(kept.find("decided aborted") != std::string::npos);
}

TEST_CASE("following events: from a place on, and what was missed is said") {
  Shop shop;
  const HttpResponse now = shop.get("GET", "/v1/events", "", kFollow);
  CHECK(now.content_type == "text/event-stream");
  REQUIRE(now.stream != nullptr);
  int woken = 0;
  now.stream->on_more([&] { ++woken; });
  CHECK(now.stream->next() == "");
  shop.post(LinkDown{"stock"});
  CHECK(woken == 1);
  const std::string event = now.stream->next();
  CHECK(event.rfind("id: 1-", 0) == 0);
  CHECK(event.find("\nevent: disconnected\ndata: {\"at\":\"") != std::string::npos);
  CHECK(event.find("\"participant\":\"stock\"}\n\n") != std::string::npos);
  CHECK(now.stream->next() == "");

  const std::string id = event.substr(4, event.find('\n') - 4);
  const auto again = shop.get("GET", "/v1/events?after=" + id, "", kFollow);
  CHECK(again.stream->next() == "");
  // Of another epoch: everything this one has, and that something is missing.
  const auto old = shop.get("GET", "/v1/events", "",
                            {{"accept", "text/event-stream"}, {"last-event-id", "0-99"}});
  const std::string all = old.stream->next();
  CHECK(all.rfind("event: gap\n", 0) == 0);
  CHECK(all.find("event: started\n") != std::string::npos);
  CHECK(shop.get("GET", "/v1/events?after=yesterday").status == 400);
  CHECK(shop.get("GET", "/v1/events?after=").status == 400);
  // Whoever comes back repeats the query, and says in the header how far it got since.
  const auto next_after = [&shop](const std::string& query, const std::string& seen) {
    const auto page = shop.get("GET", "/v1/events?after=" + query, "", {{"last-event-id", seen}});
    return page.status == 200
               ? std::string(boost::json::parse(page.body).at("last_event_id").as_string())
               : std::to_string(page.status);
  };
  CHECK(next_after("1-0", "1-9999") == "1-9999");
  CHECK(next_after("1-0", "yesterday") == "400");
  CHECK(shop.get("GET", "/v1/events?since=1-1").status == 400);
}

TEST_CASE("a follower that is slower than the feed hears of the gap") {
  Shop shop;
  const HttpResponse slow = shop.get("GET", "/v1/events", "", kFollow);
  for (std::size_t i = 0; i <= Timeline::kFeed; ++i) shop.post(LinkDown{"stock"});
  CHECK(slow.stream->next().rfind("event: gap\n", 0) == 0);
  CHECK(slow.stream->next().find("gap") == std::string::npos);
}

TEST_CASE("one transaction's events can be followed alone") {
  Shop shop;
  const auto first = shop.ask("POST", "/v1/transactions", kTwoBranches);
  const auto other = shop.ask("POST", "/v1/transactions", kTwoBranches);
  shop.vote_yes("orders");
  const std::string id = to_string(shop.machine().transactions().begin()->first);
  const auto mine = shop.get("GET", "/v1/transactions/" + id + "/events", "", kFollow);
  const std::string text = mine.stream->next();
  CHECK(text.find("event: begun") != std::string::npos);
  CHECK(text.find("event: begun", text.find("event: begun") + 1) == std::string::npos);
  CHECK(text.find("event: connected") == std::string::npos);
}

}  // namespace assent
