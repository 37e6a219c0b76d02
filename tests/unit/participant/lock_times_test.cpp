#include "participant/lock_times.hpp"

#include "tests/support/catch.hpp"

using namespace assent;
using namespace std::chrono_literals;

namespace {

const Gid kGid{LedgerId{make_uuid7(1, {1})}, 1, TxId{make_uuid7(2, {2})}, "orders"};

Instant at(std::chrono::milliseconds time) {
  return Instant{time};
}

FinishDone end_of(const Gid& gid, FinishDone::Result result) {
  return {gid, Outcome::committed, result, {}};
}

}  // namespace

TEST_CASE("Locks are held from PREPARE done to its end done, however often that is tried") {
  LockTimes times;
  times.saw(PrepareDone{kGid, PrepareDone::Yes{}}, at(100ms));
  times.saw(end_of(kGid, FinishDone::Result::again), at(200ms));
  times.saw(end_of(kGid, FinishDone::Result::denied), at(300ms));
  CHECK_FALSE(times.held(kGid));
  times.saw(end_of(kGid, FinishDone::Result::done), at(5100ms));
  CHECK(times.held(kGid) == 5s);
}

TEST_CASE("What was not prepared here, or ended by other hands, has no measure") {
  LockTimes times;
  times.saw(end_of(kGid, FinishDone::Result::done), at(100ms));
  CHECK_FALSE(times.held(kGid));
  times.saw(PrepareDone{kGid, PrepareDone::ReadOnly{}}, at(200ms));
  times.saw(end_of(kGid, FinishDone::Result::done), at(300ms));
  CHECK_FALSE(times.held(kGid));
  times.saw(PrepareDone{kGid, PrepareDone::Yes{}}, at(400ms));
  times.saw(end_of(kGid, FinishDone::Result::no_such_gid), at(500ms));
  times.saw(end_of(kGid, FinishDone::Result::done), at(600ms));
  CHECK_FALSE(times.held(kGid));
}

TEST_CASE("What others prepared is measured from when the database says it was") {
  LockTimes times;
  times.found(kGid, at(100ms));
  times.found(kGid, at(99ms));  // the same, seen once more
  times.saw(end_of(kGid, FinishDone::Result::done), at(5100ms));
  CHECK(times.held(kGid) == 5s);
  times.found(kGid, at(100ms));  // a list from before its end
  times.saw(end_of(kGid, FinishDone::Result::done), at(9000ms));
  CHECK(times.held(kGid) == 5s);
}

TEST_CASE("What was prepared once more is measured from then; its own measure comes first") {
  LockTimes times;
  times.found(kGid, at(100ms));
  times.found(kGid, at(3100ms));
  times.saw(end_of(kGid, FinishDone::Result::done), at(5100ms));
  CHECK(times.held(kGid) == 2s);
  LockTimes own;
  own.saw(PrepareDone{kGid, PrepareDone::Yes{}}, at(1000ms));
  own.found(kGid, at(990ms));
  own.saw(end_of(kGid, FinishDone::Result::done), at(2000ms));
  CHECK(own.held(kGid) == 1s);
}

TEST_CASE("What is not prepared any more is forgotten") {
  LockTimes times;
  times.found(kGid, at(100ms));
  times.forget_unless([](const Gid&) { return true; });
  times.forget_unless([](const Gid&) { return false; });
  times.saw(end_of(kGid, FinishDone::Result::done), at(5100ms));
  CHECK_FALSE(times.held(kGid));
}

TEST_CASE("Of branches that have ended the latest are remembered") {
  LockTimes times;
  const auto gid = [](std::uint8_t high, std::uint8_t low) {
    return Gid{kGid.ledger, 1, TxId{make_uuid7(3, {0, 0, 0, 0, high, low})}, "orders"};
  };
  for (std::size_t i = 0; i <= LockTimes::kMostEnded; ++i) {
    const Gid each = gid(static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i));
    times.saw(PrepareDone{each, PrepareDone::Yes{}}, at(1ms));
    times.saw(end_of(each, FinishDone::Result::done), at(2ms));
  }
  CHECK_FALSE(times.held(gid(0, 0)));
  CHECK(times.held(gid(0, 1)) == 1ms);
}
