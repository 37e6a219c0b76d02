// What can befall participants, their links and their databases.
#include <algorithm>

#include "tests/simulation/schedule.hpp"

namespace assent::simulation {

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

void Schedule::participant_killed_soon() {
  for (auto& each : participants_)
    world_.scheduler.after(Micros(world_.random.between(300'000, 3'000'000)),
                           [this, host = each.get()] {
                             if (healing_ || world_.random.percent(50)) return;
                             host->crash();
                             host->start();
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

// Some messages come when everybody has long given them up.
void Schedule::network_delays_minutes() {
  const auto longest = Micros(coordinator_limits_.finished_kept_for).count() / 3 * 2;
  network_.chaos.overtaken_permille = 300;
  network_.chaos.overtaken_by_us = std::min(180'000'000L, longest);
  world_.scheduler.after(for_a_while(10'000'000), [this] { network_.chaos = Network::Chaos{}; });
}

// ---- databases
// -------------------------------------------------------------------------------------

void Schedule::database_crashed() {
  Server& server = some_participant().server();
  if (world_.random.percent(50))
    server.crash();
  else
    server.crash_when_busy = true;
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

void Schedule::database_full() {
  Server& server = some_participant().server();
  server.full = true;
  world_.scheduler.after(for_a_while(10'000'000), [&server] { server.full = false; });
}

// Those that there are stay.
void Schedule::database_connections_exhausted() {
  Server& server = some_participant().server();
  server.no_connections = true;
  world_.scheduler.after(for_a_while(10'000'000), [&server] { server.no_connections = false; });
}

void Schedule::database_hangs() {
  some_participant().server().hang(for_a_while(20'000'000));
}

void Schedule::database_reads_fail() {
  Server& server = some_participant().server();
  server.reads_fail = true;
  world_.scheduler.after(for_a_while(10'000'000), [&server] { server.reads_fail = false; });
}

void Schedule::foreign_branch_appears() {
  ParticipantHost& host = some_participant();
  const LedgerId other{world_.uuid(world_.wall_ms())};
  host.server().add_foreign(
      Gid{other, 1 + world_.random.below(5), TxId{world_.uuid(world_.wall_ms())}, host.name()});
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
  const std::int64_t longest = world_.random.percent(50) ? 300'000 : 20'000'000;
  world_.scheduler.after(Micros(world_.random.between(1'000, longest)),
                         [this, &server] { put_back(server); });
}

// Best when there is something to lose.
void Schedule::put_back(Server& server) {
  if (healing_) return;
  if (!server.outgrew_backup() && world_.random.percent(99)) {
    world_.scheduler.after(Micros(3'000), [this, &server] { put_back(server); });
    return;
  }
  world_.say("database_put_back: it is put back");
  server.put_back(world_.random.percent(40));
  world_.scheduler.after(Micros(500'000), [&server] { server.start(); });
}

// A person takes some branch that is in doubt, as soon as there is one.
void Schedule::resolved_by_hand() {
  if (healing_ || some_participant().server().resolve_by_hand()) return;
  world_.scheduler.after(Micros(5'000), [this] { resolved_by_hand(); });
}

// ---- an operator
// ----------------------------------------------------------------------------------

// Where a ledger has lost decisions there is something to decide; and where it starts again,
// something to remember.
void Schedule::operator_decides() {
  if (world_.random.percent(50)) ledger_put_back();
  for (int restarts = 0; restarts < 3; ++restarts)
    world_.scheduler.after(for_a_while(15'000'000), [this] {
      if (!healing_) coordinator_killed();
    });
  keep_deciding();
}

// From now on a person decides whatever is in doubt, this way or that, without waiting for
// evidence; and sees to damage. Nobody is asked whose decisions another coordinator may overrule.
void Schedule::keep_deciding() {
  if (healing_) return;
  CoordinatorHost& host = ruling();
  if (host.running() && !host.paused() && !host.disk().competed()) decide_doubts(host);
  world_.scheduler.after(Micros(world_.random.between(2'000, 60'000)), [this] { keep_deciding(); });
}

void Schedule::decide_doubts(CoordinatorHost& host) {
  const auto count = [this](const char* done) {
    return [this, done](const std::optional<Reply>& reply) {
      if (reply && !reply->failure) world_.count_fault(done);
    };
  };
  for (const auto& [tx, doubt] : host.machine()->doubts()) {
    if (world_.random.percent(60)) continue;
    const Outcome outcome = world_.random.percent(50) ? Outcome::committed : Outcome::aborted;
    const std::string seen =
        world_.random.percent(50) ? host.machine()->preview(tx, outcome, {}).seen() : "";
    host.ask(ResolveAsked{0, tx, outcome, "ann", "drawn", seen}, count("operator_decided"));
  }
  for (const auto& [id, tx] : host.machine()->transactions()) {
    const bool decides = tx.resolution && world_.random.percent(1);  // once more, perhaps otherwise
    if (decides)
      host.ask(ResolveAsked{0, id, Outcome::aborted, "bob", "drawn", {}}, count("decided_again"));
    if (!tx.alarming().empty() && world_.random.percent(20))
      host.ask(AcknowledgeAsked{0, id, "ann", "mended"}, count("damage_acknowledged"));
  }
}

}  // namespace assent::simulation
