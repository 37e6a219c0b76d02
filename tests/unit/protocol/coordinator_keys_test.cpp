// Retries whose key has been forgotten: what says when it was first sent is never run twice.
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/support/coordinator_bench.hpp"

using namespace assent;
using bench::CoordinatorBench;
using bench::kWall;
using bench::tx;

namespace {

Begin keyed(CoordinatorBench& b, std::uint8_t number, std::uint8_t key,
            std::int64_t first_sent_ms) {
  Begin begin = b.one_shot(number, tx(number, b.now.wall_ms));
  begin.key = bench::request_key(key);
  begin.key->first_sent_ms = first_sent_ms;
  return begin;
}

// Commits a request under the key and forgets it.
void commit_and_forget(CoordinatorBench& b, std::uint8_t key, std::int64_t first_sent_ms) {
  const Begin begin = keyed(b, key, key, first_sent_ms);
  b.act(begin);
  for (const char* name : {"orders", "stock"}) b.vote(begin.tx, name, Verdict::yes);
  b.logged();
  for (const char* name : {"orders", "stock"}) b.applied(begin.tx, name, Outcome::committed);
  b.logged();
  b.tick_after(b.limits.finished_kept_for);
  REQUIRE(b.m().find(begin.tx) == nullptr);
}

constexpr const char* kRefused = "refuse history-expired unknown";
constexpr const char* kRun = "Prepare to both";

}  // namespace

TEST_CASE("keys: a dated retry of what was forgotten is refused, an undated one runs", "[P27]") {
  CoordinatorBench b = bench::working_coordinator();
  commit_and_forget(b, 1, kWall);
  CHECK(b.act(keyed(b, 2, 1, kWall)) == kRefused);
  CHECK(b.act(keyed(b, 3, 1, 0)) == kRun);
  // One that was underway for as long may be another such; what was sent since is none.
  CHECK(b.act(keyed(b, 4, 4, kWall)) == kRefused);
  CHECK(b.act(keyed(b, 5, 5, kWall + 1)) == kRun);
}

TEST_CASE("keys: what is still known is joined, however old", "[P27]") {
  CoordinatorBench b = bench::working_coordinator();
  commit_and_forget(b, 1, kWall + 100);
  Begin slow = keyed(b, 2, 2, kWall + 200);
  slow.timeout = Duration(3'600'000);
  b.act(slow);
  commit_and_forget(b, 3, kWall + 300);
  // It is still at work.
  CHECK(b.act(keyed(b, 4, 2, kWall + 200)).empty());
}

TEST_CASE("keys: only a commit that wrote makes its time count", "[P27]") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(keyed(b, 1, 1, kWall));
  const TxId aborted = tx(1, b.now.wall_ms);
  b.vote(aborted, "orders", Verdict::no);
  b.applied(aborted, "stock", Outcome::aborted);
  const Begin read = keyed(b, 2, 2, kWall + 5);
  b.act(read);
  for (const char* name : {"orders", "stock"}) b.vote(read.tx, name, Verdict::read_only);
  b.tick_after(b.limits.finished_kept_for);
  REQUIRE(b.m().transactions().empty());
  CHECK(b.act(keyed(b, 3, 1, kWall)) == kRun);
}

TEST_CASE("keys: a client whose clock is ahead is refused, by more than a minute", "[P27]") {
  CoordinatorBench b = bench::working_coordinator();
  CHECK(b.act(keyed(b, 1, 1, b.now.wall_ms + 60'000)) == kRun);
  CHECK(b.act(keyed(b, 2, 2, b.now.wall_ms + 60'001)) == "refuse invalid-request none");
}

TEST_CASE("keys: the latest forgotten time survives a restart, with and without the segments",
          "[P27]") {
  CoordinatorBench before = bench::working_coordinator();
  before.limits.finished_kept = 1;
  commit_and_forget(before, 1, kWall);
  for (const bool from_snapshot : {false, true}) {
    INFO("from a snapshot: " << from_snapshot);
    CoordinatorBench after = before.restarted();
    if (from_snapshot) after.recovered.records = before.m().snapshot();
    after.now = before.now;
    after.connect("orders");
    after.connect("stock");
    const std::string again = after.act(keyed(after, 2, 1, kWall));
    // The log still has it, and so it is known; of the snapshot only the time is left.
    if (from_snapshot)
      CHECK(again == kRefused);
    else
      CHECK(again != kRun);
    CHECK(after.act(keyed(after, 3, 3, kWall + 1)) == kRun);
  }
}

TEST_CASE("keys: a ledger that may have lost commits refuses what was sent before its start",
          "[P27]") {
  CoordinatorBench b;
  b.recovered.restored = true;
  b.connect("orders");
  b.logged();
  b.connect("stock");
  b.logged();
  REQUIRE(b.m().standing() == Standing::careful);
  b.ready("orders");
  b.ready("stock");
  CHECK(b.act(keyed(b, 1, 1, kWall)) == kRefused);
  b.wait(Duration(1000));
  CHECK(b.act(keyed(b, 2, 2, kWall + 1)) == kRun);
}

TEST_CASE("a request that may not begin joins under a known key all the same") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(keyed(b, 1, 1, 0));
  Begin refused = keyed(b, 2, 1, 0);
  refused.branches.clear();
  refused.refusal = bench::failure_of(Problem::permission_denied);
  CHECK(b.act(refused).empty());  // it waits for the first
  refused = keyed(b, 3, 3, 0);
  refused.refusal = bench::failure_of(Problem::permission_denied);
  CHECK(b.act(refused) == "refuse permission-denied none");
}

TEST_CASE("limits that change hold for who comes", "[P46]") {
  CoordinatorBench b = bench::working_coordinator();
  b.act(b.one_shot(1, tx(1)));
  CHECK(b.act(LimitsChanged{10, 1}).empty());
  CHECK(b.act(b.one_shot(2, tx(2))) == "refuse overloaded none");
  b.act(LimitsChanged{1, 10});
  CHECK(b.act(b.one_shot(3, tx(3))) == "refuse overloaded none");
  b.act(LimitsChanged{10, 10});
  CHECK(b.act(b.one_shot(4, tx(4))) == kRun);
}
