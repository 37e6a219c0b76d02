// A transfer across two real databases: in both or in neither.
#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;
using test::transfer;

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

// The sessions of assent-participant's role that are inside a transaction, over all databases.
std::size_t open_transactions(Deployment& deployment) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < deployment.size(); ++i)
    count += std::stoul(deployment.cluster(i).value(
        "select count(*) from pg_stat_activity where usename = 'assent_participant' and state like "
        "'idle in transaction%'"));
  return count;
}

}  // namespace

TEST_CASE("one-shot and interactive transfers") {
  Deployment bank;
  client::Client assent = bank.client();
  const std::int64_t total = bank.total();

  SECTION("a transfer commits in both databases and the client reads its own write") {
    const auto done = assent.run(transfer("bank_a", 1, "bank_b", 1, "12.50"));
    INFO(bank.logs());
    REQUIRE(done);
    CHECK(done->state == "committed");
    CHECK_FALSE(done->pending);
    CHECK(bank.balance(0, 1) == "987.50");
    CHECK(bank.balance(1, 1) == "1012.50");
    CHECK(bank.prepared() == 0);
    const auto again = assent.get(done->id);
    REQUIRE(again);
    CHECK(again->state == "committed");
  }

  SECTION("without funds nothing changes anywhere") {
    const auto done = assent.run(transfer("bank_a", 1, "bank_b", 1, "5000.00"));
    REQUIRE_FALSE(done);
    CHECK(done.error().fate == client::Fate::aborted);
    REQUIRE(done.error().problem);
    CHECK(done.error().problem->code == "expectation-failed");
    CHECK(done.error().problem->participant == "bank_a");
    CHECK(bank.settles());
    CHECK(bank.balance(0, 1) == "1000.00");
    CHECK(bank.balance(1, 1) == "1000.00");
  }

  SECTION("the same key and body happen once, another body is refused") {
    const auto shot = transfer("bank_a", 2, "bank_b", 2, "1.00");
    const auto first = assent.run(shot, "pay-1");
    REQUIRE(first);
    const auto second = assent.run(shot, "pay-1");
    REQUIRE(second);
    CHECK(second->id == first->id);
    CHECK(bank.balance(0, 2) == "999.00");
    const auto other = assent.run(transfer("bank_a", 2, "bank_b", 2, "2.00"), "pay-1");
    REQUIRE_FALSE(other);
    CHECK(other.error().problem->code == "idempotency-key-reused");
  }

  SECTION("interactive: statements one by one, then commit") {
    const auto begun = assent.begin();
    REQUIRE(begun);
    const auto taken = assent.execute(
        begun->id, 1,
        {"bank_a",
         {{"update account set balance = balance - 3 where id = 3 returning balance", {}, {}}}});
    REQUIRE(taken);
    CHECK(std::get<std::string>(taken->results.at(0).rows.at(0).at(0)) == "997.00");
    REQUIRE(assent.execute(
        begun->id, 2,
        {"bank_b", {{"update account set balance = balance + 3 where id = 3", {}, {}}}}));
    const auto repeated = assent.execute(
        begun->id, 2,
        {"bank_b", {{"update account set balance = balance + 3 where id = 3", {}, {}}}});
    REQUIRE(repeated);
    CHECK(repeated->results.at(0).rows_affected == 1);
    const auto done = assent.commit(begun->id);
    REQUIRE(done);
    CHECK(done->state == "committed");
    CHECK(bank.balance(1, 3) == "1003.00");
    const auto twice = assent.commit(begun->id);
    REQUIRE(twice);
    CHECK(twice->state == "committed");
    const auto late = assent.rollback(begun->id);
    REQUIRE_FALSE(late);
    CHECK(late.error().problem->code == "already-committed");
  }

  SECTION("interactive: rollback leaves nothing, and commit after it is refused") {
    const auto begun = assent.begin();
    REQUIRE(begun);
    REQUIRE(assent.execute(begun->id, 1, {"bank_a", {{"delete from account", {}, {}}}}));
    const auto undone = assent.rollback(begun->id);
    REQUIRE(undone);
    const auto late = assent.commit(begun->id);
    REQUIRE_FALSE(late);
    CHECK(late.error().fate == client::Fate::aborted);
    CHECK(dev::poll_until([&] { return open_transactions(bank) == 0; }, std::chrono::seconds(5)));
  }

  SECTION("interactive: an idle transaction is aborted and its locks are gone") {
    const auto begun = assent.begin({{}, std::chrono::milliseconds(300), {}});
    REQUIRE(begun);
    REQUIRE(
        assent.execute(begun->id, 1, {"bank_a", {{"delete from account where id = 9", {}, {}}}}));
    CHECK(dev::poll_until([&] { return open_transactions(bank) == 0; }, std::chrono::seconds(5)));
    const auto late = assent.commit(begun->id);
    REQUIRE_FALSE(late);
    CHECK(late.error().fate == client::Fate::aborted);
  }

  SECTION("read-only transactions need no record") {
    client::OneShot shot;
    shot.branches = {{"bank_a", {{"select sum(balance) from account", {}, {}}}, true},
                     {"bank_b", {{"select sum(balance) from account", {}, {}}}, true}};
    const auto done = assent.run(shot);
    REQUIRE(done);
    CHECK(done->branches.at(0).state == "read_only");
    CHECK(std::get<std::string>(done->branches.at(1).results.at(0).rows.at(0).at(0)) ==
          "100000.00");
  }

  CHECK(bank.settles());
  CHECK(bank.total() == total);
  const auto list = assent.list();
  REQUIRE(list);
  CHECK_FALSE(contains(list->json, "\"state\":\"preparing\""));
}
