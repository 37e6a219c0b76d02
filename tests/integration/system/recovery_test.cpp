// Whatever dies and returns: one outcome everywhere, without anybody's help.
#include <algorithm>

#include "tests/integration/system/load.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;
using test::Load;
using test::transfer;

namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

client::Patience brief() {
  client::Patience patience;
  patience.limit = std::chrono::seconds(2);
  return patience;
}

// Who dies, in turn, while clients go on.
void kill_in_turn(Deployment& bank, Load& load, std::size_t cycles) {
  for (std::size_t cycle = 0; cycle < cycles; ++cycle) {
    const std::size_t before = load.committed();
    CHECK(
        dev::poll_until([&] { return load.committed() >= before + 5; }, std::chrono::seconds(90)));
    const std::size_t site = cycle % bank.size();
    switch (cycle % 3) {
      case 0:
        bank.kill_coordinator();
        bank.start_coordinator();
        break;
      case 1:
        bank.kill_participant(site);
        bank.start_participant(site);
        break;
      case 2:
        bank.cluster(site).crash();
        bank.cluster(site).start();
        break;
    }
  }
}

}  // namespace

TEST_CASE("kill -9 of coordinator, participants and databases under load") {
  Deployment bank(3);
  const std::int64_t total = bank.total();
  Load load(bank, 6);
  kill_in_turn(bank, load, 12);
  load.stop();
  bank.await_ready();
  INFO(bank.logs());
  CHECK(bank.settles());
  CHECK(bank.total() == total);
  CHECK(joined(load.contradictions()) == "");
}

TEST_CASE("the coordinator dies at each point of a commit") {
  struct Point {
    const char* name;
    bool commits;
  };
  // Before the record is on disk nothing may have been decided; from then on it is.
  const Point point = GENERATE(Point{"engine.log.commit", false}, Point{"engine.send.commit", true},
                               Point{"engine.reply", true});
  Deployment bank;
  const std::int64_t total = bank.total();
  bank.kill_coordinator();
  bank.start_coordinator({{"ASSENT_CRASH_POINTS", std::string(point.name) + "=kill@1"}});
  bank.await_ready();
  const auto shot = transfer("bank_a", 1, "bank_b", 1, "100.00");
  const auto cut = bank.client(brief()).run(shot, "pay-7");
  INFO(point.name << "\n" << bank.logs());
  REQUIRE_FALSE(cut.has_value());
  CHECK(cut.error().fate == client::Fate::unknown);
  REQUIRE(bank.coordinator().wait(std::chrono::seconds(30)));
  if (std::string(point.name) != "engine.reply") CHECK(bank.prepared() == 2);

  bank.start_coordinator();
  bank.await_ready();
  CHECK(bank.settles());
  CHECK(bank.total() == total);
  CHECK(bank.balance(0, 1) == (point.commits ? "900.00" : "1000.00"));
  CHECK(bank.balance(1, 1) == (point.commits ? "1100.00" : "1000.00"));

  // The same key drives it to its end: once, whatever had become of the first attempt.
  const auto again = bank.client().run(shot, "pay-7");
  REQUIRE(again.has_value());
  CHECK(bank.balance(0, 1) == "900.00");
  CHECK(bank.balance(1, 1) == "1100.00");
}

TEST_CASE("a person resolves a prepared branch by hand") {
  const bool commits = GENERATE(true, false);
  Deployment bank;
  bank.kill_coordinator();
  bank.start_coordinator({{"ASSENT_CRASH_POINTS", "engine.send.commit=kill@1"}});
  bank.await_ready();
  const auto cut = bank.client(brief()).run(transfer("bank_a", 1, "bank_b", 1, "100.00"));
  REQUIRE_FALSE(cut.has_value());
  REQUIRE(bank.coordinator().wait(std::chrono::seconds(30)));
  REQUIRE(bank.prepared() == 2);

  const std::string gid = bank.cluster(0).value("select gid from pg_prepared_xacts", "bank_a");
  const std::string id = gid.substr(gid.size() - 36 - 1 - 6, 36);
  bank.cluster(0).query(std::string(commits ? "commit" : "rollback") + " prepared '" + gid + "'",
                        "bank_a");
  bank.start_coordinator();
  bank.await_ready();
  CHECK(bank.settles());
  INFO(bank.logs());
  const auto shows = [&](const char* what) {
    return dev::poll_until(
        [&] {
          return bank.http("GET", "/v1/transactions/" + id).body.find(what) != std::string::npos;
        },
        std::chrono::seconds(30));
  };
  CHECK(bank.balance(1, 1) == "1100.00");
  if (commits) {
    CHECK(shows("\"state\":\"committed\""));
    CHECK(bank.http("GET", "/v1/transactions/" + id).body.find("heuristic") == std::string::npos);
    CHECK(bank.balance(0, 1) == "900.00");
  } else {
    CHECK(shows("heuristic"));
    // It is kept across restarts.
    bank.kill_coordinator();
    bank.start_coordinator();
    bank.await_ready();
    CHECK(shows("heuristic"));
  }
}

TEST_CASE("a foreign prepared transaction is never touched, and one of an unknown ledger neither") {
  Deployment bank;
  const std::string other =
      "assent1:11111111-1111-4111-8111-111111111111:1:0199aaaa-0000-7000-8000-000000000000:bank_a";
  bank.cluster(0).query(
      "begin; insert into account values (501, 'x', 1); prepare transaction '" + other + "'",
      "bank_a");
  bank.cluster(0).query(
      "begin; insert into account values (502, 'x', 1); prepare transaction 'xa-1'", "bank_a");
  for (int i = 0; i < 2; ++i) {
    bank.kill_participant(0);
    bank.start_participant(0);
    bank.kill_coordinator();
    bank.start_coordinator();
    bank.await_ready();
  }
  CHECK(bank.client().run(transfer("bank_a", 1, "bank_b", 1, "1.00")).has_value());
  CHECK(bank.cluster(0).value("select count(*) from pg_prepared_xacts") == "2");
}

TEST_CASE("an orphan of this ledger is found and rolled back") {
  Deployment bank;
  const HttpAnswer version = bank.http("GET", "/v1/version");
  const auto at = version.body.find("\"ledger\":\"");
  REQUIRE(at != std::string::npos);
  const std::string ledger = version.body.substr(at + 10, 36);
  // A fresh id: as if a PREPARE had finished after everybody had forgotten it.
  const auto probe = bank.client().begin();
  REQUIRE(probe.has_value());
  std::string orphan = probe->id;
  orphan[35] = orphan[35] == '0' ? '1' : '0';
  bank.cluster(0).query(
      "set role assent_participant; begin; select pg_current_xact_id(); prepare transaction "
      "'assent1:" +
          ledger + ":1:" + orphan + ":bank_a'",
      "bank_a");
  CHECK(bank.settles(std::chrono::seconds(30)));
}

TEST_CASE("a lost ledger is not made again, and another ledger does not decide") {
  Deployment bank;
  bank.kill_coordinator();
  bank.start_coordinator({{"ASSENT_CRASH_POINTS", "engine.send.commit=kill@1"}});
  bank.await_ready();
  REQUIRE_FALSE(bank.client(brief()).run(transfer("bank_a", 1, "bank_b", 1, "100.00")).has_value());
  REQUIRE(bank.coordinator().wait(std::chrono::seconds(30)));
  std::filesystem::remove_all(bank.ledger());
  CHECK_THROWS(bank.start_coordinator());
  dev::ProcessOptions init;
  init.argv = {(dev::executable_folder() / "assent-coordinator").string(), "init", "--ledger",
               bank.ledger().string()};
  REQUIRE(dev::run(init).status.ok());
  bank.start_coordinator();
  bank.await_ready();
  // What the lost ledger had decided stays in doubt; what is new works.
  CHECK(bank.client().run(transfer("bank_a", 2, "bank_b", 2, "1.00")).has_value());
  CHECK_FALSE(bank.settles(std::chrono::seconds(6)));
  CHECK(bank.prepared() == 2);
}

TEST_CASE("a ledger put back from an old copy rolls nothing back that had been committed") {
  const bool killed_at_once = GENERATE(false, true);  // after COMMIT PREPARED, before all else
  Deployment bank;
  const auto copy = bank.ledger().parent_path() / "copy";
  REQUIRE(bank.client().run(transfer("bank_a", 2, "bank_b", 2, "1.00")).has_value());
  const dev::ExitStatus stopped = bank.coordinator().stop(std::chrono::seconds(60), SIGTERM);
  INFO("the coordinator " << to_string(stopped) << "\n" << bank.logs());
  REQUIRE(stopped.ok());
  std::filesystem::copy(bank.ledger(), copy, std::filesystem::copy_options::recursive);
  // The commit is applied in one branch only: the other's participant dies of it.
  bank.kill_participant(1);
  bank.start_participant(1, {{"ASSENT_CRASH_POINTS", "agent.verb.finish=kill@1"}});
  if (killed_at_once) {
    bank.kill_participant(0);
    bank.start_participant(0, {{"ASSENT_CRASH_POINTS", "agent.done.finish=kill@1"}});
  }
  bank.start_coordinator();
  bank.await_ready();
  client::OneShot shot = transfer("bank_a", 1, "bank_b", 1, "100.00");
  shot.wait_for = client::WaitFor::decided;
  REQUIRE(bank.client().run(shot).has_value());
  REQUIRE(bank.participant(1).wait(std::chrono::seconds(30)));
  REQUIRE(dev::poll_until([&] { return bank.prepared() == 1; }, std::chrono::seconds(30)));
  bank.kill_coordinator();
  bank.start_participant(1);
  if (killed_at_once) {
    REQUIRE(bank.participant(0).wait(std::chrono::seconds(30)));
    bank.start_participant(0);
  }
  std::filesystem::remove_all(bank.ledger());
  std::filesystem::copy(copy, bank.ledger(), std::filesystem::copy_options::recursive);

  // Its epoch is one that the participants have seen: it ends by itself and says what to do.
  bank.start_coordinator();
  REQUIRE(bank.coordinator().wait(std::chrono::seconds(30)));
  CHECK(bank.coordinator().log_tail().find("--restored") != std::string::npos);
  bank.start_coordinator({}, {"--restored"});
  bank.await_ready();
  INFO(bank.logs());
  CHECK(bank.settles());
  CHECK(bank.balance(0, 1) == "900.00");
  CHECK(bank.balance(1, 1) == "1100.00");
}
