// What docs/OPERATIONS.md tells an operator to do, done: move, put back, upgrade, remove, begin
// again. The SQL is taken from the page.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "tests/integration/system/load.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;
using test::Load;
using test::transfer;

namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kPatience{30};

client::Patience brief() {
  client::Patience patience;
  patience.limit = std::chrono::seconds(2);
  return patience;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

dev::Finished run(const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), (dev::executable_folder() / program).string());
  return dev::run({.argv = std::move(arguments), .without_env = "ASSENT_"});
}

// Ended as `systemctl stop` does it.
void stop(dev::Process& process) {
  const dev::ExitStatus status = process.stop(std::chrono::seconds(60), SIGTERM);
  INFO(process.log_tail());
  REQUIRE(status.ok());
}

// The same daemon with one option changed.
dev::ProcessOptions with(dev::ProcessOptions options, const std::string& option,
                         const std::string& value) {
  const auto at = std::find(options.argv.begin(), options.argv.end(), option);
  REQUIRE(at != options.argv.end());
  *std::next(at) = value;
  options.env.clear();
  return options;
}

// Commit is decided and in the ledger, and the coordinator dies before anybody has heard of it.
void die_after_decision(Deployment& bank, const client::OneShot& shot) {
  stop(bank.coordinator());
  bank.start_coordinator({{"ASSENT_CRASH_POINTS", "engine.send.commit=kill@1"}});
  bank.await_ready();
  REQUIRE_FALSE(bank.client(brief()).run(shot).has_value());
  REQUIRE(bank.coordinator().wait(kPatience));
  REQUIRE(bank.prepared() == shot.branches.size());
}

// The SQL between the fences that come after `mark` in the page.
std::string documented_sql(const std::string& mark) {
  std::ifstream file(ASSENT_SOURCE_DIR "/docs/OPERATIONS.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const auto section = page.find("\n## " + mark);
  REQUIRE(section != std::string::npos);
  const auto begin = page.find("```sql\n", section);
  REQUIRE(begin != std::string::npos);
  const auto end = page.find("```", begin + 7);
  REQUIRE(end < page.find("\n## ", section + 1));
  return page.substr(begin + 7, end - begin - 7);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

std::string field(const std::string& gid, int number) {
  std::istringstream parts(gid);
  std::string part;
  for (int i = 0; i < number; ++i) std::getline(parts, part, ':');
  return part;
}

// What the old ledger has left is not said to wait for the coordinator that is there.
void check_that_nobody_waits_in_vain(const Deployment& bank) {
  std::string blocking, doctor;
  const bool told = dev::poll_until(
      [&] {
        blocking = run("assent", {"--url", bank.url(), "--json", "blocking"}).output;
        const dev::Finished examined = run("assent", {"--url", bank.url(), "--json", "doctor"});
        doctor = to_string(examined.status) + ": " + examined.output;
        return says(blocking, "will never decide it") &&
               says(doctor, "3 branches wait for a person");
      },
      kPatience);
  CAPTURE(blocking, doctor);
  CHECK(told);
}

}  // namespace

TEST_CASE("the coordinator moves: another folder, another address, and no outcome is lost") {
  Deployment bank(3);
  die_after_decision(bank, transfer("bank_a", 1, "bank_b", 1, "100.00"));
  // A branch of which the ledger knows nothing: its transaction had not been decided.
  const std::string gid = bank.cluster(0).value("select gid from pg_prepared_xacts", "bank_a");
  std::string orphan = field(gid, 4);
  orphan.back() = orphan.back() == '0' ? '1' : '0';
  bank.cluster(0).query(
      "set role assent_participant; begin; select pg_current_xact_id(); prepare "
      "transaction 'assent1:" +
          field(gid, 2) + ":1:" + orphan + ":bank_a'",
      "bank_a");

  // Both addresses are named beforehand.
  const std::string elsewhere = "127.0.0.1:" + std::to_string(dev::free_port());
  const std::string both = "127.0.0.1:" + std::to_string(bank.port()) + "," + elsewhere;
  for (std::size_t i = 0; i < bank.size(); ++i) {
    stop(bank.participant(i));
    bank.participant(i) = dev::Process(with(bank.participant(i).options(), "--coordinator", both));
    REQUIRE(bank.participant(i).wait_for_line("started", kPatience));
  }
  stop(bank.participant(2));

  // Copied with owner and modes, the old one moved away.
  const fs::path moved = bank.ledger().parent_path() / "moved";
  REQUIRE(dev::run({.argv = {"cp", "-a", bank.ledger(), moved}}).status.ok());
  fs::rename(bank.ledger(), bank.ledger().string() + ".old");
  const dev::ProcessOptions before = bank.coordinator().options();
  bank.coordinator() = dev::Process(with(with(before, "--ledger", moved), "--listen", elsewhere));
  CHECK(bank.coordinator().wait_for_line("the ledger was moved or copied", kPatience));

  // What was decided is carried out; for what it does not know it waits for everybody.
  const auto prepared = [&](std::size_t count) {
    return dev::poll_until([&] { return bank.prepared() == count; }, kPatience);
  };
  INFO(bank.logs());
  CHECK(prepared(1));
  CHECK(bank.balance(0, 1) == "900.00");
  CHECK(bank.balance(1, 1) == "1100.00");
  const std::string url = "http://" + elsewhere;
  CHECK(dev::poll_until(
      [&] {
        return says(run("assent", {"--url", url, "blocking"}).output, "bank_c");
      },
      kPatience));
  CHECK(bank.prepared() == 1);
  bank.participant(2) = dev::Process(bank.participant(2).options());
  CHECK(prepared(0));
  CHECK(client::Client(url).run(transfer("bank_a", 1, "bank_c", 1, "1.00")).has_value());

  // Nobody can start the old one by mistake, and nothing makes a new one in its place.
  dev::Process again(before);
  const auto refused = again.wait(kPatience);
  REQUIRE(refused);
  CHECK(refused->code == 78);
}

TEST_CASE("a ledger put back has forgotten idempotency keys") {
  const bool started_since = GENERATE(false, true);
  Deployment bank;
  const fs::path copy = bank.ledger().parent_path() / "backup";
  const std::vector<std::string> backup = {"log",         "backup", "--ledger",
                                           bank.ledger(), "--to",   copy};
  REQUIRE(run("assent-coordinator", backup).status.code == 0);
  // It is there already: nothing is written over.
  CHECK(run("assent-coordinator", backup).status.code == 78);
  CHECK(run("assent-coordinator", {"log", "verify", "--ledger", copy}).status.code == 0);

  if (started_since) {
    stop(bank.coordinator());
    bank.start_coordinator();
    bank.await_ready();
  }
  const auto shot = transfer("bank_a", 1, "bank_b", 1, "100.00");
  REQUIRE(bank.client().run(shot, "pay-7").has_value());
  REQUIRE(bank.client().run(shot, "pay-7").has_value());
  CHECK(bank.balance(0, 1) == "900.00");
  REQUIRE(dev::poll_until(
      [&] {
        return bank.cluster(0).value("select max(sequence) from assent.mark", "bank_a") != "0";
      },
      kPatience));
  bank.kill_coordinator();
  fs::remove_all(bank.ledger());
  fs::rename(copy, bank.ledger());

  // Where the participants have seen a later start, it stops unless it is said to be restored.
  if (started_since) {
    bank.launch_coordinator();
    const auto stopped = bank.coordinator().wait(kPatience);
    INFO(bank.logs());
    REQUIRE(stopped);
    CHECK(stopped->code == 78);
  }
  bank.start_coordinator({}, {"--restored"});
  bank.await_ready();
  CHECK(says(bank.coordinator().logged(), "commits that this ledger does not hold"));
  REQUIRE(bank.client().run(shot, "pay-7").has_value());
  CHECK(bank.balance(0, 1) == "800.00");
}

TEST_CASE("an upgrade under load: the coordinator, then one participant after the other") {
  Deployment bank(3);
  const std::int64_t total = bank.total();
  Load load(bank, 4);
  const auto goes_on = [&] {
    const std::size_t before = load.committed();
    CHECK(dev::poll_until([&] { return load.committed() >= before + 10; }, kPatience));
  };
  goes_on();
  stop(bank.coordinator());
  bank.start_coordinator();
  goes_on();
  for (std::size_t i = 0; i < bank.size(); ++i) {
    stop(bank.participant(i));
    // Run again, as the changelog may say: before the new program.
    bank.cluster(i).run_file(dev::sql_folder() / "participant.sql", Deployment::name(i));
    bank.start_participant(i);
    goes_on();
  }
  load.stop();
  bank.await_ready();
  INFO(bank.logs());
  CHECK(bank.settles());
  CHECK(bank.total() == total);
  for (const std::string& wrong : load.contradictions()) FAIL_CHECK(wrong);
}

TEST_CASE("a participant is removed; the ledger remembers its name") {
  Deployment bank(3);
  REQUIRE(bank.client().run(transfer("bank_c", 1, "bank_a", 1, "1.00")).has_value());
  // What the statements of transactions have made belongs to the role, and must stay.
  bank.cluster(2).query(
      "grant create on schema public to assent_participant; set role assent_participant; create "
      "table made as select 1 as n",
      "bank_c");
  const auto participants = [&] {
    return run("assent", {"--url", bank.url(), "participants"}).output;
  };
  CHECK(bank.cluster(2).value("select count(*) from pg_prepared_xacts where gid like "
                              "'assent1:%:bank_c'") == "0");
  stop(bank.participant(2));
  bank.cluster(2).query(documented_sql("Remove a participant"), "bank_c");
  CHECK(bank.cluster(2).value(
            "select count(*) from pg_roles where rolname = 'assent_participant'") == "0");
  CHECK(bank.cluster(2).value("select count(*) from pg_namespace where nspname = 'assent'",
                              "bank_c") == "0");
  CHECK(bank.cluster(2).value("select n from made", "bank_c") == "1");

  for (int start = 0; start < 2; ++start) {
    INFO(participants());
    CHECK(says(participants(), "bank_c"));
    const auto refused = bank.client(brief()).run(transfer("bank_c", 1, "bank_a", 1, "1.00"));
    CHECK_FALSE(refused.has_value());
    CHECK(bank.client().run(transfer("bank_a", 1, "bank_b", 1, "1.00")).has_value());
    stop(bank.coordinator());
    bank.start_coordinator();
    REQUIRE(dev::poll_until(
        [&] {
          return bank.client(brief()).run(transfer("bank_a", 2, "bank_b", 2, "1.00")).has_value();
        },
        kPatience));
  }
}

// What the SQL of the page finds in the databases of an installation without its ledger.
struct Left {
  std::map<std::string, std::vector<std::pair<std::size_t, std::string>>> prepared;  // where, gid
  std::map<std::string, std::set<std::string>> decided;
};

Left look_around(Deployment& bank, const std::string& new_ledger) {
  Left left;
  const std::string sql = replaced(documented_sql("Disaster"), "NEW-LEDGER", new_ledger);
  const auto split = sql.find(";\n") + 2;
  for (std::size_t i = 0; i < bank.size(); ++i)
    for (const dev::Row& row : bank.cluster(i).query(sql.substr(0, split), Deployment::name(i)))
      left.prepared[*row[0]].emplace_back(i, *row[1]);
  for (const auto& each : left.prepared)
    for (std::size_t i = 0; i < bank.size(); ++i)
      for (const dev::Row& row : bank.cluster(i).query(
               replaced(sql.substr(split), "TRANSACTION", each.first), Deployment::name(i)))
        left.decided[each.first].insert(*row[0]);
  return left;
}

TEST_CASE("a ledger is lost without a backup, and a person ends what it has left") {
  Deployment bank(3);
  const std::int64_t total = bank.total();
  // Of the first transaction one branch has committed and the other one not; the second one was
  // prepared in both databases and never decided.
  stop(bank.coordinator());
  bank.start_coordinator({{"ASSENT_CRASH_POINTS", "engine.log.commit=kill@2"}});
  stop(bank.participant(1));
  bank.start_participant(1, {{"ASSENT_CRASH_POINTS", "agent.verb.finish=kill@1"}});
  bank.await_ready();
  client::OneShot known = transfer("bank_a", 1, "bank_b", 1, "100.00");
  known.wait_for = client::WaitFor::decided;
  REQUIRE(bank.client().run(known).has_value());
  REQUIRE(bank.participant(1).wait(kPatience));
  REQUIRE(dev::poll_until([&] { return bank.balance(0, 1) == "900.00"; }, kPatience));
  REQUIRE_FALSE(bank.client(brief()).run(transfer("bank_a", 2, "bank_c", 2, "7.00")).has_value());
  REQUIRE(bank.coordinator().wait(kPatience));
  REQUIRE(bank.prepared() == 3);
  const std::string first = bank.cluster(1).value("select gid from pg_prepared_xacts", "bank_b");
  fs::rename(bank.ledger(), bank.ledger().string() + ".lost");

  REQUIRE(run("assent-coordinator", {"init", "--ledger", bank.ledger()}).status.code == 0);
  bank.start_coordinator();
  bank.start_participant(1);
  bank.await_ready();
  const std::string version = bank.http("GET", "/v1/version").body;
  const std::string ledger = version.substr(version.find("\"ledger\":\"") + 10, 36);
  const Left left = look_around(bank, ledger);
  INFO(bank.logs());
  check_that_nobody_waits_in_vain(bank);
  CHECK(left.prepared.size() == 2);
  for (const auto& [tx, branches] : left.prepared) {
    const bool is_first = tx == field(first, 4);
    CHECK(branches.size() == (is_first ? 1U : 2U));
    const auto known_to = left.decided.find(tx);
    CHECK((known_to != left.decided.end()) == is_first);
    if (is_first) CHECK(known_to->second == std::set<std::string>{"committed"});
    for (const auto& [where, gid] : branches)
      bank.cluster(where).query(
          (is_first ? "commit prepared '" : "rollback prepared '") + gid + "'",
          Deployment::name(where));
  }
  CHECK(bank.prepared() == 0);
  CHECK(bank.balance(1, 1) == "1100.00");
  CHECK(bank.balance(2, 2) == "1000.00");
  CHECK(bank.total() == total);
  CHECK(bank.client().run(transfer("bank_a", 1, "bank_b", 1, "1.00")).has_value());
}
