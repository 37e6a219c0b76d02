// `assent doctor`: whom it asks, with what credentials, and what it concludes.
#include "clients/cli/doctor.hpp"

#include <cstdlib>
#include <ctime>
#include <map>
#include <sstream>

#include <boost/json.hpp>

#include "clients/cli/command_line.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/clients/scripted_transport.hpp"

using namespace assent;
using namespace assent::cli;
using client::answer;
using client::unreachable;

namespace {

// What each address answers, by URL and target, with its query or for any; anybody else is not
// there.
using World = std::map<std::string, std::map<std::string, client::Exchange>>;

const std::string kCoordinator = "http://127.0.0.1:7400";

class WorldTransport final : public client::Transport {
 public:
  WorldTransport(std::map<std::string, client::Exchange> answers, std::vector<std::string>& waits)
      : answers_(std::move(answers)), waits_(waits) {}
  client::Exchange call(const HttpCall& call) override {
    auto found = answers_.find(call.target);
    if (found == answers_.end())
      found = answers_.find(call.target.substr(0, call.target.find('?')));
    return found == answers_.end() ? client::Exchange(unreachable()) : found->second;
  }
  std::chrono::steady_clock::time_point now() const override { return {}; }
  void wait(client::milliseconds) override { waits_.emplace_back("waited"); }

 private:
  std::map<std::string, client::Exchange> answers_;
  std::vector<std::string>& waits_;
};

std::string now_text() {
  char text[40];
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &utc);
  return text;
}

std::string check(const std::string& name, const std::string& findings = "",
                  const std::string& version = ASSENT_VERSION, std::int64_t later_ms = 0) {
  const std::int64_t at = static_cast<std::int64_t>(std::time(nullptr)) * 1000 + later_ms;
  return R"({"participant":")" + name + R"(","version":")" + version + R"(","at_ms":)" +
         std::to_string(at) + R"(,"findings":[)" + findings + "]}";
}

// All is well: a coordinator and one participant.
World healthy() {
  World world;
  auto& coordinator = world[kCoordinator];
  coordinator["/v1/version"] =
      answer(200, R"({"version":")" ASSENT_VERSION R"(","standing":"complete"})");
  coordinator["/v1/overview"] =
      answer(200, R"({"at":")" + now_text() + R"(","since_start":{"syncs":10,"sync_us":10000}})");
  coordinator["/v1/participants"] =
      answer(200, R"({"participants":[{"name":"orders","state":"ready"}]})");
  coordinator["/v1/transactions"] = answer(200, R"({"transactions":[]})");
  coordinator["/v1/blocking"] =
      answer(200, R"({"databases":[{"participant":"orders","console":"https://db1:7411/"}]})");
  world["https://db1:7411/"]["/v1/check"] = answer(200, check("orders"));
  return world;
}

struct Doctor {
  std::string out;
  std::string err;
  int code = -1;
  std::vector<std::string> asked;  // "URL", or "URL with token"
  std::vector<std::string> waits;

  explicit Doctor(World world, std::vector<std::string> arguments = {}) {
    ::unsetenv("ASSENT_PARTICIPANTS");
    std::istringstream in;
    std::ostringstream written;
    std::ostringstream complained;
    const Terminal terminal{in, written, complained};
    arguments.insert(arguments.begin(), {"--url", kCoordinator, "doctor"});
    code = run_command_line(std::move(arguments), terminal,
                            [&](const std::string& url, const HttpClientOptions& options) {
                              asked.push_back(url + (options.token.empty() ? "" : " with token"));
                              return std::make_unique<WorldTransport>(world[url], waits);
                            });
    out = written.str();
    err = complained.str();
  }
  bool says(const std::string& text) const { return out.find(text) != out.npos; }
  bool has_asked(const std::string& whom) const {
    return std::find(asked.begin(), asked.end(), whom) != asked.end();
  }
};

}  // namespace

TEST_CASE("doctor: nothing is wrong") {
  const Doctor doctor(healthy());
  INFO(doctor.out << doctor.err);
  CHECK(doctor.code == kDone);
  CHECK(doctor.says("note      coordinator  A sync of the ledger takes 1.00 ms (mean of 10)."));
  CHECK(doctor.says("Nothing is wrong."));
  CHECK(doctor.has_asked("https://db1:7411/"));
}

TEST_CASE("doctor: what a participant finds is shown with reason and remedy, errors first") {
  World world = healthy();
  world["https://db1:7411/"]["/v1/check"] = answer(
      200, check("orders",
                 R"({"severity":"warning","what":"W","why":"","remedy":"do W"},)"
                 R"({"severity":"error","what":"E\u001b[2J","why":"because","remedy":"do E"})"));
  const Doctor doctor(world);
  INFO(doctor.out);
  CHECK(doctor.code == kRefused);
  CHECK(doctor.says("error     orders       E\\x1b[2J\n"));
  CHECK(doctor.says("  why: because\n"));
  CHECK(doctor.says("  do:  do E\n"));
  CHECK(doctor.out.find("error ") < doctor.out.find("warning "));
  CHECK(doctor.says("1 error, 1 warning."));

  const Doctor for_scripts(world, {"--json"});
  const auto document = boost::json::parse(for_scripts.out).as_object();
  CHECK(for_scripts.code == kRefused);
  CHECK(document.at("errors").as_int64() == 1);
  CHECK(document.at("findings").at(0).at("where").as_string() == "orders");
  CHECK(document.at("findings").at(0).at("remedy").as_string() == "do E");
}

TEST_CASE("doctor: what the coordinator shows") {
  World world = healthy();
  auto& coordinator = world[kCoordinator];
  coordinator["/v1/version"] = answer(200, R"({"version":"0.0.1","standing":"contradicted"})");
  coordinator["/v1/overview"] = answer(
      200, R"({"at":"2020-01-01T00:00:00.000Z","since_start":{"syncs":2,"sync_us":100000}})");
  coordinator["/v1/participants"] = answer(
      200,
      R"({"participants":[{"name":"orders","state":"ready"},{"name":"stock","state":"away"}]})");
  coordinator["/v1/transactions"] = answer(200, R"({"transactions":[{"id":"t-1"}]})");
  const Doctor doctor(world);
  INFO(doctor.out);
  CHECK(doctor.code == kRefused);
  for (const char* part :
       {"It runs version 0.0.1, this command is", "The ledger is contradicted.",
        "Its clock and that of this machine differ by", "takes 50.00 ms", "Give the ledger a disk",
        "error     stock        The coordinator has no working link with it: its state is away.",
        "warning   stock        It was not examined: its address is not known.",
        "1 transactions have been in doubt for more than a minute, as t-1."}) {
    INFO(part);
    CHECK(doctor.says(part));
  }
}

TEST_CASE("doctor: damage that nobody has acknowledged") {
  World world = healthy();
  auto& listed = world[kCoordinator]["/v1/transactions?state=damaged&limit=1000"];
  listed = answer(200, R"({"transactions":[{"id":"t-3","damaged":true,"acknowledged":true},)"
                       R"({"id":"t-2","damaged":true,"acknowledged":false},)"
                       R"({"id":"t-1","damaged":true,"acknowledged":false}]})");
  const Doctor doctor(world);
  INFO(doctor.out);
  CHECK(doctor.code == kRefused);
  CHECK(doctor.says("2 transactions are damaged and not acknowledged, the latest is t-2."));
  CHECK(doctor.says("assent show t-2"));

  listed = answer(200, R"({"transactions":[{"id":"t-3","damaged":true,"acknowledged":true}]})");
  const Doctor later(world);
  INFO(later.out);
  CHECK(later.code == kDone);
  CHECK_FALSE(later.says("damaged"));
}

TEST_CASE("doctor: certificates that are about to expire") {
  World world = healthy();
  std::get<HttpAnswer>(world[kCoordinator]["/v1/version"]).certificate_left =
      std::chrono::hours(24 * 5 + 1);
  std::get<HttpAnswer>(world["https://db1:7411/"]["/v1/check"]).certificate_left =
      std::chrono::hours(24 * 300);
  const Doctor doctor(world);
  CHECK(doctor.code == kDone);
  CHECK(doctor.says("warning   coordinator  Its certificate expires in 5 days."));
  CHECK(doctor.says("0 errors, 1 warning."));
}

TEST_CASE("doctor: a participant's version and clock") {
  World world = healthy();
  world["https://db1:7411/"]["/v1/check"] = answer(200, check("orders", "", "0.0.1", 60'000));
  const Doctor doctor(world);
  INFO(doctor.out);
  CHECK(doctor.code == kDone);
  CHECK(doctor.says("orders       It runs version 0.0.1"));
  CHECK(doctor.says("orders       Its clock and that of this machine differ by"));
}

TEST_CASE("doctor: an address that a participant names does not learn a token") {
  const std::string file = "/proc/self/comm";  // a file of one line, whatever it says
  const Doctor found(healthy(), {"--token-file", file});
  CHECK(found.has_asked(kCoordinator + " with token"));
  CHECK(found.has_asked("https://db1:7411/"));
  CHECK_FALSE(found.has_asked("https://db1:7411/ with token"));

  World world = healthy();
  world["db1:7411"]["/v1/check"] = answer(200, check("orders"));
  const Doctor given(world, {"--token-file", file, "--participant", "db1:7411"});
  CHECK(given.code == kDone);
  CHECK(given.has_asked("db1:7411 with token"));
  CHECK_FALSE(given.has_asked("https://db1:7411/"));
}

TEST_CASE("doctor: who cannot be examined is named") {
  World world = healthy();
  world["https://db1:7411/"]["/v1/check"] = answer(200, check("another"));
  const Doctor another(world);
  CHECK(another.code == kDone);
  CHECK(another.says("orders       It was not examined: https://db1:7411/ is another from here."));

  world["https://db1:7411/"]["/v1/check"] = answer(401, "{}");
  CHECK(
      Doctor(world).says("It was not examined: https://db1:7411/ answers /v1/check with HTTP "
                         "status 401."));

  const Doctor given(healthy(), {"--participant", "nowhere:1"});
  CHECK(given.code == kRefused);
  CHECK(given.says("error     nowhere:1    nobody there"));
}

TEST_CASE("doctor: a report that has not come yet is waited for, but not for ever") {
  World world = healthy();
  world[kCoordinator]["/v1/blocking"] =
      answer(200, R"({"databases":[{"participant":"orders","answers":false}]})");
  const Doctor doctor(world);
  CHECK(doctor.waits.size() == 4);
  CHECK(doctor.says("orders       It was not examined: its address is not known."));
}

TEST_CASE("doctor: without a coordinator the participants are examined all the same") {
  World world;
  world["db1:7411"]["/v1/check"] =
      answer(200, check("orders", R"({"severity":"warning","what":"W","why":"","remedy":""})"));
  const Doctor doctor(world, {"--participant", "db1:7411"});
  INFO(doctor.out);
  CHECK(doctor.code == kRefused);
  CHECK(doctor.says("error     coordinator  nobody there"));
  CHECK(doctor.says("warning   orders       W"));

  World closed;
  closed[kCoordinator]["/v1/version"] = answer(200, R"({"version":"x","standing":"complete"})");
  closed[kCoordinator]["/v1/overview"] = answer(401, "{}");
  CHECK(Doctor(closed).says("Show who you are: --token-file"));
}
