// assent-coordinator: opens the ledger, serves the REST API, links the participants.
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "coordinator/api/api.hpp"
#include "coordinator/api/problem_document.hpp"
#include "coordinator/crash_points.hpp"
#include "coordinator/draining.hpp"
#include "coordinator/engine.hpp"
#include "coordinator/engine_metrics.hpp"
#include "coordinator/link_hub.hpp"
#include "coordinator/log/file_log.hpp"
#include "protocol/runtime/admin.hpp"
#include "protocol/runtime/clock.hpp"
#include "protocol/runtime/daemon.hpp"
#include "protocol/runtime/listening.hpp"
#include "protocol/runtime/log.hpp"
#include "protocol/runtime/metrics.hpp"
#include "protocol/runtime/sd_notify.hpp"
#include "protocol/runtime/upgrade.hpp"

namespace {

using namespace assent;

DaemonSpec spec() {
  DaemonSpec spec;
  spec.name = "assent-coordinator";
  spec.version = ASSENT_VERSION;
  spec.summary = "Commits transactions across PostgreSQL databases: in all of them or in none.";
  spec.commands = {
      {"serve", "run the coordinator (the default)"},
      {"init", "make a new, empty ledger in an empty folder; nothing else ever makes one"}};
  spec.keys = {
      {.name = "ledger", .help = "folder of the decision log", .required = true},
      {.name = "listen",
       .standard = "127.0.0.1:7400",
       .help = "address of the REST API and of the links"},
      {.name = "admin.listen",
       .standard = "127.0.0.1:7401",
       .help = "address of /livez, /readyz, /metrics"},
      allow_open_network_key(),
      {.name = "restored",
       .type = KeyType::boolean,
       .standard = "false",
       .help = "the ledger was put back from a copy or a snapshot: ask the participants before "
               "presuming abort"},
      {.name = "segment_bytes",
       .type = KeyType::size,
       .standard = "16MiB",
       .help = "size of a segment of the ledger",
       .least = kMinSegmentBytes,
       .most = 512 << 20},
      {.name = "limits.open_transactions",
       .type = KeyType::integer,
       .standard = "20000",
       .help = "unfinished transactions; more are refused with 429",
       .least = 1,
       .most = 1'000'000},
      {.name = "limits.body",
       .type = KeyType::size,
       .standard = "1MiB",
       .help = "largest request body",
       .least = 1024,
       .most = 256 << 20},
      {.name = "history.keep",
       .type = KeyType::duration,
       .standard = "10m",
       .help = "how long a finished transaction can be asked for",
       .least = 1000,
       .most = 86'400'000},
      {.name = "history.count",
       .type = KeyType::integer,
       .standard = "20000",
       .help = "how many finished transactions are kept at most",
       .least = 0,
       .most = 1'000'000},
      {.name = "apply_wait",
       .type = KeyType::duration,
       .standard = "10s",
       .help = "how long a commit waits for every branch to apply before it is answered as pending",
       .least = 1,
       .most = 600'000},
      {.name = "drain",
       .type = KeyType::duration,
       .standard = "20s",
       .help = "after SIGTERM: how long to finish what is decided",
       .least = 0,
       .most = 600'000},
  };
  spec.crash_points = crash::coordinator_points();
  spec.example =
      "assent-coordinator init --ledger /var/lib/assent/ledger\n"
      "assent-coordinator --ledger /var/lib/assent/ledger --listen 127.0.0.1:7400";
  return spec;
}

FileLogOptions log_options(const Config& config) {
  FileLogOptions options;
  options.folder = config.text("ledger");
  options.segment_bytes = config.size("segment_bytes");
  options.restored = config.boolean("restored");
  return options;
}

CoordinatorLimits limits(const Config& config) {
  CoordinatorLimits limits;
  limits.open_transactions = static_cast<std::size_t>(config.integer("limits.open_transactions"));
  limits.finished_kept = static_cast<std::size_t>(config.integer("history.count"));
  limits.finished_kept_for = config.duration("history.keep");
  limits.apply_wait = config.duration("apply_wait");
  return limits;
}

int init(const Config& config) {
  const auto made = FileLog::init(log_options(config));
  if (!made) throw ConfigError(made.error().message);
  log::info("a new ledger was made",
            {{"ledger", to_string(*made)}, {"folder", config.text("ledger")}});
  return ExitCode::ok;
}

void describe(const Recovered& recovered, const CoordinatorMachine& machine) {
  log::info("the ledger is open", {{"ledger", to_string(machine.ledger())},
                                   {"epoch", machine.epoch()},
                                   {"unfinished", machine.unfinished()},
                                   {"records", recovered.records.size()}});
  if (recovered.tail == Tail::torn)
    log::warning(
        "the ledger's last record was torn; participants are asked before abort is presumed");
  if (!recovered.same_place)
    log::warning("the ledger was moved or copied; participants are asked before abort is presumed");
}

int serve(const Config& config) {
  const Address listen = listen_address(config, "listen");
  const Address admin_listen = listen_address(config, "admin.listen");
  auto opened = FileLog::open(log_options(config));
  if (!opened) throw ConfigError(opened.error().message);

  boost::asio::io_context io(1);
  int exit_code = ExitCode::ok;
  Metrics metrics;
  EngineMetrics engine_metrics(metrics);
  std::unique_ptr<Engine> engine;
  LinkHub hub([&engine](CoordinatorEvent event) { engine->post(std::move(event)); });

  CoordinatorMachine machine(limits(config), opened->recovered, opened->start, read_clock());
  describe(opened->recovered, machine);
  Engine::World world;
  world.send = [&hub](const std::string& to, const std::vector<ToParticipant>& messages) {
    hub.send(to, messages);
  };
  world.disconnect = [&hub](const std::string& name, const std::string& why) {
    hub.disconnect(name, why);
  };
  world.stop = [&](const std::string& reason) {
    log::error(reason +
               ". This coordinator ends. If its ledger was put back from a copy and no other "
               "coordinator runs, start it with --restored");
    exit_code = ExitCode::configuration;
    io.stop();
  };
  world.log_failed = [&](const std::string& what) {
    log::error("the decision log has failed; nothing is answered any more: " + what);
    exit_code = ExitCode::internal;
    io.stop();
  };
  engine = std::make_unique<Engine>(io, std::move(machine), *opened->log, engine_metrics,
                                    std::move(world));

  Api api(*engine);
  HttpLimits http_limits;
  http_limits.body_bytes = config.size("limits.body");
  HttpServer server(
      io, http_limits,
      [&api](HttpRequest request, HttpServer::Respond respond) {
        api.handle(std::move(request), std::move(respond));
      },
      server_problem);
  server.on_upgrade([&hub](const HttpRequest& request, Upgrade upgrade) {
    if (request.path != "/v1/link") return false;
    hub.accept(std::move(upgrade));
    return true;
  });

  Draining draining(io, *engine, server, config.duration("drain"), [&] { io.stop(); });
  AdminServer admin(io, metrics, [&draining] { return draining.reasons(); });
  metrics.before_scrape([&] { engine_metrics.refresh(engine->machine(), engine->now()); });
  TerminationSignals signals(io, [&draining] { draining.begin(); });

  const auto admin_port = admin.listen(admin_listen.host, admin_listen.port);
  const auto port = server.listen(listen.host, listen.port);
  log::info("ready", {{"listen", to_string(Address{listen.host, port})},
                      {"admin", to_string(Address{admin_listen.host, admin_port})}});
  notify_service_manager("READY=1");
  io.run();
  hub.close_all();
  engine.reset();
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  return assent::run_daemon(argc, argv, spec(), [](const assent::DaemonRun& run) {
    return run.command == "init" ? init(run.config) : serve(run.config);
  });
}
