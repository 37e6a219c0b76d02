#include "coordinator/timeline.hpp"

#include "tests/support/catch.hpp"

namespace assent {
namespace {

constexpr std::int64_t kNoon = 1'782'907'200'000;
const TxId kTx{make_uuid7(kNoon, {1})};

// What a coordinator of epoch 2 finds: a commit of epoch 1 that not every branch has applied.
CoordinatorMachine recovered_machine() {
  Recovered recovered;
  recovered.ledger.uuid = make_uuid7(1, {9});
  EpochRecord first;
  first.epoch = 1;
  first.life = make_uuid7(2, {1});
  CommitRecord commit;
  commit.tx = kTx;
  commit.epoch = 1;
  commit.sequence = 1;
  commit.branches = {{"orders", 700, {77, 1, "shop"}}, {"stock", 701, {78, 1, "shop"}}};
  commit.wall_ms = kNoon + 5;
  HeuristicRecord damage;
  damage.tx = kTx;
  damage.participant = "stock";
  damage.application = Application::unproven;
  recovered.records = {first, MemberRecord{"orders", {77, 1, "shop"}},
                       MemberRecord{"stock", {78, 1, "shop"}}, commit, damage};
  EpochRecord start = first;
  start.epoch = 2;
  start.life = make_uuid7(2, {2});
  return CoordinatorMachine({}, recovered, start, {Instant{}, kNoon + 60'000});
}

std::vector<std::string> told(const std::vector<TimelineEvent>& events) {
  std::vector<std::string> out;
  for (const TimelineEvent& event : events) {
    std::string line = std::to_string(event.wall_us / 1000 - kNoon) + "ms ";
    line += to_string(event.kind);
    for (const std::string_view part : {event.participant, event.detail})
      if (!part.empty()) line += " " + std::string(part);
    out.push_back(line);
  }
  return out;
}

}  // namespace

TEST_CASE("after a restart the timeline begins with what the ledger tells, and the outage shows") {
  const CoordinatorMachine machine = recovered_machine();
  Timeline timeline(machine, {Instant{}, kNoon + 60'000});
  CHECK(told(timeline.of(kTx)) == std::vector<std::string>{"0ms begun", "5ms decided committed",
                                                           "5ms damaged stock unproven",
                                                           "60000ms started", "60000ms recovered"});
  // Those who follow hear of the start, not of history.
  CHECK(told(timeline.after(0, 9)) ==
        std::vector<std::string>{"60000ms started", "60000ms recovered"});
  CHECK(timeline.of(TxId{}).empty());
}

TEST_CASE("how long the locks were held is the participant's own measure, and is kept once told") {
  const CoordinatorMachine machine = recovered_machine();
  Timeline timeline(machine, {Instant{}, kNoon + 60'000});
  const auto hear = [&](std::uint64_t locks_held_us) {
    Applied applied;
    applied.gid = Gid{machine.ledger(), 1, kTx, "orders"};
    applied.outcome = Outcome::committed;
    applied.locks_held_us = locks_held_us;
    timeline.saw(FromParticipant{"orders", applied}, {Instant{}, kNoon + 60'000});
    return timeline.of(kTx).back();
  };
  CHECK(hear(0).locks_held_us == 0);
  CHECK(hear(41'000'000).locks_held_us == 41'000'000);
  CHECK(hear(0).locks_held_us == 41'000'000);
  CHECK(timeline.after(0, 9).back().locks_held_us == 41'000'000);
}

TEST_CASE("a jump of the wall clock disorders no timeline") {
  const CoordinatorMachine machine = recovered_machine();
  Timeline timeline(machine, {Instant{}, kNoon + 60'000});
  const Now later{Instant{std::chrono::seconds(1)}, 1000};
  Commit commit;
  commit.gid = Gid{machine.ledger(), 1, kTx, "orders"};
  timeline.did(Send{"orders", commit}, later);
  CHECK(told(timeline.of(kTx)).back() == "61000ms commit_sent orders");
}

}  // namespace assent
