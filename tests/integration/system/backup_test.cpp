// The ledger for an operator: looked at, copied while it is used, lost, and put back.
#include <fstream>

#include "tests/integration/system/load.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;
using test::Load;
using test::transfer;

namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kPatience{90};

dev::Finished coordinator(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), (dev::executable_folder() / "assent-coordinator").string());
  return dev::run({.argv = std::move(arguments), .without_env = "ASSENT_"});
}

bool says(const dev::Finished& finished, const std::string& text) {
  return finished.output.find(text) != std::string::npos;
}

void flip_byte(const std::string& name, std::streamoff offset) {
  std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
  const int byte = file.seekg(offset).get();
  file.seekp(offset).put(static_cast<char>(byte ^ 0xff));
}

}  // namespace

TEST_CASE("a backup made under load, put back after the ledger is lost") {
  Deployment bank(3);
  const std::int64_t total = bank.total();
  const fs::path copy = bank.ledger().parent_path() / "backup";
  {
    Load load(bank, 6);
    const auto reaches = [&](std::size_t count) {
      return dev::poll_until([&] { return load.committed() >= count; }, kPatience);
    };
    REQUIRE(reaches(20));
    const auto made = coordinator({"log", "backup", "--ledger", bank.ledger(), "--to", copy});
    INFO(made.output);
    REQUIRE(made.status.code == 0);
    REQUIRE(reaches(load.committed() + 20));
    bank.kill_coordinator();
    // Nobody repeats a request to a ledger that has forgotten its key.
    load.stop();

    fs::remove_all(bank.ledger());
    fs::rename(copy, bank.ledger());
    bank.start_coordinator({}, {"--restored"});
    bank.await_ready();
    INFO(bank.logs());
    // What was answered holds, and where one participant has heard of a commit, all the others do.
    // (What nobody has heard of stays prepared, for a person: it is in no database then.)
    const auto all_is_well = [&] { return load.contradictions().empty() && bank.total() == total; };
    if (!dev::poll_until(all_is_well, kPatience))
      for (const std::string& wrong : load.contradictions()) FAIL_CHECK(wrong);
    CHECK(bank.total() == total);
  }
  // It works on.
  client::OneShot shot;
  for (const char* name : {"bank_a", "bank_b"})
    shot.branches.push_back({name, {{"insert into marker values ('after')", {}, 1}}});
  CHECK(bank.client().run(shot).has_value());
}

TEST_CASE("the ledger of a running coordinator can be looked at") {
  Deployment bank;
  REQUIRE(bank.client().run(transfer("bank_a", 1, "bank_b", 1, "1.00")).has_value());
  const std::string ledger = bank.ledger();
  const auto verified = coordinator({"log", "verify", "--ledger", ledger});
  INFO(verified.output);
  CHECK(verified.status.code == 0);
  CHECK(says(verified, "participants  bank_a, bank_b\n"));
  CHECK(says(verified, "in use        by process " + std::to_string(bank.coordinator().pid())));
  CHECK(says(verified, "the last commit is number 1\n"));

  const auto text = coordinator({"log", "dump", "--ledger", ledger});
  CHECK(text.status.code == 0);
  CHECK(says(text, ".log:80 EpochRecord epoch=1"));
  CHECK(says(text, "CommitRecord tx="));
  const auto lines = coordinator({"log", "dump", "--json", "--ledger", ledger});
  CHECK(lines.status.code == 0);
  CHECK(says(lines, R"("offset":80,"kind":"epoch","epoch":1,)"));
  CHECK(says(lines, R"("branches":[{"participant":"bank_a",)"));

  const auto online =
      coordinator({"config", "check", "--online", "--ledger", ledger, "--listen",
                   "127.0.0.1:" + std::to_string(bank.port()), "--admin-listen", "127.0.0.1:0"});
  INFO(online.output);
  CHECK(online.status.code == 0);
  CHECK(says(online, "in use by process " + std::to_string(bank.coordinator().pid())));
  CHECK(says(online, std::to_string(bank.port()) + " is the running coordinator's"));
  CHECK(says(online, "A sync of the ledger's disk takes"));
}

TEST_CASE("what is wrong with a ledger or an address is said before a start") {
  Deployment bank;
  bank.coordinator().stop();
  const auto check = [&](const std::string& ledger) {
    return coordinator({"config", "check", "--online", "--ledger", ledger, "--listen",
                        bank.participant_admin(0), "--admin-listen", "127.0.0.1:0"});
  };
  const auto taken = check(bank.ledger());
  INFO(taken.output);
  CHECK(taken.status.code == 78);
  CHECK(says(taken, "is whole and not in use"));
  CHECK(says(taken, bank.participant_admin(0) + " cannot be listened on"));
  CHECK(says(check(bank.ledger().string() + "-missing"), "cannot list"));

  std::string name;
  for (const auto& entry : fs::directory_iterator(bank.ledger()))
    if (entry.path().extension() == ".log") name = entry.path();
  flip_byte(name, 100);
  const auto damaged = coordinator({"log", "verify", "--ledger", bank.ledger()});
  INFO(damaged.output);
  CHECK(damaged.status.code == 78);
  CHECK(says(damaged, fs::path(name).filename().string() + ", offset 80: "));
  CHECK(coordinator(
            {"log", "backup", "--ledger", bank.ledger(), "--to", bank.ledger().string() + "-copy"})
            .status.code == 78);
}
