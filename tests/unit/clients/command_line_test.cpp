#include "clients/cli/command_line.hpp"

#include <cstdlib>
#include <sstream>

#include <boost/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/unit/clients/scripted_transport.hpp"

using namespace assent;
using namespace assent::cli;
using client::answer;
using client::lost;
using client::Played;
using client::problem;
using client::unreachable;

namespace {

struct Shell {
  Played played;
  std::string url;
  std::string out;
  std::string err;
  int code = -1;

  Shell(std::vector<std::string> arguments, std::deque<client::Exchange> script,
        const std::string& input = {}) {
    std::istringstream in(input);
    std::ostringstream written;
    std::ostringstream complained;
    const Terminal terminal{in, written, complained};
    code = run_command_line(std::move(arguments), terminal,
                            [&](const std::string& asked, const HttpClientOptions&) {
                              url = asked;
                              return client::play(script, played);
                            });
    out = written.str();
    err = complained.str();
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

const std::string kCommitted =
    R"({"id":"t-1","state":"committed","branches":[{"participant":"bank_a","state":"applied",)"
    R"("results":[{"command":"UPDATE","rows_affected":1,"columns":[],"rows":[]}]},)"
    R"({"participant":"bank_b","state":"applied","results":[{"command":"SELECT","rows_affected":2,)"
    R"("columns":[{"name":"id","type":"int4"},{"name":"owner","type":"text"}],)"
    R"("rows":[[1,"ann"],[20,null]]}]}]})";

}  // namespace

TEST_CASE("run sends the input as it is and shows the outcome") {
  const Shell shell({"run", "-", "--key", "k"}, {answer(201, kCommitted)}, "{\"branches\": 12.50}");
  CHECK(shell.code == kDone);
  CHECK(shell.played.calls.at(0).body == "{\"branches\": 12.50}");
  CHECK(shell.out ==
        "committed  t-1\n"
        "BRANCH  STATE    RESULT\n"
        "bank_a  applied  UPDATE 1\n"
        "bank_b  applied  SELECT 2\n"
        "\n"
        "bank_b, statement 1:\n"
        "  id  owner\n"
        "   1  ann\n"
        "  20  NULL\n");
}

TEST_CASE("--json prints the server's text, for answers and refusals") {
  CHECK(Shell({"--json", "run", "-"}, {answer(201, kCommitted)}, "{}").out == kCommitted + "\n");
  const auto refusal = problem(409, "deadlock", "aborted", "new-key");
  const Shell shell({"run", "-", "--json"}, {refusal}, "{}");
  CHECK(shell.out == refusal.body + "\n");
  CHECK(shell.code == kRefused);
}

TEST_CASE("a refusal says what happened, what became of it, and what to do") {
  const Shell shell(
      {"run", "-"},
      {problem(422, "statement-failed", "aborted", "never",
               R"(,"transaction":"t-9","branch":{"participant":"bank_b","statement":1,)"
               R"("sqlstate":"23514","message":"violates check","constraint":"positive"})")},
      "{}");
  CHECK(shell.code == kRefused);
  CHECK(shell.err ==
        "error: Title of statement-failed (statement-failed)\n"
        "  Its detail\n"
        "  where: bank_b, statement 2\n"
        "  SQLSTATE: 23514\n"
        "  message: violates check\n"
        "  constraint: positive\n"
        "  transaction: t-9\n"
        "  outcome: aborted: nothing of it was applied anywhere\n"
        "  what to do: Its remedy\n");
}

TEST_CASE("exit codes tell refused, unreachable and unsettled apart") {
  const auto run = [](std::deque<client::Exchange> script) {
    return Shell({"--patience", "1", "run", "-"}, std::move(script), "{}").code;
  };
  CHECK(run({unreachable()}) == kUnreachable);
  CHECK(run({lost()}) == kUnsettled);
  CHECK(run({answer(202, R"({"id":"t","state":"committing","branches":[]})")}) == kUnsettled);
  CHECK(run({answer(200, R"({"id":"t","state":"aborted","branches":[]})")}) == kRefused);
  CHECK(run({answer(200, R"({"id":"t","state":"committed","branches":[]})")}) == kDone);
}

TEST_CASE("an unknown outcome names the command that settles it") {
  const Shell shell({"--patience", "1", "run", "-", "--key", "it's mine"}, {lost()}, "{}");
  CHECK(contains(shell.err, "assent run - --key 'it'\\''s mine'"));
  CHECK(contains(shell.err, "outcome: not known"));
}

TEST_CASE("wrong usage is refused before anything is sent") {
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {"nonsense"},
                                                       {"run"},
                                                       {"run", "-", "--kye", "x"},
                                                       {"run", "/no/such/file"},
                                                       {"run", "-"},
                                                       {"exec", "id", "orders"},
                                                       {"begin", "--timeout", "-1"},
                                                       {"dev", "--participants", "0"},
                                                       {"commit"}};
  for (const auto& arguments : wrong) {
    const Shell shell(arguments, {});
    CHECK(shell.code == kUsage);
    CHECK(shell.played.calls.empty());
    CHECK_FALSE(shell.err.empty());
  }
}

TEST_CASE("a misspelt command is named, with the one that was meant") {
  CHECK(contains(Shell({"lst"}, {}).err, "no command 'lst'; did you mean \"list\"?"));
}

TEST_CASE("help is not an error") {
  const Shell shell({"run", "--help"}, {});
  CHECK(shell.code == kDone);
  CHECK(contains(shell.out, "<<'END'"));
  CHECK(contains(Shell({"--help"}, {}).out, "Exit codes"));
}

TEST_CASE("the address comes from the option, the environment, or is the usual one") {
  ::unsetenv("ASSENT_URL");
  CHECK(Shell({"list"}, {answer(200, "{}")}).url == "http://127.0.0.1:7400");
  ::setenv("ASSENT_URL", "http://elsewhere:1", 1);
  CHECK(Shell({"list"}, {answer(200, "{}")}).url == "http://elsewhere:1");
  CHECK(Shell({"list", "--url", "http://here:2"}, {answer(200, "{}")}).url == "http://here:2");
  ::unsetenv("ASSENT_URL");
}

TEST_CASE("exec asks for the statement's number and binds its parameters") {
  const Shell shell(
      {"exec", "t-1", "orders", "select $1", "--expect-rows", "1", "--", "-5", "\\N", "a b"},
      {answer(200, R"({"id":"t-1","state":"open","next_seq":3,"branches":[]})"),
       answer(200, R"({"results":[{"command":"SELECT","rows_affected":1,)"
                   R"("columns":[{"name":"x","type":"text"}],"rows":[["y"]]}]})")});
  CHECK(shell.code == kDone);
  REQUIRE(shell.played.calls.size() == 2);
  CHECK(shell.played.calls[1].target == "/v1/transactions/t-1/statements");
  CHECK(boost::json::parse(shell.played.calls[1].body) ==
        boost::json::parse(R"({"participant":"orders","seq":3,"statements":[{"sql":"select $1",)"
                           R"("params":["-5",null,"a b"],"expect":{"rows":1}}]})"));
  CHECK(shell.out == "  x\n  y\nSELECT 1\n");
}

TEST_CASE("exec with a number sends it unasked, and names it when the answer is lost") {
  const Shell shell({"--patience", "1", "exec", "t-1", "orders", "select 1", "--seq", "4"},
                    {lost()});
  CHECK(shell.code == kUnsettled);
  CHECK(contains(shell.err, "assent exec t-1 orders 'select 1' --seq 4"));
}

TEST_CASE("exec is refused where the transaction is over") {
  const Shell shell({"exec", "t-1", "orders", "select 1"},
                    {answer(200, R"({"id":"t-1","state":"aborted","branches":[]})")});
  CHECK(shell.code == kRefused);
  CHECK(shell.played.calls.size() == 1);
}

TEST_CASE("begin --quiet prints the id alone") {
  const Shell shell({"begin", "-q", "--timeout", "2.5"},
                    {answer(201, R"({"id":"t-1","state":"open","branches":[]})")});
  CHECK(shell.out == "t-1\n");
  CHECK(shell.played.calls[0].body == R"({"mode":"interactive","timeout_ms":2500})");
}

TEST_CASE("begin --external prints what to run where, and what comes then") {
  const Shell shell(
      {"begin", "--external", "orders", "--external", "stock", "--timeout", "60"},
      {answer(201, R"({"id":"t-1","state":"open","branches":[)"
                   R"({"participant":"orders","state":"working","prepare":["SET x","PREPARE y"]},)"
                   R"({"participant":"stock","state":"working","prepare":["PREPARE z"]}]})")});
  CHECK(shell.played.calls[0].body ==
        R"({"mode":"external","timeout_ms":60000,)"
        R"("branches":[{"participant":"orders"},{"participant":"stock"}]})");
  CHECK(contains(shell.out,
                 "At orders, at the end of your work there and in its transaction:\n"
                 "  SET x;\n  PREPARE y;\n"));
  CHECK(contains(shell.out, "  PREPARE z;\n\nThen: assent commit t-1\n"));
}

TEST_CASE("commit --decided is done when the decision is") {
  const auto committing = answer(202, R"({"id":"t-1","state":"committing","branches":[]})");
  CHECK(Shell({"commit", "t-1"}, {committing}).code == kUnsettled);
  const Shell shell({"commit", "t-1", "--decided"}, {committing});
  CHECK(shell.code == kDone);
  CHECK(shell.played.calls[0].body == R"({"wait_for":"decided"})");
}

TEST_CASE("list and participants are tables") {
  const Shell list(
      {"list", "--state", "in_doubt", "--participant", "stock"},
      {answer(200, R"({"transactions":[{"id":"t-1","state":"committing","begun_at":"2026",)"
                   R"("damaged":true,"branches":[{"participant":"orders"},{"participant":"s"}]}],)"
                   R"("next_page_token":"t-1"})")});
  CHECK(list.played.calls[0].target == "/v1/transactions?state=in_doubt&participant=stock");
  CHECK(list.out ==
        "TRANSACTION  STATE                 BEGUN  BRANCHES\n"
        "t-1          committing (damaged)  2026   orders, s\n"
        "There may be more: --page t-1\n");
  const Shell participants(
      {"participants"},
      {answer(200, R"({"participants":[{"name":"orders","state":"ready","prepared_count":12,)"
                   R"("server":{"system_identifier":"7","timeline":1,"database":"shop"}}]})")});
  CHECK(participants.out ==
        "PARTICIPANT  STATE  DATABASE  SYSTEM IDENTIFIER  TIMELINE  PREPARED\n"
        "orders       ready  shop      7                         1        12\n");
}

TEST_CASE("show --events draws who waited for whom, and says what each may do alone") {
  const std::string events =
      R"({"id":"t-1","state":"committing","outcome":"committed","age_us":60000,"events":[)"
      R"({"after_us":0,"kind":"begun"},)"
      R"({"after_us":0,"kind":"prepare_sent","participant":"orders"},)"
      R"({"after_us":0,"kind":"prepare_sent","participant":"stock"},)"
      R"({"after_us":10000,"kind":"voted","participant":"orders","detail":"yes"},)"
      R"({"after_us":20000,"kind":"voted","participant":"stock","detail":"yes"},)"
      R"({"after_us":40000,"kind":"started"},)"
      R"({"after_us":40000,"kind":"decided","detail":"committed"},)"
      R"({"after_us":41000,"kind":"commit_sent","participant":"orders","times":3},)"
      R"({"after_us":50000,"kind":"applied","participant":"orders","detail":"applied"}],)"
      R"("omitted":2})";
  CHECK(Shell({"show", "t-1", "--events"}, {answer(200, events)}).out ==
        "client       ●┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄\n"
        "coordinator  ────────────────────                   ◆────────────────────\n"
        "orders       ─────────▲▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨━━━━━━━━━■\n"
        "stock        ───────────────────▲▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨▨\n"
        "             0                              now: 60.0 ms\n"
        "orders: has ended its part\n"
        "stock: voted yes: may do nothing alone, and holds its locks\n"
        "\n"
        "  AFTER  WHO          WHAT\n"
        "   0 µs  coordinator  begun\n"
        "   0 µs  orders       prepare sent\n"
        "   0 µs  stock        prepare sent\n"
        "10.0 ms  orders       voted: yes\n"
        "20.0 ms  stock        voted: yes\n"
        "40.0 ms  coordinator  started\n"
        "40.0 ms  coordinator  decided: committed\n"
        "41.0 ms  orders       commit sent (3 times)\n"
        "50.0 ms  orders       applied\n"
        "2 more statements are not kept.\n");
  CHECK(Shell({"--json", "show", "t-1", "--events"}, {answer(200, events)}).out == events + "\n");
}

TEST_CASE("show tells why a transaction was aborted") {
  const Shell shell(
      {"show", "t-1"},
      {answer(200, R"({"id":"t-1","state":"aborted","branches":[],"failure":{"code":"deadlock",)"
                   R"("detail":"it locked","branch":{"participant":"stock"}}})")});
  CHECK(shell.code == kDone);
  CHECK(shell.out == "aborted  t-1\nbecause: it locked (deadlock at stock)\n");
}
