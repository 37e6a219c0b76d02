// What only a person can end, ended by one; and what a person did by hand, found out.
#include <filesystem>
#include <future>

#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;
using test::transfer;

namespace {

client::Patience brief() {
  client::Patience patience;
  patience.limit = std::chrono::seconds(2);
  return patience;
}

struct Said {
  dev::ExitStatus status;
  std::string text;
};

// The program `assent`, as an operator runs it.
Said assent_says(const Deployment& bank, std::vector<std::string> arguments) {
  dev::ProcessOptions options;
  options.argv = {(dev::executable_folder() / "assent").string(), "--url", bank.url(), "--patience",
                  "5"};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.without_env = "ASSENT_";
  const dev::Finished finished = dev::run(options);
  return {finished.status, finished.output};
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The id in the gid of what is prepared at bank_a.
std::string prepared_id(Deployment& bank) {
  const std::string gid = bank.cluster(0).value("select gid from pg_prepared_xacts", "bank_a");
  return gid.substr(gid.size() - 36 - 1 - 6, 36);
}

// Both branches are prepared and voted for, nobody has decided, and the ledger is an old copy: of
// commits that the participants have seen it knows nothing, so that it may presume nothing.
void bring_into_doubt(Deployment& bank) {
  namespace fs = std::filesystem;
  const auto copy = bank.ledger().parent_path() / "copy";
  const dev::ExitStatus stopped = bank.coordinator().stop(std::chrono::seconds(60), SIGTERM);
  REQUIRE(stopped.ok());
  fs::copy(bank.ledger(), copy, fs::copy_options::recursive);
  bank.start_coordinator({{"ASSENT_CRASH_POINTS", "engine.log.commit=kill@2"}});
  bank.await_ready();
  REQUIRE(bank.client().run(transfer("bank_a", 2, "bank_b", 2, "1.00")).has_value());
  REQUIRE(dev::poll_until(
      [&] {
        return bank.cluster(0).value("select max(sequence) from assent.mark", "bank_a") != "0";
      },
      std::chrono::seconds(30)));
  REQUIRE_FALSE(bank.client(brief()).run(transfer("bank_a", 1, "bank_b", 1, "100.00")).has_value());
  REQUIRE(bank.coordinator().wait(std::chrono::seconds(30)));
  REQUIRE(bank.prepared() == 2);
  fs::remove_all(bank.ledger());
  fs::copy(copy, bank.ledger(), fs::copy_options::recursive);
}

// What is shown to whoever looks for what blocks can be run as it stands.
void check_what_is_advised(const Deployment& bank, const std::string& id) {
  const std::string advice = "assent resolve " + id + " --abort --preview";
  CHECK(dev::poll_until([&] { return says(assent_says(bank, {"blocking"}).text, advice); },
                        std::chrono::seconds(30)));
  CHECK(assent_says(bank, {"resolve", id, "--abort", "--preview"}).status.code == 0);
}

}  // namespace

TEST_CASE("an operator decides what a contradicted ledger cannot", "[P47][P48]") {
  const bool commits = GENERATE(true, false);
  Deployment bank;
  bring_into_doubt(bank);
  const std::string id = prepared_id(bank);
  bank.start_coordinator({{"ASSENT_CRASH_POINTS", "engine.log.resolution=kill@1"}}, {"--restored"});
  bank.await_ready();
  INFO(bank.logs());
  REQUIRE(dev::poll_until(
      [&] {
        return says(assent_says(bank, {"list", "--state", "in_doubt"}).text, id);
      },
      std::chrono::seconds(30)));
  CHECK(says(assent_says(bank, {"show", id}).text, "assent resolve " + id));
  check_what_is_advised(bank, id);

  const std::string verb = commits ? "--commit" : "--abort";
  const std::string outcome = commits ? "committed" : "aborted";
  const std::vector<std::string> decide = {"resolve", id, verb, "--reason", "4711", "--yes"};
  // Without a reason, or without anybody who could be asked, nothing is decided.
  CHECK(assent_says(bank, {"resolve", id, verb}).status.code == 2);
  const Said asked = assent_says(bank, {"resolve", id, verb, "--reason", "4711"});
  INFO(asked.text);
  CHECK(asked.status.code == 2);
  CHECK(says(asked.text, commits ? "COMMIT PREPARED" : "rolled back"));
  CHECK(bank.prepared() == 2);
  // The process dies before the decision is recorded: nothing was decided.
  CHECK(assent_says(bank, decide).status.code != 0);
  REQUIRE(bank.coordinator().wait(std::chrono::seconds(30)));
  CHECK(bank.prepared() == 2);

  bank.start_coordinator();
  bank.await_ready();
  REQUIRE(dev::poll_until(
      [&] {
        return says(assent_says(bank, {"list", "--state", "in_doubt"}).text, id);
      },
      std::chrono::seconds(30)));
  const Said done = assent_says(bank, decide);
  INFO(done.text);
  CHECK(done.status.code == 0);
  CHECK(says(done.text, "decided by somebody"));
  CHECK(bank.prepared() == 0);
  CHECK(bank.balance(0, 1) == (commits ? "900.00" : "1000.00"));
  CHECK(bank.balance(1, 1) == (commits ? "1100.00" : "1000.00"));
  CHECK(bank.client().run(transfer("bank_a", 1, "bank_b", 1, "1.00")).has_value());  // no locks

  bank.kill_coordinator();
  bank.start_coordinator();
  bank.await_ready();
  const std::string shown = bank.http("GET", "/v1/transactions/" + id).body;
  CHECK(says(shown, "\"state\":\"" + outcome + "\""));
  CHECK(says(shown, "\"reason\":\"4711\""));
  const Said other = assent_says(
      bank, {"resolve", id, commits ? "--abort" : "--commit", "--reason", "no", "--yes"});
  CHECK(other.status.code == 1);
  CHECK(says(other.text, commits ? "already-committed" : "already-aborted"));
}

// The commit was decided by another start of the ledger, and one branch has carried it out. Its
// participant is away when an operator, who cannot know, decides to abort.
TEST_CASE("an operator's decision that came too late is damage, and is acknowledged", "[P49]") {
  namespace fs = std::filesystem;
  Deployment bank;
  const auto copy = bank.ledger().parent_path() / "copy";
  REQUIRE(bank.coordinator().stop(std::chrono::seconds(60), SIGTERM).ok());
  fs::copy(bank.ledger(), copy, fs::copy_options::recursive);
  // bank_b dies before it commits.
  bank.kill_participant(1);
  bank.start_participant(1, {{"ASSENT_CRASH_POINTS", "agent.verb.finish=kill@2"}});
  bank.start_coordinator();
  bank.await_ready();
  REQUIRE(bank.client().run(transfer("bank_a", 2, "bank_b", 2, "1.00")).has_value());
  client::OneShot shot = transfer("bank_a", 1, "bank_b", 1, "100.00");
  shot.wait_for = client::WaitFor::decided;
  const auto run = bank.client().run(shot);
  REQUIRE(run.has_value());
  const std::string id = run->id;
  REQUIRE(bank.participant(1).wait(std::chrono::seconds(30)));
  REQUIRE(
      dev::poll_until([&] { return bank.balance(0, 1) == "900.00"; }, std::chrono::seconds(30)));
  bank.kill_coordinator();
  bank.kill_participant(0);
  fs::remove_all(bank.ledger());
  fs::copy(copy, bank.ledger(), fs::copy_options::recursive);

  bank.start_coordinator({}, {"--restored"});
  bank.start_participant(1);
  INFO(bank.logs());
  REQUIRE(dev::poll_until(
      [&] {
        return says(assent_says(bank, {"list", "--state", "in_doubt"}).text, id);
      },
      std::chrono::seconds(30)));
  const Said done = assent_says(bank, {"resolve", id, "--abort", "--reason", "guessed", "--yes"});
  INFO(done.text);
  CHECK(done.status.code == 0);
  CHECK(says(done.text, "unheard"));
  CHECK(bank.prepared() == 0);

  bank.start_participant(0);
  bank.await_ready();
  const auto damaged = [&] { return assent_says(bank, {"list", "--state", "damaged"}).text; };
  CHECK(dev::poll_until([&] { return says(damaged(), id); }, std::chrono::seconds(30)));
  const std::string shown = bank.http("GET", "/v1/transactions/" + id).body;
  INFO(shown);
  CHECK(says(shown, R"("state":"aborted")"));
  CHECK(says(shown, R"({"participant":"bank_a","state":"heuristic"})"));
  const auto counts = [&](const std::string& line) {
    return says(bank.http("GET", "/v1/transactions/" + id).body, line);
  };
  CHECK(counts(R"("acknowledged":false)"));
  CHECK(says(assent_says(bank, {"doctor"}).text, "damaged and not acknowledged: " + id));
  CHECK(assent_says(bank, {"acknowledge", id, "--reason", "booked by hand"}).status.code == 0);
  bank.kill_coordinator();
  bank.start_coordinator();
  bank.await_ready();
  CHECK(counts(R"("acknowledged":true)"));
  CHECK(says(damaged(), "(damaged, acknowledged)"));
}

// bank_a has voted yes, and is gone when bank_b lets the deadline pass. Somebody ends its branch.
TEST_CASE("what a person did by hand to an aborted branch is proved, both ways", "[P29][P30]") {
  const bool commits = GENERATE(true, false);
  Deployment bank;
  client::OneShot shot = transfer("bank_a", 1, "bank_b", 1, "100.00");
  shot.branches[1].statements.insert(shot.branches[1].statements.begin(),
                                     client::Statement{"select pg_sleep(60)"});
  shot.timeout = client::milliseconds(8000);
  auto run = std::async(std::launch::async, [&] { return bank.client().run(shot).has_value(); });
  REQUIRE(dev::poll_until([&] { return bank.prepared() == 1; }, std::chrono::seconds(7)));
  const std::string id = prepared_id(bank);
  const std::string gid = bank.cluster(0).value("select gid from pg_prepared_xacts", "bank_a");
  bank.kill_participant(0);
  bank.cluster(0).query(std::string(commits ? "commit" : "rollback") + " prepared '" + gid + "'",
                        "bank_a");
  CHECK_FALSE(run.get());
  bank.start_participant(0);
  bank.await_ready();
  CHECK(bank.settles());
  INFO(bank.logs());
  const auto shown = [&] { return bank.http("GET", "/v1/transactions/" + id).body; };
  CHECK(dev::poll_until([&] { return says(shown(), R"("state":"aborted")"); },
                        std::chrono::seconds(30)));
  CHECK(says(shown(), "heuristic") == commits);
  CHECK(bank.balance(0, 1) == (commits ? "900.00" : "1000.00"));
  CHECK(bank.balance(1, 1) == "1000.00");
}
