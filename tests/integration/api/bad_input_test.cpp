// Whatever is sent: a refusal, no effect, no more memory held than the limits say, and a clean
// session for the next transaction.
#include "tests/integration/api/bad_input.hpp"

#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include "clients/cpp/requester.hpp"
#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/runtime/raw_socket.hpp"

using namespace assent;
using test::BadInput;
using test::Deployment;
using test::RawSocket;

namespace {

// One installation for all cases: what one leaves behind, a later one finds.
Deployment& the_bank() {
  static const auto bank = [] {
    auto made = std::make_unique<Deployment>();
    for (std::size_t i = 0; i < made->size(); ++i)
      made->cluster(i).query(test::escape_targets(), Deployment::name(i));
    return made;
  }();
  return *bank;
}

// The status of the answer to these bytes; 0 where the connection was closed without one.
int status_of_bytes(const std::string& bytes) {
  RawSocket socket(the_bank().port());
  socket.send(bytes);
  socket.finish();
  try {
    return test::status_of(socket.read_all());
  } catch (const std::runtime_error&) {
    return 0;  // reset
  }
}

std::string text_in_json(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else
      out += c;
  }
  return out;
}

// One statement, or two with a unit separator between them, at bank_a.
std::string transaction_of(const std::string& statements) {
  const auto statement = [](const std::string& sql) {
    return "{\"sql\":\"" + text_in_json(sql) + "\"}";
  };
  const auto separator = statements.find('\x1f');
  const std::string list = separator == std::string::npos
                               ? statement(statements)
                               : statement(statements.substr(0, separator)) + "," +
                                     statement(statements.substr(separator + 1));
  return R"({"branches":[{"participant":"bank_a","statements":[)" + list + "]}]}";
}

void nothing_has_happened(Deployment& bank) {
  INFO(bank.logs());
  CHECK(bank.settles(std::chrono::seconds(30)));
  for (std::size_t i = 0; i < bank.size(); ++i) {
    CHECK(bank.cluster(i).value("select count(*) from witness", Deployment::name(i)) == "0");
    CHECK(dev::poll_until(
        [&] {
          return bank.cluster(i).value(
                     "select count(*) from pg_stat_activity where usename = 'assent_participant' "
                     "and state in ('idle in transaction', 'idle in transaction (aborted)')") ==
                 "0";
        },
        std::chrono::seconds(20)));
    CHECK(bank.cluster(i).value("select count(*) from pg_locks where locktype = 'advisory' and "
                                "objid = 7") == "0");
  }
  CHECK(bank.http("GET", "/v1/version").status == 200);
}

// What a transaction finds in the session that it is given.
void sessions_are_clean(Deployment& bank) {
  const std::string look =
      "select current_user || ' ' || session_user || ' ' || current_setting('search_path') || ' ' "
      "|| (select count(*) from pg_listening_channels()) || ' ' || (select count(*) from "
      "pg_prepared_statements where name = 'escaped') || ' ' || (select count(*) from pg_cursors "
      "where is_holdable) || ' ' || coalesce(to_regclass('pg_temp.escaped')::text, 'none')";
  for (int i = 0; i < 32; ++i) {
    const HttpAnswer answer = bank.http("POST", "/v1/transactions", transaction_of(look));
    INFO(answer.body);
    CHECK(answer.body.find(R"("rows":[["assent_participant assent_participant \"$user\", public 0 )"
                           R"(0 0 none"]])") != std::string::npos);
  }
}

bool is_refusal(int status) {
  return (status >= 400 && status < 500) || status == 503;
}

std::size_t high_water_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
  return 0;
}

}  // namespace

TEST_CASE("bytes that are no request are refused or not answered") {
  const auto inputs = test::bad_http();
  for (const BadInput& input : inputs) {
    const int status = status_of_bytes(input.text);
    INFO(input.what << ": " << status);
    CHECK((status == 0 || is_refusal(status)));
  }
  nothing_has_happened(the_bank());
  SUCCEED(inputs.size() << " inputs");
}

TEST_CASE("a request cut anywhere has no effect") {
  const std::string body = transaction_of("insert into witness values ('cut')");
  const std::string whole =
      "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  for (std::size_t length = 1; length < whole.size(); ++length) {
    const int status = status_of_bytes(whole.substr(0, length));
    INFO(length << " bytes: " << status);
    CHECK((status == 0 || is_refusal(status)));
  }
  nothing_has_happened(the_bank());
}

TEST_CASE("a request with any one byte changed is answered by a document or not at all") {
  const std::string body = transaction_of("select 'flip'");
  const std::string whole =
      "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Connection: close\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const char change : {'\x01', '\x20', '\x80'}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ change);
      const int status = status_of_bytes(changed);
      INFO("byte " << at << ": " << status);
      CHECK((status == 0 || status == 201 || is_refusal(status)));
    }
  nothing_has_happened(the_bank());
}

TEST_CASE("bodies that are no transaction are refused with what is wrong") {
  const auto inputs = test::bad_bodies();
  for (const BadInput& input : inputs) {
    const HttpAnswer answer = the_bank().http("POST", "/v1/transactions", input.text);
    INFO(input.what << ": " << answer.status << " " << answer.body.substr(0, 500));
    CHECK(is_refusal(static_cast<int>(answer.status)));
    const client::Problem problem = client::parse_problem(answer);
    CHECK_FALSE(problem.code.empty());
    CHECK(problem.fate == client::Fate::none);
    CHECK(answer.body.size() < 4096);  // what was sent is not sent back
  }
  nothing_has_happened(the_bank());
  SUCCEED(inputs.size() << " inputs");
}

TEST_CASE("no statement escapes its transaction, its session or its role") {
  const auto inputs = test::escapes();
  for (const BadInput& input : inputs) {
    const HttpAnswer answer =
        the_bank().http("POST", "/v1/transactions", transaction_of(input.text));
    INFO(input.what << ": " << answer.status << " " << answer.body.substr(0, 500));
    CHECK(is_refusal(static_cast<int>(answer.status)));
    CHECK(client::parse_problem(answer).fate == client::Fate::aborted);
  }
  nothing_has_happened(the_bank());
  sessions_are_clean(the_bank());
  SUCCEED(inputs.size() << " inputs");
}

TEST_CASE("a statement of an interactive transaction escapes as little") {
  const auto inputs = test::escapes();
  for (std::size_t i = 0; i < inputs.size(); i += 5) {
    if (inputs[i].text.find('\x1f') != std::string::npos) continue;
    const auto begun = the_bank().client().begin();
    REQUIRE(begun.has_value());
    const std::string path = "/v1/transactions/" + begun->id;
    const HttpAnswer answer =
        the_bank().http("POST", path + "/statements",
                        R"json({"participant":"bank_b","seq":1,"statements":[)json"
                        R"json({"sql":"insert into witness values ('x')"},{"sql":")json" +
                            text_in_json(inputs[i].text) + "\"}]}");
    const HttpAnswer commit = the_bank().http("POST", path + "/commit");
    INFO(inputs[i].what << ": " << answer.status << " " << answer.body.substr(0, 500) << "\n"
                        << commit.body.substr(0, 500));
    // What can only be seen at the end (a temporary table) is refused there.
    CHECK(is_refusal(static_cast<int>(commit.status)));
    CHECK(client::parse_problem(commit).fate == client::Fate::aborted);
  }
  nothing_has_happened(the_bank());
  sessions_are_clean(the_bank());
}

TEST_CASE("ids that nobody was given lead nowhere") {
  const auto inputs = test::forged_ids();
  const std::string statements = R"json({"participant":"bank_a","seq":1,"statements":[)json"
                                 R"json({"sql":"insert into witness values ('x')"}]})json";
  for (const BadInput& input : inputs) {
    INFO(input.what);
    const std::string path = "/v1/transactions/" + input.text;
    for (const char* what : {"", "/events"})
      CHECK(is_refusal(static_cast<int>(the_bank().http("GET", path + what).status)));
    for (const char* what : {"/commit", "/rollback"})
      CHECK(is_refusal(static_cast<int>(the_bank().http("POST", path + what).status)));
    CHECK(is_refusal(
        static_cast<int>(the_bank().http("POST", path + "/statements", statements).status)));
    CHECK(is_refusal(
        static_cast<int>(the_bank().http("GET", "/v1/participants/" + input.text).status)));
  }
  nothing_has_happened(the_bank());
  SUCCEED(inputs.size() << " inputs");
}

TEST_CASE("prepared transactions that only look like ours are left alone, and so is the rest") {
  Deployment& bank = the_bank();
  const std::string ledger = [&] {
    const std::string body = bank.http("GET", "/v1/version").body;
    return body.substr(body.find("\"ledger\":\"") + 10, 36);
  }();
  const std::string tx = "0199aaaa-0000-7000-8000-000000000000";
  const std::vector<std::string> gids = {
      "assent1:" + ledger + ":1:" + tx + ":bank_b",   // another participant's
      "assent1:" + ledger + ":1:" + tx + ":bank_a ",  // not exactly of the form
      "assent1:" + ledger + ":01:" + tx + ":bank_a",
      "assent1:" + ledger + ":1:" + tx + ":bank_a:x",
      "ASSENT1:" + ledger + ":1:" + tx + ":bank_a",
      "assent2:" + ledger + ":1:" + tx + ":bank_a",
      "assent1:00000000-0000-4000-8000-000000000000:1:" + tx + ":bank_a",  // another ledger's
      "assent1:",
      "assent1",
      "xassent1:" + ledger + ":1:" + tx + ":bank_a"};
  for (const std::string& gid : gids)
    bank.cluster(0).query("begin; select pg_current_xact_id(); prepare transaction '" + gid + "'",
                          "bank_a");
  const auto left = [&] {
    return bank.cluster(0).value("select count(*) from pg_prepared_xacts", "bank_a");
  };
  // Both a new list of the participant and a new start of the coordinator pass them by.
  bank.kill_participant(0);
  bank.start_participant(0);
  bank.kill_coordinator();
  bank.start_coordinator();
  bank.await_ready();
  CHECK(bank.client().run(test::transfer("bank_a", 1, "bank_b", 1, "1.00")).has_value());
  CHECK(dev::poll_until([&] { return left() == std::to_string(gids.size()); },
                        std::chrono::seconds(20)));
  for (const std::string& gid : gids)
    bank.cluster(0).query("rollback prepared '" + gid + "'", "bank_a");
}

TEST_CASE("endless bodies cost no more than the limit") {
  Deployment& bank = the_bank();
  constexpr std::size_t kMost = 100 << 20;  // bytes that each would send
  constexpr std::size_t kClients = 8;
  const std::size_t before = high_water_kib(bank.coordinator().pid());
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < kClients; ++i)
    clients.emplace_back([&] {
      RawSocket socket(bank.port());
      socket.send(
          "POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
          "Transfer-Encoding: chunked\r\n\r\n");
      for (std::size_t sent = 0; sent < kMost && socket.send(chunk);) sent += chunk.size();
    });
  for (std::thread& each : clients) each.join();
  const std::size_t after = high_water_kib(bank.coordinator().pid());
  INFO(before << " KiB, then " << after << " KiB");
  CHECK(after - before < kClients * kMost / 1024 / 2);
  nothing_has_happened(bank);
}

// Not with sanitizers: to look at a vptr UBSan opens a pipe, and calls the object invalid where it
// cannot.
#ifndef __SANITIZE_ADDRESS__
TEST_CASE("without file descriptors the coordinator goes on with the connections it has") {
  Deployment& bank = the_bank();
  const pid_t pid = bank.coordinator().pid();
  rlimit usual{};
  REQUIRE(prlimit(pid, RLIMIT_NOFILE, nullptr, &usual) == 0);
  HttpClient honest(bank.url());
  HttpCall look;
  look.target = "/v1/version";
  const auto status = [&] {
    const auto answer = honest.call(look);
    const auto* got = std::get_if<HttpAnswer>(&answer);
    return got == nullptr ? 0u : got->status;
  };
  REQUIRE(status() == 200);
  rlimit tight = usual;
  tight.rlim_cur = 64;
  REQUIRE(prlimit(pid, RLIMIT_NOFILE, &tight, nullptr) == 0);
  {
    std::vector<std::unique_ptr<RawSocket>> hoard;
    for (int i = 0; i < 100; ++i) hoard.push_back(std::make_unique<RawSocket>(bank.port()));
    for (int i = 0; i < 10; ++i) CHECK(status() == 200);
  }
  REQUIRE(prlimit(pid, RLIMIT_NOFILE, &usual, nullptr) == 0);
  CHECK(dev::poll_until([&] { return bank.http("GET", "/v1/version").status == 200; },
                        std::chrono::seconds(30)));
  CHECK(bank.client().run(test::transfer("bank_a", 1, "bank_b", 1, "1.00")).has_value());
}
#endif
