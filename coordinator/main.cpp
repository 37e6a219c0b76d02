// assent-coordinator: opens the ledger, serves the REST API, links the participants.
#include <string>

#include "coordinator/checks.hpp"
#include "coordinator/configuration.hpp"
#include "coordinator/log_commands.hpp"
#include "coordinator/replaying.hpp"
#include "coordinator/service.hpp"
#include "protocol/runtime/clock.hpp"
#include "protocol/runtime/listening.hpp"
#include "protocol/runtime/log.hpp"

namespace {

using namespace assent;

int init(const Config& config) {
  const auto made = FileLog::init(log_options(config));
  if (!made) throw ConfigError(made.error().message);
  log::info("a new ledger was made",
            {{"ledger", to_string(*made)}, {"folder", config.text("ledger")}});
  return ExitCode::ok;
}

void describe(const Recovered& recovered, std::size_t records, const CoordinatorMachine& machine) {
  log::info("the ledger is open", {{"ledger", to_string(machine.ledger())},
                                   {"epoch", machine.epoch()},
                                   {"unfinished", machine.unfinished()},
                                   {"records", records}});
  if (recovered.tail == Tail::torn)
    log::warning(
        "the ledger's last record was torn; participants are asked before abort is presumed");
  if (!recovered.same_place)
    log::warning("the ledger was moved or copied; participants are asked before abort is presumed");
}

int serve(const DaemonRun& run) {
  const Config& config = run.config;
  // Before the ledger is touched: a start that cannot serve must not raise its epoch.
  listen_address(config, "listen");
  listen_address(config, "admin.listen");
  listening_tls(config);
  access_of(config);
  groups_of(config);
  Replaying replaying(coordinator_limits(config), read_clock());
  auto opened =
      FileLog::open(log_options(config), [&](const LogRecord& record) { replaying.take(record); });
  if (!opened) throw ConfigError(opened.error().message);
  CoordinatorMachine machine = replaying.finish(opened->recovered, opened->start);
  describe(opened->recovered, replaying.taken(), machine);
  CoordinatorService service(config, std::move(machine), *opened->log);
  return service.run(run.reload);
}

}  // namespace

int main(int argc, char** argv) {
  assent::DaemonSpec spec = assent::coordinator_spec();
  spec.check = assent::check_coordinator;
  spec.check_online = assent::check_coordinator_online;
  return assent::run_daemon(argc, argv, spec, [](const assent::DaemonRun& run) {
    if (run.command == "init") return init(run.config);
    if (const auto done = assent::run_log_command(run)) return *done;
    return serve(run);
  });
}
