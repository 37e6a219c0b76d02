#include "coordinator/watchers.hpp"

#include "tests/support/catch.hpp"

namespace assent {
namespace {

constexpr std::int64_t kNoon = 1'782'907'200'000;
const TxId kTx{make_uuid7(kNoon, {1})};
const TxId kOther{make_uuid7(kNoon, {2})};

CoordinatorMachine new_machine() {
  Recovered recovered;
  recovered.ledger.uuid = make_uuid7(1, {9});
  EpochRecord start;
  start.epoch = 1;
  start.life = make_uuid7(2, {1});
  return CoordinatorMachine({}, recovered, start, {Instant{}, kNoon});
}

Reply reply_of(const TxId& tx) {
  Reply reply;
  reply.tx = tx;
  return reply;
}

struct Fixture {
  Fixture() {
    watchers.add(kTx, [this] { ++mine; });
    watchers.add(kOther, [this] { ++others; });
  }
  // "mine others": how often they were called in the turn in which something happened.
  std::string turn(const std::function<void()>& happens) {
    mine = others = 0;
    happens();
    watchers.turn_ended();
    return std::to_string(mine) + " " + std::to_string(others);
  }
  std::string saw(const CoordinatorEvent& event) {
    return turn([&] { watchers.saw(event); });
  }
  std::string did(const CoordinatorAction& action) {
    return turn([&] { watchers.did(action); });
  }
  Gid gid() const { return {machine.ledger(), 1, kTx, "orders"}; }

  CoordinatorMachine machine = new_machine();
  Watchers watchers{machine};
  int mine = 0, others = 0;
};

}  // namespace

TEST_CASE("who watches a transaction is called for what is about it, once in a turn") {
  Fixture f;
  CHECK(f.saw(CommitAsked{1, kTx}) == "1 0");
  Applied applied;
  applied.gid = f.gid();
  CHECK(f.saw(FromParticipant{"orders", applied}) == "1 0");
  CHECK(f.did(Send{"orders", Abort{f.gid()}}) == "1 0");
  CHECK(f.did(reply_of(kOther)) == "0 1");
  CHECK(f.turn([&] {
    f.watchers.saw(CommitAsked{1, kTx});
    f.watchers.did(reply_of(kTx));
  }) == "1 0");
  CHECK(f.turn([] {}) == "0 0");
}

TEST_CASE("a record that becomes durable is about its transaction") {
  Fixture f;
  CommitRecord mine, other;
  mine.tx = kTx;
  other.tx = kOther;
  CHECK(f.did(Log{1, mine}) == "0 0");
  CHECK(f.did(Log{3, other}) == "0 0");
  CHECK(f.saw(Logged{2}) == "1 0");
  CHECK(f.saw(Logged{3}) == "0 1");
  CHECK(f.saw(Logged{3}) == "0 0");
}

TEST_CASE("what is about no transaction in particular may be about each") {
  Fixture f;
  CHECK(f.saw(LinkDown{"orders"}) == "1 1");
  CHECK(f.saw(FromParticipant{"orders", Ready{}}) == "1 1");
  CHECK(f.saw(LogRefused{1}) == "1 1");
  CHECK(f.saw(CoordinatorTick{}) == "0 0");
}

TEST_CASE("a tick that has ended a transaction may have ended each") {
  Fixture f;
  Begin begin;
  begin.tx = kTx;
  begin.mode = Mode::interactive;
  begin.timeout = begin.idle_timeout = Duration(1000);
  std::vector<CoordinatorAction> actions;
  f.machine.step(begin, {Instant{}, kNoon}, actions);
  CHECK(f.saw(begin) == "1 0");
  f.machine.step(CoordinatorTick{}, {Instant(Duration(2000)), kNoon + 2000}, actions);
  REQUIRE(f.machine.unfinished() == 0);
  CHECK(f.saw(CoordinatorTick{}) == "1 1");
}

TEST_CASE("a watcher may remove itself and others while it is called") {
  const CoordinatorMachine machine = new_machine();
  Watchers watchers(machine);
  int called = 0;
  Watchers::Watcher first = 0, second = 0;
  const auto once = [&] {
    ++called;
    watchers.remove(first);
    watchers.remove(second);
  };
  first = watchers.add(kTx, once);
  second = watchers.add(kTx, once);
  for (int i = 0; i < 2; ++i) {
    watchers.saw(CommitAsked{1, kTx});
    watchers.turn_ended();
  }
  CHECK(called == 1);
}

}  // namespace assent
