// What can befall an installation: notes of every class of failure that must be survived.
#include <algorithm>
#include <iterator>

#include "tests/simulation/schedule.hpp"

namespace assent::simulation {

const std::vector<Schedule::Kind>& Schedule::kinds() {
  static const std::vector<Kind> all = {
      {"coordinator_killed", 20, false, &Schedule::coordinator_killed},
      {"coordinator_loses_power", 15, false, &Schedule::coordinator_loses_power},
      {"coordinator_killed_in_recovery", 8, false, &Schedule::coordinator_killed_in_recovery},
      {"coordinator_paused", 8, false, &Schedule::coordinator_paused},
      {"coordinator_drained", 3, false, &Schedule::coordinator_drained},
      {"limits_changed", 3, false, &Schedule::limits_changed},
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
      {"disk_operation_fails", 10, false, &Schedule::disk_operation_fails},
      {"coordinator_dies_writing", 12, false, &Schedule::coordinator_dies_writing},
      {"started_twice", 4, false, &Schedule::started_twice},
      {"clock_jumps", 5, false, &Schedule::clock_jumps},
      {"ledger_moved", 5, false, &Schedule::ledger_moved},
      {"ledger_copied", 10, false, &Schedule::ledger_copied},
      {"network_delays_minutes", 4, false, &Schedule::network_delays_minutes},
      {"database_full", 6, false, &Schedule::database_full},
      {"database_connections_exhausted", 5, false, &Schedule::database_connections_exhausted},
      {"database_hangs", 8, false, &Schedule::database_hangs},
      {"database_reads_fail", 6, false, &Schedule::database_reads_fail},
      {"foreign_branch_appears", 3, false, &Schedule::foreign_branch_appears},
      {"database_failed_over", 12, true, &Schedule::database_failed_over},
      {"database_put_back", 10, true, &Schedule::database_put_back},
      {"resolved_by_hand", 12, true, &Schedule::resolved_by_hand},
      {"operator_decides", 20, true, &Schedule::operator_decides},
      {"ledger_put_back", 8, true, &Schedule::ledger_put_back},
      {"last_record_damaged", 6, true, &Schedule::last_record_damaged},
      {"site_loses_power", 6, true, &Schedule::site_loses_power},
      {"ledger_damaged", 8, true, &Schedule::ledger_damaged},
      {"second_coordinator", 10, true, &Schedule::second_coordinator},
  };
  return all;
}

std::vector<std::string> fault_kinds() {
  std::vector<std::string> names;
  for (const Schedule::Kind& kind : Schedule::kinds()) names.emplace_back(kind.name);
  return names;
}

// In most schedules nothing spoils the sums, so that these prove as much as they can.
void Schedule::draw_faults() {
  const bool may_spoil = plan_.percent(40);
  const auto weight_of = [&](const Kind& kind) {
    return kind.spoils && !may_spoil ? 0 : kind.weight;
  };
  unsigned total = 0;
  for (const Kind& kind : kinds()) total += weight_of(kind);
  const auto faults = static_cast<unsigned>(plan_.between(5, 18));
  for (unsigned number = 1; number <= faults; ++number) {
    auto drawn = plan_.below(total);
    auto kind = kinds().begin();
    for (; drawn >= weight_of(*kind); ++kind) drawn -= weight_of(*kind);
    fault_kinds_.emplace_back(kind->name);
    const Micros after(plan_.between(0, active_.count()));
    if (!options_.without_faults.count(number)) planned_.push_back({number, &*kind, after});
  }
}

void Schedule::begin_faults() {
  for (const Planned& planned : planned_)
    world_.scheduler.after(planned.after, [this, planned] {
      if (healing_) return;
      world_.count_fault(planned.kind->name);
      world_.say("fault " + std::to_string(planned.number) + ": " + planned.kind->name);
      spoiled_ = spoiled_ || planned.kind->spoils;
      quarantine_ = quarantine_ || planned.kind->spoils;
      (this->*planned.kind->strike)();
    });
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
      if (each->disk().damaged() && world_.random.percent(50)) each->disk().mend();
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

void Schedule::limits_changed() {
  const auto some = [this] { return static_cast<std::size_t>(world_.random.between(5, 500)); };
  ruling().post(LimitsChanged{some(), some()});
}

void Schedule::coordinator_drained() {
  ruling().post(Drain{});
  CoordinatorHost& host = ruling();
  world_.scheduler.after(Micros(world_.random.between(10'000, 2'000'000)),
                         [&host] { host.crash(LedgerDisk::Crash::process); });
}

// What an operator copies is what is there when nothing is being written.
void Schedule::when_settled(const std::function<void()>& then) {
  if (healing_) return;
  if (ruling().disk().settled()) return then();
  world_.scheduler.after(Micros(3'000), [this, then] { when_settled(then); });
}

void Schedule::ledger_copied() {
  when_settled([this] { copy_ = ruling().disk().copy(); });
}

void Schedule::ledger_put_back() {
  if (!copy_) {
    when_settled([this] { copy_ = ruling().disk().copy(); });
    world_.scheduler.after(Micros(world_.random.between(500'000, 5'000'000)), [this] {
      if (!healing_ && copy_) ledger_put_back();
    });
    return;
  }
  world_.ledger_disputed = true;
  CoordinatorHost& host = ruling();
  host.crash(LedgerDisk::Crash::machine);
  std::set<TxId> lost = host.disk().commits();
  host.disk().put_back(*copy_);
  for (const TxId& kept : host.disk().commits()) lost.erase(kept);
  world_.observer.commits_lost(lost);
  if (world_.random.percent(50))
    host.disk().move_elsewhere();
  else
    host.disk().restored = true;
  restart_coordinator(host, 500'000);
}

void Schedule::ledger_moved() {
  ruling().crash(LedgerDisk::Crash::process);
  ruling().disk().move_elsewhere();
  restart_coordinator(ruling(), 500'000);
}

// Best when that is a decision, which somebody may have acted on.
void Schedule::last_record_damaged() {
  if (healing_) return;
  if (!ruling().disk().ends_with_commit() && world_.random.percent(99)) {
    world_.scheduler.after(Micros(4'000), [this] { last_record_damaged(); });
    return;
  }
  copy_.reset();  // it holds decisions that may now be lost, and made anew the other way
  ruling().crash(LedgerDisk::Crash::machine);
  ruling().disk().damage_last();
  restart_coordinator(ruling(), 500'000);
}

// A decision that one branch still waits for: as a rule, another has carried it out.
bool Schedule::is_half_applied() const {
  std::map<TxId, unsigned> holders;
  for (const auto& server : servers_)
    for (const Gid& gid : server->held_gids(ledger_))
      if (world_.observer.is_committed(gid.tx)) ++holders[gid.tx];
  return std::any_of(holders.begin(), holders.end(),
                     [](const auto& each) { return each.second == 1; });
}

// All at once, when a decision has been carried out at one participant and not yet at another; and
// its record is lost. Who has carried it out remembers nothing but what its database holds.
void Schedule::site_loses_power() {
  if (healing_) return;
  const bool now = ruling().disk().ends_with_commit() && is_half_applied();
  if (!now) {
    world_.scheduler.after(Micros(1'000), [this] { site_loses_power(); });
    return;
  }
  copy_.reset();
  ruling().crash(LedgerDisk::Crash::machine);
  ruling().disk().damage_last();
  for (auto& each : participants_) {
    each->crash();
    world_.scheduler.after(Micros(world_.random.between(5'000, 2'000'000)),
                           [host = each.get()] { host->start(); });
  }
  restart_coordinator(ruling(), 500'000);
}

void Schedule::ledger_damaged() {
  copy_.reset();
  ruling().crash(LedgerDisk::Crash::machine);
  ruling().disk().damage();
  restart_coordinator(ruling(), 500'000);
}

void Schedule::started_twice() {
  ruling().disk().start_twice();
}

// Somebody starts a copy of the ledger while the original runs. The copy is the one that will stay,
// but as long as both run, what either decides may be lost to the other: for all branches alike.
void Schedule::second_coordinator() {
  if (coordinators_.size() > 2) return;
  when_settled([this] {
    world_.ledger_disputed = true;
    CoordinatorHost& first = ruling();
    disks_.push_back(first.disk().copy());
    first.superseded = true;
    first.disk().compete();
    disks_.back()->compete();
    coordinators_.push_back(std::make_unique<CoordinatorHost>(
        world_, network_, *disks_.back(), "coordinator" + std::to_string(coordinators_.size() + 1),
        coordinator_limits_));
    network_.coordinators.push_back(coordinators_.back().get());
    ruling().start();
    // Whoever comes back now chooses between the two.
    if (world_.random.percent(60)) participant_killed_soon();
  });
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
  disk.fill_up();
  world_.scheduler.after(Micros(world_.random.between(100'000, 10'000'000)),
                         [&disk] { disk.make_room(); });
}

// Once, or as often as it is tried.
void Schedule::disk_operation_fails() {
  static constexpr const char* kOperations[] = {"fdatasync", "fdatasync", "pwrite", "sync_folder",
                                                "rename",    "unlink",    "create"};
  const char* operation = kOperations[world_.random.below(std::size(kOperations))];
  ruling().disk().fail(operation, world_.random.percent(70)
                                      ? 1
                                      : static_cast<unsigned>(world_.random.between(2, 6)));
}

void Schedule::coordinator_dies_writing() {
  ruling().disk().die_at_operation(1 + world_.random.below(20), world_.random.percent(40)
                                                                    ? LedgerDisk::Crash::process
                                                                    : LedgerDisk::Crash::machine);
}

}  // namespace assent::simulation
