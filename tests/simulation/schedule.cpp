#include "tests/simulation/schedule.hpp"

#include <algorithm>
#include <utility>

namespace assent::simulation {

using std::chrono::seconds;

Schedule::Schedule(const ScheduleOptions& options)
    : options_(options),
      plan_(options.seed),
      world_(options.seed ^ 0x5eed0f7e57, options.listener) {
  world_.plant = options.plant;
  build();
}

void Schedule::build() {
  ledger_ = LedgerId{world_.uuid(World::kWallStart)};
  world_.trace.name(ledger_.uuid, "L");
  rows_ = static_cast<int>(plan_.between(3, 12));

  coordinator_limits_.finished_kept_for = Duration(plan_.percent(50) ? 30'000 : 600'000);
  coordinator_limits_.apply_wait = Duration(plan_.between(300, 10'000));
  coordinator_limits_.resend_interval = Duration(plan_.between(200, 2'000));
  ParticipantLimits limits;
  limits.inquiry_interval = Duration(plan_.between(200, 1'500));
  limits.sweep_interval = Duration(plan_.between(500, 4'000));
  limits.journal_interval = Duration(plan_.between(20, 1'000));
  limits.retry_longest = Duration(plan_.between(200, 5'000));

  disks_.push_back(std::make_unique<LedgerDisk>(world_, ledger_));
  coordinators_.push_back(std::make_unique<CoordinatorHost>(world_, network_, *disks_.back(),
                                                            "coordinator", coordinator_limits_));
  network_.coordinators.push_back(coordinators_.back().get());
  std::vector<std::string> names{"bank", "orders", "stock", "mail", "audit"};
  names.resize(static_cast<std::size_t>(plan_.between(3, 5)));
  const unsigned reply_loss = plan_.percent(50) ? 0 : static_cast<unsigned>(plan_.below(20));
  const Micros lock_timeout(plan_.percent(50) ? 0 : plan_.between(50'000, 2'000'000));
  active_ = seconds(plan_.between(8, 60));
  jobs_ = static_cast<unsigned>(plan_.between(50, 80));
  draw_faults();

  if (options_.participants)
    names.resize(std::clamp<std::size_t>(*options_.participants, 1, names.size()));
  if (options_.transactions) jobs_ = std::min(jobs_, *options_.transactions);
  for (const std::string& name : names) {
    servers_.push_back(std::make_unique<Server>(world_, name, rows_));
    servers_.back()->lock_timeout = lock_timeout;
    participants_.push_back(
        std::make_unique<ParticipantHost>(world_, network_, *servers_.back(), name, limits));
    participants_.back()->reply_loss_permille = reply_loss;
  }
  clients_ = std::make_unique<Clients>(world_, network_, names, rows_);
  for (std::size_t i = 0; i < names.size(); ++i) clients_->servers[names[i]] = servers_[i].get();
}

void Schedule::run_until(Instant until) {
  constexpr std::uint64_t kMostSteps = 3'000'000;
  while (!violated() && world_.scheduler.run_one(until))
    if (++steps_ > kMostSteps)
      return world_.observer.report({"I10",
                                     "the installation does not come to rest: it is busy "
                                     "without end"});
}

ScheduleReport Schedule::run() {
  for (auto& each : coordinators_) each->start();
  for (auto& each : participants_) each->start();
  keep_coordinators_running();
  world_.scheduler.after(seconds(2), [this] {
    clients_->start(options_.seed, jobs_, active_);
    begin_faults();
  });
  run_until(world_.now() + active_ + seconds(6));

  ScheduleReport report;
  if (!violated()) {
    heal();
    demand_progress(report);
  }
  report.seed = options_.seed;
  for (const Violation& each : world_.observer.violations())
    (each.invariant == "I10" ? report.liveness : report.safety).push_back(each);
  report.trace_hash = world_.trace.hash();
  if (report.failed()) report.last_lines = world_.trace.last_lines();
  report.transactions = clients_->known().size();
  for (const TxId& tx : clients_->known()) report.committed += world_.observer.is_committed(tx);
  report.messages = world_.messages;
  report.simulated_seconds =
      static_cast<double>(world_.now().time_since_epoch().count()) / 1'000'000;
  report.faults = world_.faults;
  report.jobs = jobs_;
  report.participants = static_cast<unsigned>(participants_.size());
  report.fault_kinds = fault_kinds_;
  return report;
}

void Schedule::demand_progress(ScheduleReport& report) {
  const Instant end = world_.now() + seconds(400);
  while (!violated() && world_.now() < end) {
    run_until(world_.now() + seconds(1));
    if (unrest().empty()) break;
  }
  if (violated()) return;
  report.liveness = unrest();
  if (report.liveness.empty()) {
    world_.observer.at_rest(*ruling().machine());
    audit();
    if (!spoiled_) check_money();
  }
  if (!spoiled_) check_keys();
  for (const TxId& tx : clients_->hopeless())
    if (world_.observer.is_committed(tx) && !world_.observer.is_resolved(tx))
      world_.observer.report({"I2", to_string(tx) + " is committed although it cannot be"});
}

// Somebody asks what has become of everything. The observer hears the answers.
void Schedule::audit() {
  for (const TxId& tx : clients_->known()) ruling().fate_of(tx);
}

// No more faults: from here on everything must come to rest by itself.
void Schedule::heal() {
  world_.say("healing");
  healing_ = true;
  network_.heal();
  for (auto& server : servers_) {
    server->denies = server->full = server->no_connections = server->reads_fail = false;
    server->crash_when_busy = false;
    server->slots = 100;
    server->slow_percent = 0;
    server->start();
  }
  for (auto& disk : disks_) {
    disk->heal();
  }
  for (auto& participant : participants_) participant->start();
  for (auto& coordinator : coordinators_) {
    coordinator->wall_offset_ms = 0;
    coordinator->crashes_in_recovery = 0;
    if (coordinator.get() == &ruling()) continue;
    coordinator->crash(LedgerDisk::Crash::process);
    coordinator->retired = true;
  }
}

std::vector<Violation> Schedule::unrest() {
  const CoordinatorMachine* coordinator = ruling().machine();
  if (!coordinator) return {{"I10", "the coordinator does not stay up"}};
  std::vector<Violation> found;
  if (!clients_->done()) found.push_back({"I10", "a client still waits"});
  for (const Violation& each : check_at_rest(*coordinator)) found.push_back(each);
  const auto quarantined = [&](const Gid& gid) {
    return quarantine_ && coordinator->doubts().count(gid.tx) != 0;
  };
  for (auto& participant : participants_) {
    if (!participant->machine()) {
      found.push_back({"I10", participant->name() + " is not up"});
      continue;
    }
    const ParticipantMachine& machine = *participant->machine();
    bool waits = false;
    for (const auto& [gid, branch] : machine.branches()) {
      const bool may = gid.ledger != ledger_ || quarantined(gid);
      waits = waits || may;
      if (!may) found.push_back({"I10", to_string(gid) + " is not at rest"});
    }
    if (!waits)
      for (const Violation& each : check_at_rest(machine)) found.push_back(each);
    for (const Gid& gid : participant->server().held_gids(ledger_))
      if (!quarantined(gid))
        found.push_back({"I10", to_string(gid) + " stays prepared in its database"});
  }
  if (!quarantine_ && !coordinator->doubts().empty())
    found.push_back({"I10", "something is still in doubt"});
  return found;
}

// Every committed transaction was applied once and no other at all.
void Schedule::check_money() {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    Deltas expected;
    for (const auto& [tx, effects] : clients_->effects()) {
      const auto here = effects.find(participants_[i]->name());
      if (here == effects.end() || !world_.observer.is_committed(tx)) continue;
      for (const auto& [row, delta] : here->second) expected[row] += delta;
    }
    for (const auto& [row, balance] : servers_[i]->rows())
      if (balance != Server::kInitial + expected[row])
        world_.observer.report({"I4", "row " + std::to_string(row) + " of " +
                                          participants_[i]->name() + " holds " +
                                          std::to_string(balance) + ", not the " +
                                          std::to_string(Server::kInitial + expected[row]) +
                                          " of the committed transactions"});
  }
}

void Schedule::check_keys() {
  for (const auto& [key, transactions] : clients_->keys()) {
    unsigned committed = 0;
    for (const TxId& tx : transactions) committed += world_.observer.is_committed(tx);
    if (committed > 1)
      world_.observer.report({"I5", "one idempotency key committed " + std::to_string(committed) +
                                        " transactions, " + to_string(*transactions.begin()) +
                                        " among them"});
  }
}

}  // namespace assent::simulation
