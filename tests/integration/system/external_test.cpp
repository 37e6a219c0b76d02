// External transactions with real daemons: the application's own connections prepare, and whatever
// dies meanwhile, all branches end alike.
#include "tests/integration/system/deployment.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using namespace std::chrono_literals;
using test::Deployment;

namespace {

struct Shared {
  static Deployment& deployment() {
    static Deployment bank;
    static const bool ready = [] {
      for (std::size_t i = 0; i < bank.size(); ++i) {
        bank.cluster(i).query("create role shop_app login");
        bank.cluster(i).query("grant assent_branch to shop_app");
        bank.cluster(i).query("grant all on account to shop_app", database(i));
      }
      return true;
    }();
    REQUIRE(ready);
    return bank;
  }
  static std::string database(std::size_t i) { return Deployment::name(i); }
  Deployment& bank = deployment();
  client::Client assent = bank.client({.limit = 5s});
  const std::int64_t total = bank.total();

  client::Transaction begin(client::milliseconds timeout = 60s) {
    const auto begun =
        assent.begin_external({.participants = {"bank_a", "bank_b"}, .timeout = timeout});
    REQUIRE(begun.has_value());
    REQUIRE(begun->state == "open");
    REQUIRE(begun->branches.at(0).prepare.size() == 3);
    return *begun;
  }
  // In one request, as a driver without two-phase calls of its own would.
  void prepare(const client::Transaction& transaction, std::size_t i, int account) {
    const std::string change = i == 0 ? "- 5" : "+ 5";
    std::string sql = "begin; update account set balance = balance " + change +
                      " where id = " + std::to_string(account);
    for (const std::string& statement : transaction.branches.at(i).prepare) sql += "; " + statement;
    dev::query(bank.cluster(i).conninfo(database(i), "shop_app"), sql);
  }
  std::string problem_of_commit(const client::Transaction& transaction) {
    const auto done = assent.commit(transaction.id);
    REQUIRE_FALSE(done.has_value());
    REQUIRE(done.error().problem);
    return done.error().problem->code;
  }
  void leaves_nothing_behind() {
    INFO(bank.logs());
    CHECK(bank.settles());
    CHECK(bank.total() == total);
  }
};

}  // namespace

TEST_CASE_METHOD(Shared, "external: prepared by the application, committed in both databases") {
  const auto transaction = begin();
  prepare(transaction, 0, 11);
  CHECK(problem_of_commit(transaction) == "branch-not-prepared");
  CHECK(assent.get(transaction.id)->state == "open");
  prepare(transaction, 1, 11);
  const auto done = assent.commit(transaction.id);
  REQUIRE(done.has_value());
  CHECK(done->state == "committed");
  CHECK(bank.balance(0, 11) == "995.00");
  CHECK(bank.balance(1, 11) == "1005.00");
  CHECK(assent.commit(transaction.id).has_value());
  leaves_nothing_behind();
}

TEST_CASE_METHOD(Shared, "external: rolled back, by the client or by its deadline") {
  SECTION("by the client; and what is prepared afterwards, too") {
    const auto transaction = begin();
    prepare(transaction, 0, 12);
    REQUIRE(assent.rollback(transaction.id).has_value());
    prepare(transaction, 1, 12);
    leaves_nothing_behind();
    CHECK(problem_of_commit(transaction) == "rolled-back");
  }
  SECTION("by its deadline") {
    const auto transaction = begin(1s);
    prepare(transaction, 0, 12);
    leaves_nothing_behind();
    CHECK(problem_of_commit(transaction) == "deadline-exceeded");
  }
  CHECK(bank.balance(0, 12) == "1000.00");
  CHECK(bank.balance(1, 12) == "1000.00");
}

TEST_CASE_METHOD(Shared, "external: a participant that restarts meanwhile ends nothing") {
  const auto transaction = begin();
  prepare(transaction, 0, 13);
  bank.kill_participant(0);
  prepare(transaction, 1, 13);
  bank.start_participant(0);
  bank.await_ready();
  const auto done = assent.commit(transaction.id);
  REQUIRE(done.has_value());
  CHECK(done->state == "committed");
  CHECK(bank.balance(0, 13) == "995.00");
  CHECK(bank.balance(1, 13) == "1005.00");
  leaves_nothing_behind();
}

TEST_CASE_METHOD(Shared, "external: a coordinator that restarts has forgotten it: aborted") {
  const auto transaction = begin();
  prepare(transaction, 0, 14);
  bank.kill_coordinator();
  bank.start_coordinator();
  bank.await_ready();
  prepare(transaction, 1, 14);
  leaves_nothing_behind();
  const auto done = assent.commit(transaction.id);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().fate == client::Fate::aborted);
  CHECK(bank.balance(0, 14) == "1000.00");
}

TEST_CASE_METHOD(Shared, "external: work done once more under the same gid is not committed") {
  const auto transaction = begin();
  prepare(transaction, 0, 15);
  prepare(transaction, 1, 15);
  REQUIRE(assent.commit(transaction.id).has_value());
  REQUIRE(bank.settles());
  prepare(transaction, 0, 15);
  CHECK(bank.prepared() == 1);
  leaves_nothing_behind();
  CHECK(bank.balance(0, 15) == "995.00");
  CHECK(assent.get(transaction.id)->state == "committed");
}
