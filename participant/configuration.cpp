#include "participant/configuration.hpp"

#include <utility>

#include "participant/crash_points.hpp"
#include "protocol/runtime/listening.hpp"

namespace assent {
namespace {

std::vector<ConfigKey> keys() {
  return {
      {.name = "name",
       .help = "this participant's name, unique at its coordinator",
       .required = true},
      {.name = "database",
       .help = "libpq connection string; keep a password out of the command line (passfile, "
               "environment)",
       .required = true},
      {.name = "coordinator",
       .type = KeyType::list,
       .standard = "127.0.0.1:7400",
       .help = "addresses of the coordinator, tried in turn"},
      {.name = "admin.listen",
       .standard = "127.0.0.1:7411",
       .help = "address of /livez, /readyz, /metrics, /v1/blocking"},
      allow_open_network_key(),
      {.name = "check",
       .type = KeyType::boolean,
       .standard = "false",
       .help = "check the database's settings and this role's rights, say what to mend, and end"},
  };
}

std::vector<ConfigKey> limit_keys() {
  return {
      {.name = "pool.lanes",
       .type = KeyType::integer,
       .standard = "8",
       .help = "connections for one-shot branches, shared by many transactions",
       .least = 1,
       .most = 256},
      {.name = "pool.sessions",
       .type = KeyType::integer,
       .standard = "32",
       .help = "connections for interactive branches, one each",
       .least = 1,
       .most = 10'000},
      {.name = "pool.finishers",
       .type = KeyType::integer,
       .standard = "8",
       .help = "connections for phase two; no fewer than pool.lanes",
       .least = 1,
       .most = 256},
      {.name = "limits.branches",
       .type = KeyType::integer,
       .standard = "1000",
       .help = "branches open at a time; more are refused",
       .least = 1,
       .most = 200'000},
      {.name = "limits.waiting",
       .type = KeyType::integer,
       .standard = "1000",
       .help = "branches waiting for a connection; more are refused",
       .least = 0,
       .most = 200'000},
      {.name = "limits.result",
       .type = KeyType::size,
       .standard = "8MiB",
       .help = "largest result of one request",
       .least = 1024,
       .most = 32 << 20},
      {.name = "sweep",
       .type = KeyType::duration,
       .standard = "4s",
       .help = "how often to look for prepared branches that nobody works on",
       .least = 100,
       .most = 3'600'000},
  };
}

}  // namespace

DaemonSpec participant_spec() {
  DaemonSpec spec;
  spec.name = "assent-participant";
  spec.version = ASSENT_VERSION;
  spec.summary = "Carries out two-phase commit in the PostgreSQL database beside it.";
  spec.keys = keys();
  for (ConfigKey& key : limit_keys()) spec.keys.push_back(std::move(key));
  spec.crash_points = crash::participant_points();
  spec.example =
      "psql -d shop -v role=assent_participant -f participant.sql      (once, as the database's "
      "owner)\n"
      "assent-participant --name orders --coordinator 127.0.0.1:7400 \\\n"
      "  --database 'host=/var/run/postgresql dbname=shop user=assent_participant'";
  return spec;
}

DatabaseOptions database_options(const Config& config) {
  DatabaseOptions options;
  options.conninfo = config.text("database");
  options.participant = config.text("name");
  options.lanes = static_cast<std::size_t>(config.integer("pool.lanes"));
  options.sessions = static_cast<std::size_t>(config.integer("pool.sessions"));
  options.finishers = static_cast<std::size_t>(config.integer("pool.finishers"));
  options.waiting = static_cast<std::size_t>(config.integer("limits.waiting"));
  options.result_bytes = static_cast<std::size_t>(config.size("limits.result"));
  if (!is_participant_name(options.participant))
    throw ConfigError(
        "name (" + config.source("name") +
        "): a lower-case letter, then letters, digits, '_' or '-', at most 63 characters");
  if (config.source("database").rfind("option", 0) == 0 &&
      options.conninfo.find("password") != std::string::npos)
    throw ConfigError(
        "database (" + config.source("database") +
        "): a password on the command line can be read by everybody on this machine; use a "
        "passfile, ASSENT_DATABASE or the configuration file");
  if (options.finishers < options.lanes)
    throw ConfigError("pool.finishers (" + config.source("pool.finishers") +
                      "): no fewer than pool.lanes, or phase two could not keep up with phase one");
  return options;
}

ParticipantLimits participant_limits(const Config& config) {
  ParticipantLimits limits;
  limits.open_branches = static_cast<std::size_t>(config.integer("limits.branches"));
  limits.sweep_interval = config.duration("sweep");
  return limits;
}

}  // namespace assent
