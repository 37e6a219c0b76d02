// `assent blocking`: whom it asks, and what it prints.
#include "clients/cli/blocking.hpp"

#include <cstdlib>
#include <map>
#include <sstream>

#include "tests/support/catch.hpp"
#include "tests/unit/clients/scripted_transport.hpp"

using namespace assent;
using namespace assent::cli;
using client::answer;
using client::unreachable;

namespace {

// Of one participant, as its admin listener answers.
std::string document_of(const std::string& name, const std::string& pid) {
  return R"({"sentence":"Its own.","databases":[{"participant":")" + name +
         R"(","answers":true,"available":true,"age_ms":80,"coordinator":{"linked":false,)"
         R"("away_ms":42000},"waiting":{"all":1,"for_branches":1,"for_foreign":0},)"
         R"("slots":{"used":1,"of":200},"horizon":{"oldest_prepared_xid_age":5,)"
         R"("autovacuum_freeze_max_age":200000000,"held_by_prepared":true,"dead_rows":22},)"
         R"("roots":[{"kind":"branch","transaction":"t-1","gid":"g","age_ms":41000,"waiting":1,)"
         R"("peers":["orders","stock"],"knowledge":{"state":"in_doubt","text":"in doubt, )"
         R"(decision unknown"},"frees":{"by":"coordinator","what":"Its return.",)"
         R"("then":"It ends."},)"
         R"("locks":[{"what":"public.item_pkey","kind":"index","modes":["RowExclusiveLock"]},)"
         R"({"what":"public.item","kind":"table","modes":["RowExclusiveLock"]}],)"
         R"("rows":[{"relation":"public.item","page":0,"line":7,"key":{"id":"7"}}],)"
         R"("waiters":[{"level":1,"pid":)" +
         pid +
         R"(,"application":"shop\u001b[2J","user":"ann","waiting_ms":40000,"mode":"ShareLock",)"
         R"("waits_for":{"type":"transactionid","what":"transaction 7","row":)"
         R"({"relation":"public.item","page":0,"line":7,"key":{"id":"7"}}},)"
         R"("query":"update item\nset v = 1"}]}]}]})";
}

struct Shell {
  std::map<std::string, client::Exchange> servers;
  std::vector<std::string> asked;
  client::Played played;
  std::string out;
  std::string err;

  int run(std::vector<std::string> arguments) {
    std::istringstream in;
    std::ostringstream written;
    std::ostringstream complained;
    const Terminal terminal{in, written, complained};
    const int code = run_command_line(
        std::move(arguments), terminal, [&](const std::string& url, const HttpClientOptions&) {
          asked.push_back(url);
          const auto found = servers.find(url);
          return client::play({found == servers.end() ? unreachable() : found->second}, played);
        });
    out = written.str();
    err = complained.str();
    return code;
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("blocking asks the coordinator, and nobody else where it answers") {
  Shell shell;
  shell.servers["http://here:1"] = answer(200, document_of("orders", "4711"));
  CHECK(shell.run({"--url", "http://here:1", "blocking", "--participant", "db1:2"}) == kDone);
  CHECK(shell.asked == std::vector<std::string>{"http://here:1"});
  CHECK(shell.played.calls.at(0).target == "/v1/blocking");
  CHECK(shell.out.starts_with("Its own.\n"));
}

TEST_CASE("blocking joins what participants say where the coordinator does not answer") {
  Shell shell;
  shell.servers["db1:2"] = answer(200, document_of("orders", "4711"));
  shell.servers["db2:2"] = answer(200, document_of("stock", "4712"));
  CHECK(shell.run({"blocking", "--participant", "db1:2,db2:2", "--participant", "db3:2"}) == kDone);
  CHECK(shell.out.substr(0, shell.out.find('\n')) ==
        "Coordinator away for 42 s: 1 transaction in doubt holds 2 sessions in 2 databases. "
        "Nothing is lost; it finishes when it returns. Not answering: db3:2; what waits there is "
        "not known.");
  CHECK(contains(shell.out,
                 "  transaction t-1, prepared 41 s ago: in doubt, decision unknown\n"
                 "       peers: orders, stock\n"
                 "       holds: row id = 7 of public.item, public.item (RowExclusiveLock)\n"
                 "    frees it: Its return.\n"
                 "         then: It ends.\n"
                 "       waits: 1 session\n"));
  // What comes from a database does not drive the terminal.
  CHECK(contains(shell.out,
                 "      └ pid 4712 shop\\x1b[2J (ann) waits 40 s for row id = 7 of public.item "
                 "(ShareLock)\n"
                 "          update item set v = 1\n"));
  CHECK(contains(shell.out, "db3:2: not answering: nobody there\n"));
  CHECK(contains(shell.out, "costs: 1 of 200 slots"));
}

TEST_CASE("blocking prints JSON as one document, also of several participants") {
  Shell shell;
  shell.servers["db1:2"] = answer(200, document_of("orders", "4711"));
  CHECK(shell.run({"blocking", "--json", "--participant", "db1:2"}) == kDone);
  CHECK(contains(shell.out, R"("sentence":"Coordinator away for 42 s: 1 transaction)"));
  CHECK(contains(shell.out, R"("pid":4711)"));
  CHECK(shell.out.find('\n') == shell.out.size() - 1);
}

TEST_CASE("blocking says what to do where nobody answers") {
  Shell shell;
  CHECK(shell.run({"blocking", "--participant", "db1:2"}) == kUnreachable);
  CHECK(contains(shell.err, "error: nobody answers: nobody there"));
  CHECK(shell.run({"--url", "http://127.0.0.1:1", "blocking"}) == kUnreachable);
  CHECK(contains(shell.err, "--participant or in ASSENT_PARTICIPANTS"));
}

TEST_CASE("an answer that is not a participant's is not taken for one") {
  Shell shell;
  shell.servers["db1:2"] = answer(200, "{}");
  shell.servers["db2:2"] = answer(404, "no");
  CHECK(shell.run({"blocking", "--participant", "db1:2,db2:2"}) == kDone);
  CHECK(contains(shell.out, "No database answers: nothing is known of what waits."));
  CHECK(contains(shell.out, "db1:2: not answering: its answer is not that of a participant"));
  CHECK(contains(shell.out, "db2:2: not answering: HTTP status 404 for /v1/blocking"));
}
