// What a running coordinator reads again on SIGHUP.
#include <csignal>
#include <fstream>

#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;

TEST_CASE("SIGHUP reads groups and limits again; what cannot be used changes nothing") {
  dev::TemporaryFolder folder;
  const std::string file = (folder.path() / "coordinator.toml").string();
  const auto write = [&file](const std::string& text) { std::ofstream(file) << text; };
  write("[groups]\nreplicas = [\"bank_a\"]\n");
  Deployment bank({.coordinator_env = {{"ASSENT_CONFIG", file}}});
  const auto reload = [&bank] { bank.coordinator().signal(SIGHUP); };
  const auto group = [&bank] { return bank.http("GET", "/v1/groups").body; };
  const auto becomes = [&](const std::string& text) {
    return dev::poll_until([&] { return group().find(text) != std::string::npos; },
                           std::chrono::seconds(30));
  };
  CHECK(becomes("bank_a"));
  write("[groups]\nreplicas = [\"bank_a\", \"bank_b\"]\n[limits]\nparticipant_branches = 1\n");
  reload();
  CHECK(becomes("bank_b"));

  // One branch at bank_a is as many as there may be.
  auto client = bank.client();
  auto open = client.begin({.timeout = std::chrono::minutes(1)});
  REQUIRE(open.has_value());
  const auto taken =
      client.execute(open->id, 1, {.participant = "bank_a", .statements = {{"select 1"}}});
  REQUIRE(taken.has_value());
  const std::string one =
      R"({"branches":[{"participant":"bank_a","statements":[{"sql":"select 1"}]}]})";
  const HttpAnswer refused = bank.http("POST", "/v1/transactions", one);
  INFO(refused.body << bank.logs());
  CHECK(refused.status == 429);

  write("[groups]\nreplicas = [\"bank_a\", \"bank_a\"]\n[limits]\nparticipant_branches = 2\n");
  reload();
  CHECK(dev::poll_until([&] { return bank.http("POST", "/v1/transactions", one).status == 201; },
                        std::chrono::seconds(30)));
  CHECK(group().find("bank_b") != std::string::npos);
  CHECK(bank.logs().find("bank_a stands twice in replicas") != std::string::npos);

  // What is read at the start only is said by name.
  write("apply_wait = \"3s\"\n[history]\ncount = 7\n[limits]\nbody = \"2MiB\"\n");
  reload();
  CHECK(dev::poll_until(
      [&] {
        const std::string logs = bank.logs();
        return logs.find("restart to apply") != std::string::npos &&
               logs.find("limits.body") != std::string::npos &&
               logs.find("history.count") != std::string::npos &&
               logs.find("apply_wait") != std::string::npos;
      },
      std::chrono::seconds(30)));
}
