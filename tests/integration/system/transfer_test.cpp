// A transfer across two real databases: in both or in neither.
#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using test::Deployment;
using test::transfer;

namespace {

// The sessions of assent-participant's role that are inside a transaction, over all databases.
std::size_t open_transactions(Deployment& deployment) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < deployment.size(); ++i)
    count += std::stoul(deployment.cluster(i).value(
        "select count(*) from pg_stat_activity where usename = 'assent_participant' and state like "
        "'idle in transaction%'"));
  return count;
}

// One installation for all cases; each moves money between accounts of its own.
struct Shared {
  static Deployment& deployment() {
    static Deployment bank;
    return bank;
  }
  Deployment& bank = deployment();
  client::Client assent = bank.client();
  const std::int64_t total = bank.total();

  // Whatever a case does: money stays money, and nothing is left behind.
  void leaves_nothing_behind() {
    CHECK(bank.settles());
    CHECK(bank.total() == total);
    CHECK(
        dev::poll_until([this] { return open_transactions(bank) == 0; }, std::chrono::seconds(30)));
  }
};

}  // namespace

TEST_CASE_METHOD(Shared,
                 "a transfer commits in both databases and the client reads its own write") {
  const auto done = assent.run(transfer("bank_a", 1, "bank_b", 1, "12.50"));
  INFO(bank.logs());
  REQUIRE(done.has_value());
  CHECK(done->state == "committed");
  CHECK_FALSE(done->pending);
  CHECK(bank.balance(0, 1) == "987.50");
  CHECK(bank.balance(1, 1) == "1012.50");
  CHECK(bank.prepared() == 0);
  const auto again = assent.get(done->id);
  REQUIRE(again.has_value());
  CHECK(again->state == "committed");
  leaves_nothing_behind();
}

TEST_CASE_METHOD(Shared, "without funds nothing changes anywhere") {
  const auto done = assent.run(transfer("bank_a", 4, "bank_b", 4, "5000.00"));
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().fate == client::Fate::aborted);
  REQUIRE(done.error().problem);
  CHECK(done.error().problem->code == "expectation-failed");
  CHECK(done.error().problem->participant == "bank_a");
  CHECK(bank.settles());
  CHECK(bank.balance(0, 4) == "1000.00");
  CHECK(bank.balance(1, 4) == "1000.00");
  leaves_nothing_behind();
}

TEST_CASE_METHOD(Shared, "the same key and body happen once, another body is refused") {
  const auto shot = transfer("bank_a", 2, "bank_b", 2, "1.00");
  const auto first = assent.run(shot, "pay-1");
  REQUIRE(first.has_value());
  const auto second = assent.run(shot, "pay-1");
  REQUIRE(second.has_value());
  CHECK(second->id == first->id);
  CHECK(bank.balance(0, 2) == "999.00");
  const auto other = assent.run(transfer("bank_a", 2, "bank_b", 2, "2.00"), "pay-1");
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().problem->code == "idempotency-key-reused");
  leaves_nothing_behind();
}

TEST_CASE_METHOD(Shared, "interactive: statements one by one, then commit") {
  const auto begun = assent.begin();
  REQUIRE(begun.has_value());
  const auto taken = assent.execute(
      begun->id, 1,
      {"bank_a",
       {{"update account set balance = balance - 3 where id = 3 returning balance", {}, {}}}});
  REQUIRE(taken.has_value());
  CHECK(std::get<std::string>(taken->results.at(0).rows.at(0).at(0)) == "997.00");
  REQUIRE(
      assent
          .execute(begun->id, 2,
                   {"bank_b", {{"update account set balance = balance + 3 where id = 3", {}, {}}}})
          .has_value());
  const auto repeated = assent.execute(
      begun->id, 2,
      {"bank_b", {{"update account set balance = balance + 3 where id = 3", {}, {}}}});
  REQUIRE(repeated.has_value());
  CHECK(repeated->results.at(0).rows_affected == 1);
  const auto done = assent.commit(begun->id);
  REQUIRE(done.has_value());
  CHECK(done->state == "committed");
  CHECK(bank.balance(1, 3) == "1003.00");
  const auto twice = assent.commit(begun->id);
  REQUIRE(twice.has_value());
  CHECK(twice->state == "committed");
  const auto late = assent.rollback(begun->id);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().problem->code == "already-committed");
  leaves_nothing_behind();
}

TEST_CASE_METHOD(Shared, "interactive: rollback leaves nothing, and commit after it is refused") {
  const auto begun = assent.begin();
  REQUIRE(begun.has_value());
  REQUIRE(assent.execute(begun->id, 1, {"bank_a", {{"delete from account", {}, {}}}}).has_value());
  const auto undone = assent.rollback(begun->id);
  REQUIRE(undone.has_value());
  const auto late = assent.commit(begun->id);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().fate == client::Fate::aborted);
  CHECK(dev::poll_until([&] { return open_transactions(bank) == 0; }, std::chrono::seconds(30)));
  leaves_nothing_behind();
}

TEST_CASE_METHOD(Shared, "interactive: an idle transaction is aborted and its locks are gone") {
  const auto begun = assent.begin({{}, std::chrono::seconds(3), {}});
  REQUIRE(begun.has_value());
  REQUIRE(assent.execute(begun->id, 1, {"bank_a", {{"delete from account where id = 9", {}, {}}}})
              .has_value());
  CHECK(dev::poll_until([&] { return open_transactions(bank) == 0; }, std::chrono::seconds(30)));
  const auto late = assent.commit(begun->id);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().fate == client::Fate::aborted);
  leaves_nothing_behind();
}

TEST_CASE_METHOD(Shared, "read-only transactions need no record") {
  client::OneShot shot;
  shot.branches = {{"bank_a", {{"select sum(balance) from account", {}, {}}}, true},
                   {"bank_b", {{"select sum(balance) from account", {}, {}}}, true}};
  const auto done = assent.run(shot);
  REQUIRE(done.has_value());
  CHECK(done->branches.at(0).state == "read_only");
  double sum = 0;
  for (const client::BranchOutcome& branch : done->branches)
    sum += std::stod(std::get<std::string>(branch.results.at(0).rows.at(0).at(0)));
  CHECK(sum == Approx(static_cast<double>(total) / 100));
  leaves_nothing_behind();
}
