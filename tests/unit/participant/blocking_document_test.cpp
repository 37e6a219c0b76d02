// One document and one sentence, out of what databases report.
#include "protocol/runtime/blocking_document.hpp"

#include <boost/json.hpp>

#include "coordinator/blocking.hpp"
#include "protocol/runtime/blocking_history.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
namespace json = boost::json;

namespace {

BlockingSummary away(std::int64_t seconds) {
  BlockingSummary summary;
  summary.answering = 2;
  summary.away_ms = seconds * 1000;
  return summary;
}

json::object branch(const std::string& tx, const std::string& state, std::int64_t age_ms,
                    int waiting, const std::string& by = "coordinator") {
  return {{"kind", "branch"},
          {"transaction", tx},
          {"age_ms", age_ms},
          {"waiting", waiting},
          {"knowledge", {{"state", state}}},
          {"frees", {{"by", by}, {"what", "?"}}}};
}

BlockingPart part(const std::string& name, std::vector<json::object> roots, bool linked,
                  int waiting = 0) {
  json::array list;
  for (json::object& root : roots) list.push_back(std::move(root));
  const json::object report{
      {"participant", name},
      {"available", true},
      {"coordinator", {{"linked", linked}, {"away_ms", 42'000}}},
      {"waiting", {{"all", waiting}, {"for_branches", waiting}, {"for_foreign", 0}}},
      {"roots", std::move(list)}};
  return {name, json::serialize(report), std::chrono::milliseconds(100), {}};
}

std::string sentence(const std::vector<BlockingPart>& parts, const BlockingView& view = {}) {
  return std::string(json::parse(join_blocking(parts, view)).at("sentence").as_string());
}

}  // namespace

TEST_CASE("The sentence, where the coordinator is away") {
  BlockingSummary summary = away(42);
  CHECK(to_sentence(summary) ==
        "Coordinator away for 42 s: nothing is in doubt and no session waits. No new transaction "
        "can run until it returns.");
  summary.in_doubt = 3;
  summary.databases = 2;
  summary.held_in = 2;
  summary.held = summary.waiting = 17;
  CHECK(to_sentence(summary) ==
        "Coordinator away for 42 s: 3 transactions in doubt hold 17 sessions in 2 databases. "
        "Nothing is lost; they finish when it returns.");
  summary.in_doubt = 1;
  summary.held = summary.waiting = 0;
  summary.databases = 1;
  CHECK(to_sentence(summary) ==
        "Coordinator away for 42 s: 1 transaction in doubt in 1 database; no session waits for it. "
        "Nothing is lost; it finishes when it returns.");
  summary.need_operator = 1;
  CHECK(to_sentence(summary) ==
        "Coordinator away for 42 s: 1 transaction in doubt in 1 database; no session waits for it. "
        "It needs an operator.");
}

TEST_CASE("The sentence, where the coordinator is here") {
  BlockingSummary summary;
  summary.answering = 1;
  CHECK(to_sentence(summary) == "Nothing is in doubt and no session waits.");
  summary.waiting = 1;
  CHECK(to_sentence(summary) ==
        "No transaction is in doubt. 1 session waits for other sessions, not for a prepared "
        "transaction.");
  summary.foreign = 1;
  summary.held_by_foreign = 1;
  CHECK(to_sentence(summary) ==
        "No transaction is in doubt. 1 transaction prepared by other software holds 1 session; "
        "Assent never ends it.");
  summary = {};
  summary.answering = 1;
  summary.in_doubt = 1;
  summary.applying = 1;
  summary.databases = 3;
  summary.held_in = 1;
  summary.held = summary.waiting = 2;
  summary.oldest_ms = 12'000;
  summary.silent = {"stock"};
  CHECK(to_sentence(summary) ==
        "1 transaction in doubt and 1 decided transaction not applied yet hold 2 sessions in 1 "
        "database. Nothing is lost; the oldest has waited for 12 s. Not answering: stock; what "
        "waits there is not known.");
}

TEST_CASE("Nothing known is not nothing") {
  BlockingSummary summary;
  summary.silent = {"orders"};
  CHECK(to_sentence(summary) == "No database answers: nothing is known of what waits.");
  summary.answering = 1;
  CHECK(to_sentence(summary) ==
        "Nothing is in doubt and no session waits in the databases that answer. Not answering: "
        "orders; what waits there is not known.");
}

TEST_CASE("A transaction in two databases is one; a branch at work is not in doubt") {
  const std::vector<BlockingPart> parts = {
      part("orders", {branch("t1", "in_doubt", 5000, 2), branch("t2", "in_doubt", 5000, 0)}, false,
           2),
      part("stock", {branch("t1", "in_doubt", 5000, 1), branch("t3", "applying", 10, 0)}, false,
           1)};
  const BlockingSummary summary = summarise(parts);
  CHECK(summary.in_doubt == 2);
  CHECK(summary.applying == 0);
  CHECK(summary.in_flight == 1);
  CHECK(summary.databases == 2);
  CHECK(summary.held == 3);
  CHECK(summary.away_ms == 42'000);
  CHECK(sentence(parts) ==
        "Coordinator away for 42 s: 2 transactions in doubt hold 3 sessions in 2 databases. "
        "Nothing is lost; they finish when it returns.");
  // Young, nobody waits, the coordinator is here: two-phase commit at work.
  CHECK(sentence({part("orders", {branch("t1", "in_doubt", 10, 0)}, true)}) ==
        "Nothing is in doubt and no session waits.");
}

TEST_CASE("One participant without a link does not make the coordinator away") {
  CHECK(sentence({part("orders", {}, true), part("stock", {}, false)}) ==
        "Nothing is in doubt and no session waits. Without a link to the coordinator: stock.");
}

TEST_CASE("The coordinator's ruling replaces what a participant cannot know") {
  BlockingView view;
  view.at_coordinator = true;
  view.rulings["t1"] = {"participant", "The return of stock", {}, {"orders", "stock"}};
  const std::vector<BlockingPart> parts = {
      part("orders",
           {branch("t1", "in_doubt", 5000, 0), branch("t2", "denied", 5000, 0, "operator")}, true)};
  const json::value document = json::parse(join_blocking(parts, view));
  const json::array& roots = document.at("databases").at(0).at("roots").as_array();
  CHECK(roots[0].at("frees").at("by") == "participant");
  CHECK(roots[0].at("frees").at("what") == "The return of stock");
  CHECK(roots[0].at("peers") == json::value({"orders", "stock"}));
  CHECK(roots[1].at("frees").at("by") == "operator");
  CHECK(document.at("summary").at("transactions_needing_operator") == 1);
}

namespace {

// A session that works for `tx` and waits for the row behind `root`.
json::object with_work(json::object root, const std::string& tx) {
  json::object waiter{{"pid", 77}, {"level", 1}, {"works_for", tx}, {"waiting_ms", 4000}};
  waiter["waits_for"] = {{"what", "transaction 733"},
                         {"row", {{"relation", "public.account"}, {"key", {{"id", "1"}}}}}};
  root["waiters"] = json::array{std::move(waiter)};
  return root;
}

json::value root_in(const std::vector<BlockingPart>& parts, std::size_t database) {
  return json::parse(join_blocking(parts)).at("databases").at(database).at("roots").at(0);
}

}  // namespace

TEST_CASE("A branch whose peer's work waits in another database says where, and behind whom") {
  const json::object session{{"kind", "session"},
                             {"pid", 456},
                             {"application", "batch-report"},
                             {"waiting", 1},
                             {"frees", {{"by", "session"}, {"what", "its end"}}}};
  std::vector<BlockingPart> parts = {part("orders", {branch("t1", "in_doubt", 5000, 0)}, true),
                                     part("stock", {with_work(session, "t1")}, true)};
  const json::value root = root_in(parts, 0);
  CHECK(root.at("frees").at("what") ==
        "? Its work at stock waits for row id = 1 of public.account, behind pid 456 "
        "(batch-report).");
  const json::value& held_up = root.at("held_up_by").at(0);
  CHECK(held_up.at("participant") == "stock");
  CHECK(held_up.at("pid") == 77);
  CHECK(held_up.at("behind").at("pid") == 456);
  CHECK(held_up.at("behind").at("kind") == "session");
  CHECK_FALSE(root_in(parts, 1).as_object().contains("held_up_by"));

  parts[1].silent_because = "it has no link";  // what it said is no longer so, perhaps
  CHECK(root_in(parts, 0).at("frees").at("what") == "?");
  parts[1].silent_because.clear();
  parts[0] = part("orders", {branch("t1", "applying", 5000, 0)}, true);  // decided: nothing missing
  CHECK_FALSE(root_in(parts, 0).as_object().contains("held_up_by"));
}

TEST_CASE("A circle over databases is seen where all of them are") {
  const std::vector<BlockingPart> parts = {
      part("orders", {with_work(branch("t1", "in_doubt", 5000, 1), "t2")}, true),
      part("stock", {with_work(branch("t2", "in_doubt", 5000, 1), "t1")}, true)};
  for (const std::size_t database : {0U, 1U}) {
    const json::value root = root_in(parts, database);
    CHECK(root.at("frees").at("what").as_string().find("a circle over databases") !=
          json::string::npos);
    CHECK(root.at("held_up_by").at(0).at("behind").at("kind") == "branch");
  }
  const json::value alone = root_in({parts[0]}, 0);
  CHECK(alone.at("frees").at("what") == "?");
}

TEST_CASE("A part that does not answer is listed with the last that was heard, and not counted") {
  BlockingPart silent = part("stock", {branch("t1", "in_doubt", 5000, 3)}, true, 3);
  silent.silent_because = "it has no link";
  const json::value document = json::parse(join_blocking(std::vector{silent}));
  CHECK(document.at("partial").as_bool());
  CHECK(document.at("summary").at("sessions_waiting") == 0);
  const json::value& entry = document.at("databases").at(0);
  CHECK_FALSE(entry.at("answers").as_bool());
  CHECK(entry.at("not_answering_because") == "it has no link");
  CHECK(entry.at("roots").as_array().size() == 1);
  CHECK(entry.at("age_ms") == 100);
}

TEST_CASE("Text that is not a report does no harm") {
  for (const char* text : {"", "{", "[]", "7", R"({"available":true,"roots":[1,{"kind":2}]})",
                           R"({"available":true,"waiting":3,"roots":{"kind":"branch"}})"}) {
    INFO(text);
    const std::vector<BlockingPart> parts = {{"x", text, {}, {}}};
    CHECK_FALSE(sentence(parts).empty());
  }
  BlockingHistory history;
  const auto taken = [&](std::string text) { return take_report(text, history, 1000).has_value(); };
  CHECK_FALSE(taken("[]"));
  CHECK_FALSE(taken(std::string(kMostReportBytes + 1, ' ')));
  CHECK(taken(R"({"available":true})"));
  CHECK(taken(R"({"available":true,"roots":[{"kind":7,"gid":[]}],"waiting":{"all":"x"},)"
              R"("past":{"spans":[1,{"from_ms":-5,"to_ms":1e300}],"ended":[{"root":3}]}})"));
}

TEST_CASE("The board takes reports only, and none lasts") {
  BlockingBoard board;
  CHECK_FALSE(board.received("orders", "nonsense", Now{}));
  CHECK(board.received("orders", part("orders", {}, true).report, Now{}));
}
