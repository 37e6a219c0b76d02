// Bad input, end to end: a clear problem, and nothing left behind.
#include <map>

#include "clients/cpp/requester.hpp"
#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;

namespace {

struct Refusal {
  const char* what;
  std::string body;
  unsigned status;
  const char* code;
  const char* says;  // part of the answer
};

std::string branch(const std::string& participant, const std::string& statements) {
  return R"({"participant":")" + participant + R"(","statements":[)" + statements + "]}";
}

std::string one_shot(const std::string& sql, const std::string& more = "") {
  return R"({"branches":[)" + branch("bank_a", R"({"sql":")" + sql + "\"" + more + "}") + "," +
         branch("bank_b", R"({"sql":"select 1"})") + "]}";
}

const std::string kHuge(2 * 1024 * 1024, 'x');

const std::vector<Refusal> kRefusals = {
    {"malformed JSON", R"({"branches":[)", 400, "invalid-request", "JSON"},
    {"an unknown field", R"({"branchs":[]})", 400, "invalid-request", "branches"},
    {"no branches", R"({"branches":[]})", 400, "invalid-request", "branch"},
    {"no statements", R"({"branches":[)" + branch("bank_a", "") + "]}", 400, "invalid-request",
     "statement"},
    {"a participant twice",
     R"({"branches":[)" + branch("bank_a", R"({"sql":"select 1"})") + "," +
         branch("bank_a", R"({"sql":"select 1"})") + "]}",
     400, "invalid-request", "bank_a"},
    {"an unknown participant",
     R"({"branches":[)" + branch("nobody", R"({"sql":"select 1"})") + "]}", 400,
     "participant-unknown", "nobody"},
    {"SQL that fails", one_shot("select 1/0"), 422, "statement-failed", "22012"},
    {"a misspelt table", one_shot("select * from acount"), 422, "statement-failed", "42P01"},
    {"COMMIT", one_shot("COMMIT"), 422, "statement-refused", "COMMIT"},
    {"END behind a comment", one_shot("/* /* nested */ */ -- x\\n end"), 422, "statement-refused",
     "END"},
    {"ABORT", one_shot("abort"), 422, "statement-refused", "ABORT"},
    {"BEGIN", one_shot("begin"), 422, "statement-refused", "BEGIN"},
    {"PREPARE TRANSACTION", one_shot("prepare transaction 'x'"), 422, "statement-refused",
     "PREPARE"},
    {"two statements", one_shot("select 1; commit"), 422, "statement-refused", ""},
    {"SET ROLE", one_shot("set role postgres"), 422, "statement-refused", "SET"},
    {"too few parameters", one_shot("select $1::int, $2::int", R"(,"params":[1])"), 422,
     "statement-failed", "param"},
    {"too many parameters", one_shot("select $1::int", R"(,"params":[1,2])"), 422,
     "statement-failed", "param"},
    {"a result over the limit", one_shot("select repeat('x', 20000000)"), 413, "result-too-large",
     "limit"},
    {"a body over the limit", one_shot("select '" + kHuge + "'"), 413, "payload-too-large",
     "limit"},
    {"a deadline that passes",
     R"({"timeout_ms":200,"branches":[)" +
         branch("bank_a", R"json({"sql":"select pg_sleep(30)"})json") + "]}",
     409, "deadline-exceeded", ""},
    {"a temporary table", one_shot("create temp table t as select 1"), 422, "cannot-prepare", ""},
};

// Whether the participant's metrics say that so many of so many slots are taken.
bool shows_slots(const std::string& admin, const std::string& used, const std::string& all) {
  const auto answer = client::make_http_transport("http://" + admin)
                          ->call({.target = "/metrics", .headers = {}, .body = {}});
  const auto* page = std::get_if<HttpAnswer>(&answer);
  return page != nullptr &&
         page->body.find("\nassent_prepared_slots_used " + used + "\n") != std::string::npos &&
         page->body.find("\nassent_prepared_slots " + all + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("each bad request gets its problem and leaves nothing behind") {
  Deployment bank;
  for (const Refusal& refusal : kRefusals) {
    const HttpAnswer answer = bank.http("POST", "/v1/transactions", refusal.body);
    INFO(refusal.what << ": " << answer.status << " " << answer.body.substr(0, 2000));
    CHECK(answer.status == refusal.status);
    const auto problem = client::parse_problem(answer);
    CHECK(problem.code == refusal.code);
    CHECK(answer.body.find(refusal.says) != std::string::npos);
    CHECK((problem.fate == client::Fate::none || problem.fate == client::Fate::aborted));
    CHECK_FALSE(problem.remedy.empty());
  }
  const HttpAnswer unknown =
      bank.http("GET", "/v1/transactions/0199aaaa-0000-7000-8000-000000000000");
  CHECK(unknown.status == 410);  // made so long ago that it may have been forgotten
  CHECK(client::parse_problem(unknown).code == "history-expired");
  CHECK(bank.http("GET", "/v1/transactions/not-an-id").status == 404);
  CHECK(bank.http("DELETE", "/v1/transactions").status == 405);

  CHECK(bank.settles());
  for (std::size_t i = 0; i < bank.size(); ++i)
    CHECK(dev::poll_until(
        [&] {
          return bank.cluster(i).value(
                     "select count(*) from pg_stat_activity where usename = "
                     "'assent_participant' and state <> 'idle'") == "0";
        },
        std::chrono::seconds(30)));
  // The sessions are clean: the next transaction works.
  CHECK(bank.client().run(test::transfer("bank_a", 1, "bank_b", 1, "1.00")).has_value());
}

TEST_CASE("a participant that is down and a database that is full of prepared transactions") {
  dev::ClusterOptions options;
  options.max_prepared_transactions = 1;
  Deployment bank(2, options);

  bank.cluster(0).query("begin; create table held(); prepare transaction 'somebody-elses'",
                        "bank_a");
  const auto full = bank.client().run(test::transfer("bank_a", 1, "bank_b", 1, "1.00"));
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().fate == client::Fate::aborted);
  CHECK(full.error().problem->code == "cannot-prepare");
  CHECK(bank.cluster(0).value(
            "select count(*) from pg_prepared_xacts where gid = 'somebody-elses'") == "1");
  CHECK(dev::poll_until([&] { return shows_slots(bank.participant_admin(0), "1", "1"); },
                        std::chrono::seconds(30)));
  bank.cluster(0).query("rollback prepared 'somebody-elses'", "bank_a");
  // bank_b may have voted yes; nobody but its participant rolls that branch back.
  CHECK(bank.settles());

  bank.kill_participant(1);
  REQUIRE(dev::poll_until(
      [&] {
        return bank.http("GET", "/v1/participants/bank_b").body.find("\"state\":\"away\"") !=
               std::string::npos;
      },
      std::chrono::seconds(30)));
  client::Patience brief;  // it would try again for as long as it may
  brief.limit = std::chrono::seconds(5);
  const auto away = bank.client(brief).run(test::transfer("bank_a", 1, "bank_b", 1, "1.00"));
  REQUIRE_FALSE(away.has_value());
  CHECK(away.error().problem->code == "participant-unavailable");
  CHECK(away.error().problem->status == 503);
  CHECK(bank.settles());
}

TEST_CASE("a second coordinator on the same folder, and unusable starts, end with one line") {
  Deployment bank(1);
  const std::string program = (dev::executable_folder() / "assent-coordinator").string();
  struct Start {
    std::vector<std::string> options;
    const char* says;
  };
  const std::string elsewhere = "127.0.0.1:" + std::to_string(dev::free_port());
  const std::vector<Start> starts = {
      {{"--ledger", bank.ledger().string(), "--listen", elsewhere}, "in use"},
      {{"--ledger", "/nonexistent/ledger", "--listen", elsewhere}, "init"},
      {{"--ledgr", bank.ledger().string()}, "ledgr"},
      {{"init", "--ledger", bank.ledger().string()}, "not empty"},
  };
  for (const Start& start : starts) {
    dev::ProcessOptions options;
    options.argv = {program};
    options.argv.insert(options.argv.end(), start.options.begin(), start.options.end());
    const auto ended = dev::run(options, std::chrono::seconds(60));
    INFO(ended.output);
    CHECK(ended.status.code > 0);
    CHECK(ended.output.find(start.says) != std::string::npos);
  }
  CHECK(bank.http("GET", "/v1/version").status == 200);
}
