// Every operation on the disk is a place to die at. Whatever is left, the next start must have each
// record that was reported durable, no record that was never asked for, and a higher epoch.
#include "tests/unit/log/test_log.hpp"

using namespace assent;
using namespace assent::test;

namespace {

// What the outside world knows of a ledger, over all its lives.
struct World {
  bool made = false;          // init has returned
  Epoch highest = 0;          // that any start has told
  std::set<Sequence> asked;   // a commit record was taken
  std::set<Sequence> told;    // reported durable
  std::set<Sequence> ending;  // an End was asked for: it may or may not be found
  Sequence next = 1;

  void check(const std::set<Sequence>& found) const {
    for (const Sequence each : told)
      if (!ending.count(each) && !found.count(each)) FAIL("lost commit " << each);
    for (const Sequence each : found)
      if (!asked.count(each)) FAIL("invented commit " << each);
  }
};

// One life of a coordinator: recovers, then commits and ends until it is killed or done.
void live(MemoryDisk& disk, World& world, int turns) {
  if (!world.made) {
    MemoryFiles files(disk);
    world.made = init_ledger(files, kLedger, 2048).has_value();
    REQUIRE(world.made);
  }
  Start started = start(disk, false, 2048);
  REQUIRE(started.epoch.epoch > world.highest);
  world.highest = started.epoch.epoch;
  const auto found = unfinished_in(started.recovered.records);
  world.check(found);
  // Acting on what was found makes it known: it must never be lost again.
  world.told.insert(found.begin(), found.end());

  Host host;
  host.starts.push_back(started.epoch);
  for (const Sequence each : found) host.unfinished[each] = commit(each);
  LogHost callbacks = host.callbacks();
  callbacks.on_durable = [&](RecordNumber up_to) {
    host.durable = up_to;
    const auto durable = host.durable_commits();
    world.told.insert(durable.begin(), durable.end());
  };
  started.log->start(callbacks);
  for (int turn = 0; turn < turns; ++turn) {
    for (int i = 0; i < 2 + turn % 3; ++i) {
      // Where there is no room it is refused, and must never be found.
      if (host.append_commit(*started.log, world.next)) world.asked.insert(world.next);
      ++world.next;
    }
    started.log->flush();
    if (turn % 2) started.log->work();
    while (!host.unfinished.empty() && host.unfinished.size() > 6) {
      const Sequence oldest = host.unfinished.begin()->first;
      if (!world.told.count(oldest)) break;
      world.ending.insert(oldest);
      if (!host.append_end(*started.log, oldest)) break;
    }
    started.log->flush();
    started.log->work_off();
  }
}

enum class Death { kill, power_off, power_off_by_chance };

void die(MemoryDisk& disk, Death death, std::mt19937_64& chance) {
  if (death == Death::kill) disk.kill();
  if (death == Death::power_off) disk.power_off();
  if (death == Death::power_off_by_chance) disk.power_off(chance);
}

}  // namespace

TEST_CASE("a crash at any operation loses nothing that was told") {
  std::mt19937_64 chance(1);
  for (const Death death : {Death::kill, Death::power_off, Death::power_off_by_chance})
    for (const bool after : {false, true}) {
      bool crashed = true;
      for (std::uint64_t at = 1; crashed; ++at) {
        MemoryDisk disk;
        World world;
        disk.crash_at = at;
        disk.crash_after = after;
        crashed = false;
        INFO("crash at " << at << (after ? " after" : " in"));
        try {
          live(disk, world, 24);
          live(disk, world, 4);
        } catch (const SimulatedCrash&) {
          crashed = true;
        }
        die(disk, death, chance);
        disk.crash_at = 0;
        if (!world.made) continue;  // nobody was told that there is a ledger
        live(disk, world, 2);
        die(disk, Death::power_off, chance);
        live(disk, world, 1);
      }
    }
}

TEST_CASE("crash after crash, in recovery too, and it converges") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    std::mt19937_64 chance(seed);
    MemoryDisk disk;
    World world;
    init(disk, 2048);
    world.made = true;
    INFO("seed " << seed);
    for (int crash = 0; crash < 10; ++crash) {
      disk.crash_at = disk.operations + 1 + chance() % (crash % 3 == 2 ? 150 : 30);
      disk.crash_after = chance() % 2 != 0;
      try {
        live(disk, world, 12);
      } catch (const SimulatedCrash&) {
      }
      die(disk, static_cast<Death>(chance() % 3), chance);
    }
    disk.crash_at = 0;
    live(disk, world, 12);
    std::size_t segments = 0;
    for (const auto& [name, content] : disk.content()) segments += segment_number(name) != 0;
    REQUIRE(segments <= 2);
  }
}
