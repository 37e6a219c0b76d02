// Real daemons, real certificates: who is let in, what is refused, and what nobody may ever read.
#include <filesystem>
#include <fstream>
#include <future>

#include "clients/dev/machine.hpp"
#include "tests/integration/security/protected.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Protected;
using test::Words;

namespace {

constexpr std::chrono::seconds kPatience{30};
const std::string kOpen = R"({"mode":"interactive"})";
const std::string kUpdate = R"({"branches":[{"participant":"bank_a","statements":[
  {"sql":"update account set balance = balance where id = 1","expect":{"rows":1}}]}]})";

Words link(const Protected& site, const std::string& token) {
  return {"--link-tls", "--link-ca", site.file("ca.pem"), "--link-token-file", site.file(token)};
}

bool becomes_ready(const Protected& site, const std::string& participant) {
  return dev::poll_until(
      [&] {
        return site.ask("GET", "/v1/participants/" + participant, site.with_certificate("ops"))
                   .body.find("\"state\":\"ready\"") != std::string::npos;
      },
      kPatience);
}

// Everything that a process lets others see: its command line, environment and log.
std::string visible(const dev::Process& process, const std::filesystem::path& log) {
  const std::filesystem::path proc = "/proc/" + std::to_string(process.pid());
  return test::content(proc / "cmdline") + test::content(proc / "environ") + test::content(log);
}

struct Start {
  const char* what;
  Words options;
  const char* says;
};

}  // namespace

TEST_CASE("what is not protected does not start, and says what to do") {
  Protected site;
  site.authority().sign("other", "DNS:localhost");
  site.authority().sign("expired", "DNS:localhost", "-1");
  const auto file = [&site](const char* name) { return site.file(name); };
  std::ofstream(file("empty")) << "";
  const std::vector<Start> starts = {
      {"open to the network",
       {"--listen", "0.0.0.0:0"},
       "set tls.certificate, tls.key and access_file"},
      {"the admin listener too", {"--admin-listen", "0.0.0.0:0"}, "admin.listen"},
      {"TLS alone",
       {"--listen", "0.0.0.0:0", "--tls-certificate", file("server.pem"), "--tls-key",
        file("server.key")},
       "nobody is asked who they are"},
      {"callers alone",
       {"--listen", "0.0.0.0:0", "--access-file", file("access")},
       "in clear text"},
      {"no key", {"--tls-certificate", file("server.pem")}, "needs tls.key as well"},
      {"another's key",
       {"--tls-certificate", file("server.pem"), "--tls-key", file("other.key")},
       "belong to"},
      {"no certificate in the file",
       {"--tls-certificate", file("empty"), "--tls-key", file("server.key")},
       "no certificate in PEM"},
      {"no such file",
       {"--tls-certificate", file("nowhere"), "--tls-key", file("server.key")},
       "cannot be read"},
      {"expired",
       {"--tls-certificate", file("expired.pem"), "--tls-key", file("expired.key")},
       "has expired; renew it"},
      {"a client CA and no callers",
       {"--tls-certificate", file("server.pem"), "--tls-key", file("server.key"), "--tls-client-ca",
        file("ca.pem")},
       "needs access_file as well"},
      {"no callers in the file", {"--access-file", file("empty")}, "names nobody"},
      {"no file of callers", {"--access-file", file("nowhere")}, "cannot be read"},
  };
  for (const Start& start : starts) {
    INFO(start.what);
    Words argv = site.coordinator_argv({});
    // An option is given once: the later ones replace those of the fixture.
    for (std::size_t i = 0; i < start.options.size(); i += 2) {
      const auto found = std::find(argv.begin(), argv.end(), start.options[i]);
      if (found == argv.end())
        argv.insert(argv.end(), {start.options[i], start.options[i + 1]});
      else
        *(found + 1) = start.options[i + 1];
    }
    const auto ended = Protected::run(argv);
    CHECK(ended.status.code == 78);
    INFO(ended.output);
    CHECK(ended.output.find(start.says) != std::string::npos);
    CHECK(ended.output.find("PRIVATE KEY") == std::string::npos);
  }
}

TEST_CASE("over TLS, with tokens and certificates: a transaction from end to end") {
  Protected site;
  site.start_coordinator({"--log-level", "debug"});
  const dev::Process participant = site.start_participant("bank_a", link(site, "bank_a.token"));
  REQUIRE(becomes_ready(site, "bank_a"));

  const auto assent = (dev::executable_folder() / "assent").string();
  std::ofstream(site.file("update.json")) << kUpdate;
  const auto done = Protected::run({assent, "run", site.file("update.json")},
                                   {{"ASSENT_URL", site.url()},
                                    {"ASSENT_CA_FILE", site.file("ca.pem")},
                                    {"ASSENT_TOKEN_FILE", site.file("shop.token")}});
  INFO(done.output);
  CHECK(done.status.code == 0);
  const auto stranger =
      Protected::run({assent, "--url", site.url(), "--ca", site.file("ca.pem"), "list"});
  CHECK(stranger.status.code == 1);
  HttpClientOptions trusting_nobody = site.with_token("shop.token");
  trusting_nobody.tls.ca.clear();
  const auto untrusted = site.ask("GET", "/v1/transactions", trusting_nobody);
  CHECK(untrusted.status == 0);
  CHECK(untrusted.body.find("certificate is not accepted") != std::string::npos);

  const auto begun = site.ask("POST", "/v1/transactions", site.with_token("shop.token"), kOpen);
  CHECK(begun.status == 201);
  const std::string path(*begun.header("location"));
  CHECK(site.ask("GET", path, site.with_token("shop.token")).status == 200);
  CHECK(site.ask("GET", path, site.with_token("till.token")).status == 403);
  CHECK(site.ask("GET", path, site.with_certificate("ops")).status == 200);
  CHECK(site.ask("GET", path, site.with_token({})).status == 401);
  CHECK(site.ask("GET", path, site.with_certificate("server")).status == 401);
  CHECK(site.ask("GET", path, site.with_token("bank_a.token")).status == 403);
  CHECK(site.ask("POST", path + "/rollback", site.with_token("shop.token")).status == 200);

  // Nothing of it can be read by others; the tokens did travel.
  for (const char* const name : {"shop.token", "till.token", "bank_a.token"}) {
    const std::string token = site.with_token(name).token;
    INFO(name);
    for (const std::string& text :
         {visible(site.coordinator(), site.file("coordinator.log")),
          visible(participant, site.file("bank_a.log")), test::content(site.file("access")),
          done.output, stranger.output, untrusted.body}) {
      CHECK(text.find(token) == std::string::npos);
      CHECK(text.find("PRIVATE KEY") == std::string::npos);
    }
  }
}

TEST_CASE("a participant's name is bound to its credential") {
  Protected site;
  site.start_coordinator();
  SECTION("another participant's token") {
    dev::Process other = site.start_participant("bank_a", link(site, "bank_b.token"));
    CHECK(site.coordinator().wait_for_line("its credential is another participant's", kPatience));
  }
  SECTION("a client's token") {
    dev::Process other = site.start_participant("bank_a", link(site, "shop.token"));
    CHECK(other.wait_for_line("answered 403", kPatience));
  }
  SECTION("no token") {
    dev::Process other =
        site.start_participant("bank_a", {"--link-tls", "--link-ca", site.file("ca.pem")});
    CHECK(other.wait_for_line("answered 401", kPatience));
  }
  SECTION("a coordinator that is signed by nobody known is not talked to") {
    dev::Process other = site.start_participant(
        "bank_a", {"--link-tls", "--link-token-file", site.file("bank_a.token")});
    CHECK(other.wait_for_line("certificate is not accepted", kPatience));
  }
  const auto known = site.ask("GET", "/v1/participants", site.with_certificate("ops"));
  CHECK(known.status == 200);
  CHECK(known.body.find("bank_a") == std::string::npos);
}

TEST_CASE("SIGHUP: new tokens, certificates and log level; what is bad changes nothing") {
  Protected site;
  std::ofstream(site.file("conf.toml")) << "[log]\nlevel = \"info\"\n";
  site.start_coordinator({"--config", site.file("conf.toml")});
  dev::Process participant = site.start_participant("bank_a", link(site, "bank_a.token"));
  REQUIRE(becomes_ready(site, "bank_a"));
  const std::string access = test::content(site.file("access"));

  site.write_access(access + "clint nobody\n");
  std::ofstream(site.file("server.pem"), std::ios::trunc) << "not a certificate\n";
  site.coordinator().signal(SIGHUP);
  REQUIRE(site.coordinator().wait_for_line("what=callers reason=", kPatience));
  REQUIRE(site.coordinator().wait_for_line("what=certificates reason=", kPatience));
  CHECK(site.ask("GET", "/v1/transactions", site.with_token("shop.token")).status == 200);

  // The shop's token is replaced, the participant's taken away, the server's certificate renewed
  // for another host, and only errors are logged.
  const std::string fresh = test::new_token("client", "shop", site.file("fresh.token"));
  site.write_access(fresh + "operator ops certificate=ops.example\n");
  site.authority().sign("server", "IP:127.0.0.1");
  site.coordinator().signal(SIGHUP);
  CHECK(participant.wait_for_line("does not name this credential any more", kPatience));
  CHECK(dev::poll_until(
      [&] {
        return site.ask("GET", "/v1/version", site.with_token({})).body.find("not accepted") !=
               std::string::npos;
      },
      kPatience));
  site.authority().sign("server", "DNS:localhost");
  std::ofstream(site.file("conf.toml"), std::ios::trunc) << "[log]\nlevel = \"error\"\n";
  site.coordinator().signal(SIGHUP);
  CHECK(dev::poll_until(
      [&] {
        return site.ask("GET", "/v1/transactions", site.with_token("fresh.token")).status == 200;
      },
      kPatience));
  CHECK(site.ask("GET", "/v1/transactions", site.with_token("shop.token")).status == 401);
  // At the level of errors the end is not told.
  CHECK(site.coordinator().stop(kPatience).ok());
  CHECK(site.coordinator().logged().find("asked to end") == std::string::npos);
}

namespace {

// SIGHUP, until it has read `last` again.
void reload(dev::Process& process, const std::string& last) {
  const std::string line = "read again on SIGHUP what=" + last;
  const auto count = [&] {
    const std::string log = process.logged();
    std::size_t found = 0;
    for (auto at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) ++found;
    return found;
  };
  const std::size_t before = count();
  process.signal(SIGHUP);
  REQUIRE(dev::poll_until([&] { return count() > before; }, kPatience));
  CHECK(process.logged().find("cannot be used on SIGHUP") == std::string::npos);
}

}  // namespace

// As docs/OPERATIONS.md says, step by step; after each the coordinator is started again, so that
// every link is made anew.
TEST_CASE("certificates get another signer while nobody is shut out") {
  namespace fs = std::filesystem;
  Protected site;
  fs::create_directory(site.file("new"));
  const test::Authority fresh(site.file("new"));
  site.authority().sign("bank_a", "DNS:bank_a.example");
  fresh.sign("server", "DNS:localhost");
  fresh.sign("bank_a", "DNS:bank_a.example");
  fresh.sign("ops", "DNS:ops.example");
  site.write_access(test::content(site.file("access")) +
                    "participant bank_a certificate=bank_a.example\n");
  const std::string old = test::content(site.file("ca.pem"));
  const auto put_in_place = [&site](const char* name) {
    for (const char* end : {".pem", ".key"})
      fs::copy(site.file("new/") + name + end, site.file(name) + end,
               fs::copy_options::overwrite_existing);
  };
  const auto trust = [&site](const std::string& signers) {
    std::ofstream(site.file("ca.pem"), std::ios::trunc) << signers;
  };
  site.start_coordinator();
  dev::Process participant = site.start_participant(
      "bank_a", {"--link-tls", "--link-ca", site.file("ca.pem"), "--link-certificate",
                 site.file("bank_a.pem"), "--link-key", site.file("bank_a.key")});
  REQUIRE(becomes_ready(site, "bank_a"));
  const auto reload_all = [&] {
    reload(site.coordinator(), "certificates");
    reload(participant, "\"link's credentials\"");
    CHECK(becomes_ready(site, "bank_a"));
    site.coordinator().stop(kPatience);
    site.start_coordinator();
    INFO(participant.log_tail());
    REQUIRE(becomes_ready(site, "bank_a"));
  };
  trust(old + test::content(site.file("new/ca.pem")));
  reload_all();
  put_in_place("server");  // the participant and the operator still show the old signer's
  reload_all();
  put_in_place("bank_a");
  fs::copy(site.file("ops.pem"), site.file("old_ops.pem"));
  fs::copy(site.file("ops.key"), site.file("old_ops.key"));
  put_in_place("ops");
  reload_all();
  CHECK(site.ask("GET", "/v1/participants", site.with_certificate("old_ops")).status == 200);
  trust(test::content(site.file("new/ca.pem")));
  reload_all();
  CHECK(site.ask("GET", "/v1/participants", site.with_certificate("old_ops")).status != 200);
}

TEST_CASE("a token gets another value while nobody is shut out") {
  Protected site;
  site.start_coordinator();
  const std::string line = test::new_token("client", "shop", site.file("fresh.token"));
  const std::string access = test::content(site.file("access"));
  const auto is_let_in = [&](const char* token) {
    return site.ask("GET", "/v1/transactions", site.with_token(token)).status == 200;
  };
  site.write_access(access + line);
  reload(site.coordinator(), "callers");
  CHECK((is_let_in("shop.token") && is_let_in("fresh.token")));
  site.write_access(access.substr(access.find('\n') + 1) + line);
  reload(site.coordinator(), "callers");
  CHECK((!is_let_in("shop.token") && is_let_in("fresh.token")));
}

TEST_CASE("one caller's limits are its own") {
  Protected site;
  site.start_coordinator({"--limits-transactions-per-caller", "1"});
  CHECK(site.ask("POST", "/v1/transactions", site.with_token("shop.token"), kOpen).status == 201);
  const auto refused = site.ask("POST", "/v1/transactions", site.with_token("shop.token"), kOpen);
  CHECK(refused.status == 429);
  CHECK(refused.header("retry-after") == "1");
  CHECK(site.ask("POST", "/v1/transactions", site.with_token("till.token"), kOpen).status == 201);
}

TEST_CASE("over TLS: a wait is its owner's, ends with its time or a reload, and others go on") {
  Protected site;
  site.start_coordinator();
  const HttpClientOptions shop = site.with_token("shop.token");
  const auto begun = site.ask("POST", "/v1/transactions", shop, kOpen);
  REQUIRE(begun.status == 201);
  const std::string path(*begun.header("location"));
  CHECK(site.ask("GET", path + "?wait=10s", site.with_token("till.token")).status == 403);

  HttpClient client(site.url(), shop);  // its connection is kept
  const auto status = [&](const std::string& longest, std::chrono::milliseconds patience) {
    HttpCall call;
    call.target = path + "?wait=" + longest;
    call.timeout = patience;
    const auto answer = client.call(call);
    return std::holds_alternative<HttpAnswer>(answer) ? std::get<HttpAnswer>(answer).status : 0;
  };
  for (int i = 0; i < 3; ++i) CHECK(status("50ms", kPatience) == 200);
  CHECK(status("60s", std::chrono::milliseconds(300)) == 0);  // it goes
  auto waiting = std::async(std::launch::async, [&] { return status("60s", kPatience); });
  while (waiting.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready)
    reload(site.coordinator(), "callers");
  CHECK(waiting.get() == 200);
  CHECK(status("0", kPatience) == 200);
}
