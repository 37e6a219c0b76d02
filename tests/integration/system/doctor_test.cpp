// `assent doctor` over real daemons and databases: what is wrong is found where it is.
#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;

namespace {

dev::Finished doctor(const Deployment& bank, std::vector<std::string> more = {}) {
  std::vector<std::string> argv = {(dev::executable_folder() / "assent").string(), "--url",
                                   bank.url(), "doctor"};
  argv.insert(argv.end(), more.begin(), more.end());
  return dev::run({.argv = std::move(argv), .without_env = "ASSENT_"}, std::chrono::minutes(3));
}

bool says(const dev::Finished& finished, const std::string& text) {
  return finished.output.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("doctor: a deployment that is well, then databases that are not") {
  Deployment bank;
  dev::Finished last;
  const auto is_well = [&] {  // once both have told the coordinator where they can be asked
    last = doctor(bank);
    return last.status.code == 0 && !says(last, "not examined");
  };
  CHECK(dev::poll_until(is_well, std::chrono::seconds(90)));
  INFO(last.output);
  CHECK_FALSE(says(last, "error "));

  // What somebody changes in a database while everything runs.
  bank.cluster(0).query("alter role assent_participant connection limit 20");
  bank.cluster(1).query("alter system set full_page_writes = off");
  bank.cluster(1).query("select pg_reload_conf()");
  const auto ill = [&] {
    last = doctor(bank);
    return last.status.code == 1 && says(last, "may open 20 connections") &&
           says(last, "full_page_writes is off");
  };
  CHECK(dev::poll_until(ill, std::chrono::seconds(90)));
}

TEST_CASE("doctor: the coordinator and a database are down") {
  Deployment bank;
  bank.kill_coordinator();
  bank.cluster(1).crash();
  const auto found = doctor(bank, {"--participant", bank.participant_admin(0), "--participant",
                                   bank.participant_admin(1)});
  INFO(found.output);
  CHECK(found.status.code == 1);
  CHECK(says(found, "error     coordinator  Cannot connect to"));
  CHECK(says(found, "error     bank_b       The database cannot be reached"));
  CHECK_FALSE(says(found, "bank_a"));
}

TEST_CASE("doctor: a database that is silent holds up neither it nor the participant's end") {
  Deployment bank;
  bank.cluster(0).pause();
  const auto found = doctor(bank, {"--participant", bank.participant_admin(0)});
  bank.cluster(0).resume();
  INFO(found.output);
  CHECK(found.status.code == 1);
  CHECK(says(found, "error     bank_a       The database cannot be reached"));
  const auto ended = bank.participant(0).stop(std::chrono::seconds(60));
  CHECK(ended.code == 0);
}

TEST_CASE(
    "config check: a role for clients' statements that leads elsewhere, or tells its password") {
  const auto check = [](const std::string& statements) {
    return dev::run(
        {.argv = {(dev::executable_folder() / "assent-participant").string(), "config", "check",
                  "--name", "shop", "--database", "dbname=shop", "--statements", statements},
         .without_env = "ASSENT_"});
  };
  CHECK(check("user=shop_clients").status.code == 0);
  const auto elsewhere = check("user=shop_clients host=elsewhere");
  CHECK(elsewhere.status.code == 78);
  CHECK(says(elsewhere, "statements (option --statements): host is not for it"));
  const auto open = check("user=shop_clients password=hunter2");
  CHECK(open.status.code == 78);
  CHECK(says(open, "use a passfile, ASSENT_STATEMENTS or the configuration file"));
  CHECK_FALSE(says(open, "hunter2"));
}
