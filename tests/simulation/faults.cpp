// What can befall an installation: notes of every class of failure that must be survived.
#include <algorithm>

#include "tests/simulation/schedule.hpp"

namespace assent::simulation {

const std::vector<Schedule::Kind>& Schedule::kinds() {
  static const std::vector<Kind> all = {
      {"coordinator_killed", 20, false, &Schedule::coordinator_killed},
      {"coordinator_loses_power", 15, false, &Schedule::coordinator_loses_power},
      {"coordinator_killed_in_recovery", 8, false, &Schedule::coordinator_killed_in_recovery},
      {"coordinator_paused", 8, false, &Schedule::coordinator_paused},
      {"coordinator_drained", 3, false, &Schedule::coordinator_drained},
      {"participant_killed", 20, false, &Schedule::participant_killed},
      {"participant_paused", 8, false, &Schedule::participant_paused},
      {"link_broken", 15, false, &Schedule::link_broken},
      {"network_cut", 15, false, &Schedule::network_cut},
      {"network_chaos", 20, false, &Schedule::network_chaos},
      {"database_crashed", 15, false, &Schedule::database_crashed},
      {"database_connection_lost", 12, false, &Schedule::database_connection_lost},
      {"database_slow", 8, false, &Schedule::database_slow},
      {"database_denies", 3, false, &Schedule::database_denies},
      {"database_slots_exhausted", 4, false, &Schedule::database_slots_exhausted},
      {"disk_slow", 8, false, &Schedule::disk_slow},
      {"disk_full", 6, false, &Schedule::disk_full},
      {"sync_fails", 6, false, &Schedule::sync_fails},
      {"clock_jumps", 5, false, &Schedule::clock_jumps},
      {"ledger_moved", 5, false, &Schedule::ledger_moved},
      {"ledger_copied", 10, false, &Schedule::ledger_copied},
      {"database_failed_over", 8, true, &Schedule::database_failed_over},
      {"database_put_back", 8, true, &Schedule::database_put_back},
      {"resolved_by_hand", 12, true, &Schedule::resolved_by_hand},
      {"ledger_put_back", 8, true, &Schedule::ledger_put_back},
      {"last_record_damaged", 6, true, &Schedule::last_record_damaged},
      {"second_coordinator", 6, true, &Schedule::second_coordinator},
  };
  return all;
}

// In most schedules nothing spoils the sums, so that these prove as much as they can.
void Schedule::draw_faults(Micros within) {
  const bool may_spoil = world_.random.percent(40);
  unsigned total = 0;
  for (const Kind& kind : kinds()) total += kind.spoils && !may_spoil ? 0 : kind.weight;
  for (auto left = world_.random.between(5, 18); left > 0; --left) {
    auto drawn = world_.random.below(total);
    for (const Kind& kind : kinds()) {
      const unsigned weight = kind.spoils && !may_spoil ? 0 : kind.weight;
      if (drawn >= weight) {
        drawn -= weight;
        continue;
      }
      world_.scheduler.after(Micros(world_.random.between(0, within.count())), [this, &kind] {
        if (healing_) return;
        world_.count_fault(kind.name);
        world_.say(kind.name);
        spoiled_ = spoiled_ || kind.spoils;
        quarantine_ = quarantine_ || kind.spoils;
        (this->*kind.strike)();
      });
      break;
    }
  }
}

// ---- coordinator
// -----------------------------------------------------------------------------------

void Schedule::restart_coordinator(CoordinatorHost& host, std::int64_t within_us) {
  world_.scheduler.after(Micros(world_.random.between(1'000, within_us)),
                         [&host] { host.start(); });
}

// The supervisor of the machine: what has ended is started again.
void Schedule::keep_coordinators_running() {
  world_.scheduler.after(Micros(700'000), [this] {
    for (auto& each : coordinators_) {
      if (each->running() || each->retired) continue;
      // One that keeps stopping because a higher epoch was seen has an old ledger: the operator
      // says so, of the one that is to stay.
      if (each.get() == &ruling()) {
        if (each->stopped_itself() && world_.random.percent(30)) each->disk().restored = true;
      } else if (each->disk().last_epoch() >= ruling().disk().last_epoch()) {
        // Whoever starts the one that was copied once more would overrule what the copy has
        // decided.
        each->retired = true;
        continue;
      }
      if (healing_ || world_.random.percent(40)) each->start();
    }
    keep_coordinators_running();
  });
}

void Schedule::coordinator_killed() {
  ruling().crash_after(1 + static_cast<unsigned>(world_.random.below(30)),
                       LedgerDisk::Crash::process);
}

void Schedule::coordinator_loses_power() {
  ruling().crash_after(1 + static_cast<unsigned>(world_.random.below(30)),
                       LedgerDisk::Crash::machine);
}

void Schedule::coordinator_killed_in_recovery() {
  ruling().crashes_in_recovery = 1 + static_cast<unsigned>(world_.random.below(10));
  ruling().crash(world_.random.percent(50) ? LedgerDisk::Crash::process
                                           : LedgerDisk::Crash::machine);
  restart_coordinator(ruling(), 500'000);
}

void Schedule::coordinator_paused() {
  ruling().pause(Micros(world_.random.between(10'000, 20'000'000)));
}

void Schedule::coordinator_drained() {
  ruling().post(Drain{});
  CoordinatorHost& host = ruling();
  world_.scheduler.after(Micros(world_.random.between(10'000, 2'000'000)),
                         [&host] { host.crash(LedgerDisk::Crash::process); });
}

void Schedule::ledger_copied() {
  copy_ = std::make_unique<LedgerDisk>(ruling().disk().copy());
}

void Schedule::ledger_put_back() {
  if (!copy_) return;
  world_.ledger_disputed = true;
  CoordinatorHost& host = ruling();
  host.crash(LedgerDisk::Crash::machine);
  std::set<TxId> lost = host.disk().commits();
  host.disk().put_back(*copy_);
  for (const TxId& kept : host.disk().commits()) lost.erase(kept);
  world_.observer.commits_lost(lost);
  if (world_.random.percent(50))
    host.disk().moved = true;
  else
    host.disk().restored = true;
  restart_coordinator(host, 500'000);
}

void Schedule::ledger_moved() {
  ruling().crash(LedgerDisk::Crash::process);
  ruling().disk().moved = true;
  restart_coordinator(ruling(), 500'000);
}

void Schedule::last_record_damaged() {
  world_.ledger_disputed = true;
  CoordinatorHost& host = ruling();
  host.crash(LedgerDisk::Crash::machine);
  std::set<TxId> lost = host.disk().commits();
  host.disk().damage_last();
  for (const TxId& kept : host.disk().commits()) lost.erase(kept);
  world_.observer.commits_lost(lost);
  restart_coordinator(host, 500'000);
}

// Somebody starts a copy of the ledger while the original runs. The copy is the one that will stay,
// but as long as both run, what either decides may be lost to the other: for all branches alike.
void Schedule::second_coordinator() {
  if (coordinators_.size() > 2) return;
  world_.ledger_disputed = true;
  CoordinatorHost& first = ruling();
  disks_.push_back(std::make_unique<LedgerDisk>(first.disk().copy()));
  disks_.back()->moved = true;
  first.superseded = true;
  first.disk().compete();
  disks_.back()->compete();
  coordinators_.push_back(std::make_unique<CoordinatorHost>(
      world_, network_, *disks_.back(), "coordinator" + std::to_string(coordinators_.size() + 1),
      coordinator_limits_));
  network_.coordinators.push_back(coordinators_.back().get());
  ruling().start();
}

void Schedule::clock_jumps() {
  constexpr std::int64_t kYear = 365LL * 24 * 3600 * 1000;
  const auto jump = world_.random.percent(50) ? world_.random.between(-kYear, 10 * kYear)
                                              : world_.random.between(-7'200'000, 7'200'000);
  ruling().wall_offset_ms = jump;
  // Ids made in a past that is no longer remembered are shown to an operator, not decided.
  quarantine_ = quarantine_ || Duration(-jump) > coordinator_limits_.outcome_retention / 2;
}

void Schedule::disk_slow() {
  LedgerDisk& disk = ruling().disk();
  disk.slow = true;
  world_.scheduler.after(Micros(world_.random.between(100'000, 10'000'000)),
                         [&disk] { disk.slow = false; });
}

void Schedule::disk_full() {
  LedgerDisk& disk = ruling().disk();
  disk.full = true;
  world_.scheduler.after(Micros(world_.random.between(100'000, 10'000'000)),
                         [&disk] { disk.full = false; });
}

void Schedule::sync_fails() {
  ruling().disk().fail_next_sync = true;
}

// ---- participants and network
// ----------------------------------------------------------------------

void Schedule::participant_killed() {
  ParticipantHost& host = some_participant();
  host.crash_after(1 + static_cast<unsigned>(world_.random.below(30)));
  const Micros down(world_.random.between(5'000, 6'000'000));
  world_.scheduler.after(down, [&host] {
    host.crash();
    host.start();
  });
}

void Schedule::participant_paused() {
  some_participant().pause(Micros(world_.random.between(10'000, 20'000'000)));
}

void Schedule::link_broken() {
  ParticipantHost& host = some_participant();
  if (host.link()) network_.break_link(host.link(), world_.random.percent(50) ? 1'000 : 3'000'000);
}

void Schedule::network_cut() {
  ParticipantHost& host = some_participant();
  const auto way = world_.random.below(3);
  network_.cut(host.name(), way != 0, way != 1);
  const auto lasts = world_.random.between(50'000, 15'000'000);
  // Pings find a silent link out after a while.
  if (host.link() && lasts > 4'000'000)
    world_.scheduler.after(Micros(world_.random.between(1'000'000, 4'000'000)),
                           [this, link = host.link()] { network_.break_link(link, 3'000'000); });
  world_.scheduler.after(Micros(lasts), [this, &host] { network_.cut(host.name(), false, false); });
}

void Schedule::network_chaos() {
  Network::Chaos& chaos = network_.chaos;
  chaos.lost_permille = static_cast<unsigned>(world_.random.below(200));
  chaos.doubled_permille = static_cast<unsigned>(world_.random.below(200));
  chaos.overtaken_permille = static_cast<unsigned>(world_.random.below(300));
  // A coordinator may forget what has ended after `finished_kept_for`; no message lives that long.
  const auto longest = Micros(coordinator_limits_.finished_kept_for).count() / 3 * 2;
  chaos.overtaken_by_us = world_.random.percent(30) ? std::min(120'000'000L, longest) : 2'000'000;
  chaos.latency_us = world_.random.percent(30) ? 2'000'000 : 50'000;
  world_.scheduler.after(Micros(world_.random.between(500'000, 15'000'000)),
                         [this] { network_.chaos = Network::Chaos{}; });
}

// ---- databases
// -------------------------------------------------------------------------------------

void Schedule::database_crashed() {
  Server& server = some_participant().server();
  server.crash();
  world_.scheduler.after(Micros(world_.random.between(10'000, 8'000'000)),
                         [&server] { server.start(); });
}

void Schedule::database_connection_lost() {
  some_participant().lose_database("the connection was reset");
}

void Schedule::database_slow() {
  Server& server = some_participant().server();
  server.slow_percent = 40;
  world_.scheduler.after(Micros(world_.random.between(100'000, 10'000'000)),
                         [&server] { server.slow_percent = 0; });
}

void Schedule::database_denies() {
  Server& server = some_participant().server();
  server.denies = true;
  world_.scheduler.after(Micros(world_.random.between(100'000, 15'000'000)),
                         [&server] { server.denies = false; });
}

void Schedule::database_slots_exhausted() {
  Server& server = some_participant().server();
  server.slots = world_.random.below(3);
  world_.scheduler.after(Micros(world_.random.between(100'000, 10'000'000)),
                         [&server] { server.slots = 100; });
}

// Best when there is something to lose.
void Schedule::database_failed_over() {
  Server& server = some_participant().server();
  if (!server.has_prepared_last() && world_.random.percent(99)) {
    world_.scheduler.after(Micros(3'000), [this] {
      if (!healing_) database_failed_over();
    });
    return;
  }
  server.fail_over();
  world_.scheduler.after(Micros(world_.random.between(10'000, 3'000'000)),
                         [&server] { server.start(); });
}

// A copy is made now and put back later, while the coordinator goes on.
void Schedule::database_put_back() {
  Server& server = some_participant().server();
  server.back_up();
  world_.scheduler.after(Micros(world_.random.between(100'000, 20'000'000)), [this, &server] {
    if (healing_) return;
    world_.say("database_put_back: it is put back");
    server.put_back(world_.random.percent(60));
    world_.scheduler.after(Micros(500'000), [&server] { server.start(); });
  });
}

// A person takes some branch that is in doubt, as soon as there is one.
void Schedule::resolved_by_hand() {
  if (healing_ || some_participant().server().resolve_by_hand()) return;
  world_.scheduler.after(Micros(5'000), [this] { resolved_by_hand(); });
}

}  // namespace assent::simulation
