// A deployment that others have started: how it is described, and that a scenario runs on it and
// leaves nothing behind.
#include "tests/lab/addresses.hpp"

#include <fstream>

#include <unistd.h>

#include "tests/integration/system/deployment.hpp"
#include "tests/lab/scenario.hpp"
#include "tests/lab/scenario_run.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using namespace assent::lab;

namespace {

std::string error_of(const std::string& text) {
  try {
    parse_addresses(text, "x");
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "no error";
}

const std::string kSteps = R"(title An own case
eventually bank_b ready within 60s
transfers until one is committed
order engine.send.commit delay:1s at coordinator
t1: transfer 100 from bank_a/1 to bank_b/1
eventually t1 in-doubt at bank_a within 30s
stop bank_b
continue bank_b
hold bank_b-coordinator
heal bank_b-coordinator
eventually t1 committed within 60s
eventually t1 answered committed within 60s
expect sum account.balance is 200000
terminate one backend of bank_a
take every slot of bank_b
t2: transfer 100 from bank_a/1 to bank_b/1
eventually t2 answered aborted within 60s
eventually t2 aborted within 60s
kill bank_b
eventually bank_b dead within 30s
)";

}  // namespace

TEST_CASE("addresses are read, and what is wrong with them is named") {
  const Addresses read = parse_addresses(
      "# mine\ncoordinator 10.0.0.1:7400 admin 10.0.0.1:7401\n"
      "participant orders admin localhost:7411 database host=/run dbname=orders user=postgres\n"
      "link orders-coordinator from 127.0.0.1:7500 to 10.0.0.1:7400\n",
      "x");
  CHECK(to_string(read.coordinator) == "10.0.0.1:7400");
  CHECK(read.names() == std::vector<std::string>{"orders"});
  CHECK(read.participants[0].conninfo == "host=/run dbname=orders user=postgres");
  CHECK(read.links.at(0).to.port == 7400);
  CHECK(error_of("coordinator 10.0.0.1 admin x") ==
        "x:1: expected an address such as 127.0.0.1:7400, not \"10.0.0.1\"");
  CHECK(error_of("\ncordinator a:1") ==
        "x:2: expected coordinator, participant or link, not \"cordinator\"");
  CHECK(error_of("coordinator a:1 admin a:2\n") == "x: there is no participant");
}

TEST_CASE("a process is found by where it listens, and by its name") {
  test::DeploymentOptions options;
  options.participants = 1;
  options.cluster.durable = false;
  test::Deployment bank(std::move(options));
  const Endpoint admin{"127.0.0.1", bank.coordinator_admin_port()};
  CHECK(listener(admin, "assent-coordinator") == bank.coordinator().pid());
  CHECK_THROWS_AS(listener(admin, "assent-participant"), std::runtime_error);
  CHECK_THROWS_AS(listener({"192.0.2.1", admin.port}, "assent-coordinator"), std::runtime_error);
}

TEST_CASE("a scenario runs on a deployment that is there, and leaves it as it was") {
  const dev::TemporaryFolder folder;
  Addresses at;
  test::DeploymentOptions options;
  options.cluster.durable = false;
  options.cluster.max_prepared_transactions = 4;
  options.faults = true;
  bool through_the_lab = false;
  options.route = [&](const std::string& link, std::uint16_t port) {
    return through_the_lab && link == "bank_b-coordinator" ? at.links.at(0).from.port : port;
  };
  test::Deployment bank(std::move(options));
  at.coordinator.port = bank.port();
  at.coordinator_admin.port = bank.coordinator_admin_port();
  for (std::size_t i = 0; i < bank.size(); ++i)
    at.participants.push_back({test::Deployment::name(i),
                               {"127.0.0.1", bank.participant_admin_port(i)},
                               bank.cluster(i).conninfo(test::Deployment::name(i))});
  at.links.push_back({"bank_b-coordinator", {"127.0.0.1", dev::free_port()}, at.coordinator});
  through_the_lab = true;
  bank.kill_participant(1);
  bank.start_participant(1);
  const Scenario scenario = parse_scenario(kSteps, "own.lab", at.names());
  const ScenarioRun run = run_scenario(scenario, folder.path(), &at);
  CHECK(run.failure == "");
  CHECK(bank.coordinator().running());
  CHECK_FALSE(bank.participant(1).running());
  for (std::size_t i = 0; i < bank.size(); ++i) {
    const std::string name = test::Deployment::name(i);
    CHECK(bank.cluster(i).value("select to_regclass('lab_mark') is null", name) == "t");
    CHECK(bank.cluster(i).value("select count(*) from pg_prepared_xacts", name) == "0");
  }
  CHECK(bank.http("GET", "/v1/participants").status == 200);
  CHECK_THROWS_AS(parse_scenario("title A\nsmall ledger\n", "x", at.names()), ScenarioError);
}
