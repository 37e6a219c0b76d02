// A daemon that does nothing but print its configuration; run as a process by daemon_test.cpp.
#include <iostream>

#include <boost/asio/io_context.hpp>

#include "protocol/runtime/crash_points.hpp"
#include "protocol/runtime/daemon.hpp"
#include "protocol/runtime/log.hpp"

using namespace assent;

namespace {

DaemonSpec spec() {
  DaemonSpec spec;
  spec.name = "probe";
  spec.version = "1.2.3";
  spec.summary = "prints its configuration";
  spec.commands = {{"run", "Print everything"},
                   {"wait", "Wait for a signal"},
                   {"fail", "Fail as `name` says"},
                   {"crash", "Pass crash points"},
                   {"copy all", "Say where to", {{"--to", "FOLDER", "where to", true}}}};
  spec.keys = {{"http.listen", KeyType::text, "127.0.0.1:80", "Where to listen"},
               {"http.idle_timeout", KeyType::duration, "75s", "Idle", false, false, 1000, 600'000},
               {"http.body", KeyType::size, "1MiB", "Largest body", false, false, 1, 1 << 30},
               {.name = "count",
                .type = KeyType::integer,
                .standard = "3",
                .help = "A number",
                .least = 1,
                .most = 10,
                .unit = "things"},
               {"peers", KeyType::list, "", "Addresses"},
               {"teams", KeyType::table, "", "Who plays for whom"},
               {"on", KeyType::boolean, "false", "A switch"},
               {.name = "name", .help = "A name", .required = true, .example = "somebody"},
               {"db.password", KeyType::text, "", "A secret", false, true}};
  spec.crash_points = {"log.after-write", "send.commit"};
  spec.example = "  probe --name x";
  spec.check = [](const Config&) {
    return Findings{{Finding::Severity::warning, "careful", "do that"}};
  };
  spec.check_online = [](const Config&) {
    return Findings{{Finding::Severity::error, "the outside is down", {}}};
  };
  return spec;
}

int fail(const std::string& how) {
  if (how == "config") throw ConfigError("the data is another's");
  if (how == "temporary") throw TemporaryError("the database is away");
  if (how == "defect") throw std::runtime_error("a bug");
  return 7;
}

int wait_for_signal() {
  boost::asio::io_context io(1);
  TerminationSignals* waiting = nullptr;
  TerminationSignals signals(io, [&] {
    std::cout << "draining" << std::endl;
    if (waiting) waiting->cancel();
  });
  if (!std::getenv("STUBBORN")) waiting = &signals;
  std::cout << "ready" << std::endl;
  io.run();
  return 0;
}

int pass_crash_points() {
  for (int i = 1; i <= 3; ++i) {
    std::cout << i << (crash_point("log.", "after-write") ? " error" : " passed") << std::endl;
    crash_point("send.commit");
  }
  return 0;
}

int run(const DaemonRun& run) {
  const Config& config = run.config;
  if (run.command == "wait") return wait_for_signal();
  if (run.command == "fail") return fail(config.text("name"));
  if (run.command == "copy all") {
    std::cout << "to " << run.options.at("--to") << std::endl;
    return 0;
  }
  if (run.command == "crash") return pass_crash_points();
  std::cout << "listen " << config.text("http.listen") << "\nidle "
            << config.duration("http.idle_timeout").count() << "\nbody " << config.size("http.body")
            << "\ncount " << config.integer("count") << "\npeers";
  for (const auto& peer : config.list("peers")) std::cout << ' ' << peer;
  for (const auto& [team, players] : config.table("teams")) {
    std::cout << "\nteam " << team;
    for (const auto& player : players) std::cout << ' ' << player;
  }
  std::cout << "\non " << config.boolean("on") << "\nname " << config.text("name") << "\npassword "
            << config.text("db.password") << std::endl;
  log::info("printed", {{"name", config.text("name")}, {"count", config.integer("count")}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_daemon(argc, argv, spec(), run);
}
