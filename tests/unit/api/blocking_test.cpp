// GET /v1/blocking: what participants reported, with what the coordinator knows.
#include <boost/json.hpp>

#include "protocol/runtime/http_stream.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/api/fake_engine.hpp"

namespace assent {
namespace {

namespace json = boost::json;

json::value blocking_at(FakeCoordinator& coordinator) {
  const HttpResponse response = coordinator.get("GET", "/v1/blocking");
  CHECK(response.status == 200);
  return json::parse(response.body);
}

std::string report(const std::string& tx) {
  return R"({"available":true,"coordinator":{"linked":true},"waiting":{"all":2,"for_branches":2,)"
         R"("for_foreign":0},"roots":[{"kind":"branch","transaction":")" +
         tx +
         R"(","age_ms":5000,"waiting":2,"waiters":[],"knowledge":{"state":"in_doubt"},)"
         R"("frees":{"by":"decision","what":"?","then":"!"}}]})";
}

struct Shop : FakeCoordinator {
  Shop() {
    connect("orders");
    connect("stock");
  }
  std::string begin() {
    ask("POST", "/v1/transactions",
        R"({"timeout_ms":60000,"branches":[)"
        R"({"participant":"orders","statements":[{"sql":"insert"}]},)"
        R"({"participant":"stock","statements":[{"sql":"update"}]}]})",
        {{"content-type", "application/json"}});
    return to_string(machine().transactions().begin()->first);
  }
  json::value first_root() { return blocking_at(*this).at("databases").at(0).at("roots").at(0); }
};

}  // namespace

TEST_CASE("A participant that has not reported is not known to be quiet") {
  Shop shop;
  const json::value document = blocking_at(shop);
  CHECK(document.at("partial").as_bool());
  CHECK(document.at("sentence") == "No database answers: nothing is known of what waits.");
  CHECK(document.at("databases").at(0).at("not_answering_because") == "it has not reported yet");
}

TEST_CASE("A root waits for a vote, and the coordinator says whose and how long") {
  Shop shop;
  const std::string tx = shop.begin();
  shop.vote_yes("orders");
  CHECK(shop.blocking.received("orders", report(tx), shop.engine_now()));
  json::value root = shop.first_root();
  CHECK(root.at("frees").at("by") == "decision");
  CHECK(root.at("frees").at("what") ==
        "The vote of stock; at its deadline, in 60 s, it is aborted.");
  CHECK(root.at("frees").at("then") == "!");
  const json::value document = blocking_at(shop);
  CHECK(document.at("summary").at("transactions_in_doubt") == 1);
  CHECK(document.at("summary").at("sessions_held") == 2);
  CHECK(document.at("databases").at(1).at("answers") == false);
}

TEST_CASE(
    "An external branch waits for the application, and the coordinator says what is missing") {
  Shop shop;
  const json::value opened =
      json::parse(shop.get("POST", "/v1/transactions",
                           R"({"mode":"external","timeout_ms":60000,)"
                           R"("branches":[{"participant":"orders"},{"participant":"stock"}]})")
                      .body);
  const std::string tx(opened.at("id").as_string());
  CHECK(shop.blocking.received("orders", report(tx), shop.engine_now()));
  CHECK(shop.first_root().at("frees").at("what") ==
        "The application, which has yet to ask for the commit; at its deadline, in 60 s, it is "
        "aborted.");
  static_cast<void>(shop.ask("POST", "/v1/transactions/" + tx + "/commit"));
  Vote vote;
  vote.verdict = Verdict::yes;
  vote.xid = 700;
  vote.ask = 1;
  shop.vote("orders", vote);
  vote.verdict = Verdict::not_yet;
  shop.vote("stock", vote);
  CHECK(shop.first_root().at("frees").at("what") ==
        "The application: it has yet to prepare at stock, and to ask for the commit again; at its "
        "deadline, in 60 s, it is aborted.");
}

TEST_CASE("A decision on its way needs nothing more") {
  Shop shop;
  const std::string tx = shop.begin();
  shop.vote_yes("orders");
  shop.vote_yes("stock");
  CHECK(shop.blocking.received("orders", report(tx), shop.engine_now()));
  CHECK(shop.first_root().at("frees").at("what") ==
        "Nothing more: commit is decided, and on its way to this database.");
  CHECK(shop.first_root().at("frees").at("then") ==
        "It commits; its locks are released and those who wait go on.");
}

TEST_CASE("Who has lost his link is listed with his last report and its age") {
  Shop shop;
  CHECK(shop.blocking.received("orders", report("t"), shop.engine_now()));
  shop.post(LinkDown{"orders"});
  shop.advance(Duration(3000));
  const json::value entry = blocking_at(shop).at("databases").at(0);
  CHECK_FALSE(entry.at("answers").as_bool());
  CHECK(entry.at("not_answering_because") == "it has no link to the coordinator");
  CHECK(entry.at("age_ms") == 3000);
}

TEST_CASE("Who is linked and silent is not believed for long") {
  Shop shop;
  CHECK(shop.blocking.received("orders", report("t"), shop.engine_now()));
  CHECK(blocking_at(shop).at("databases").at(0).at("answers").as_bool());
  shop.advance(Duration(6000));
  CHECK(blocking_at(shop).at("databases").at(0).at("not_answering_because") ==
        "it has not reported for 6 s");
}

TEST_CASE("What was blocked is kept, and silence is a part of it") {
  Shop shop;
  CHECK(shop.blocking.received("orders", report("t"), shop.engine_now()));
  shop.advance(Duration(1000));
  shop.post(LinkDown{"orders"});
  shop.blocking.note_silence(shop.machine(), shop.engine_now());
  const HttpResponse response = shop.get("GET", "/v1/blocking/history");
  CHECK(response.status == 200);
  const json::value entry = json::parse(response.body).at("databases").at(0);
  CHECK(entry.at("participant") == "orders");
  const json::array& spans = entry.at("spans").as_array();
  REQUIRE(spans.size() == 2);
  CHECK(spans[0].at("waiting") == 2);
  CHECK(spans[0].at("in_doubt") == 1);
  CHECK_FALSE(spans[1].at("answers").as_bool());
}

TEST_CASE("What is blocked can be followed") {
  Shop shop;
  CHECK_FALSE(shop.blocking.is_followed());
  HttpResponse response = shop.get("GET", "/v1/blocking", "", {{"accept", "text/event-stream"}});
  CHECK(response.content_type == "text/event-stream");
  REQUIRE(response.stream);
  int woken = 0;
  response.stream->on_more([&] { ++woken; });
  CHECK(response.stream->next().starts_with("event: blocking\ndata: {\"sentence\""));
  CHECK(response.stream->next().empty());

  const std::string tx = shop.begin();
  CHECK(shop.blocking.received("orders", report(tx), shop.engine_now()));
  shop.blocking.publish(shop.machine(), shop.engine_now().steady);
  shop.blocking.publish(shop.machine(), shop.engine_now().steady);
  CHECK(woken == 2);
  CHECK(response.stream->next().find(tx) != std::string::npos);
  CHECK(response.stream->next().empty());  // who is slow misses what was in between
  response.stream.reset();
  CHECK_FALSE(shop.blocking.is_followed());
}

TEST_CASE("How many are blocked at a participant is not known while it is silent") {
  Shop shop;
  const auto blocked = [&] {
    return shop.blocking.blocked_at(shop.machine(), "orders", shop.engine_now().steady);
  };
  CHECK_FALSE(blocked());
  CHECK(shop.blocking.received("orders", report("t"), shop.engine_now()));
  CHECK(blocked() == 2);
  shop.advance(Duration(6000));
  CHECK_FALSE(blocked());
}

}  // namespace assent
