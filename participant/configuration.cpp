#include "participant/configuration.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "participant/crash_points.hpp"
#include "participant/postgres/conninfo.hpp"
#include "protocol/runtime/config_check.hpp"
#include "protocol/runtime/listening.hpp"
#include "protocol/runtime/token.hpp"

namespace assent {
namespace {

std::vector<ConfigKey> keys() {
  return {
      {.name = "name",
       .help = "this participant's name, unique at its coordinator",
       .required = true,
       .example = "orders"},
      {.name = "database",
       .help = "libpq connection string; keep a password out of the command line (passfile, "
               "environment)",
       .required = true,
       .example = "host=/var/run/postgresql dbname=shop user=assent_participant"},
      {.name = "statements",
       .help = "what differs from `database` where clients' statements run, as a role that may not "
               "touch Assent's own tables; empty: nothing, so that clients are trusted with them",
       .example = "user=shop_clients"},
      {.name = "coordinator",
       .type = KeyType::list,
       .standard = "127.0.0.1:7400",
       .help = "addresses of the coordinator, tried in turn"},
      {.name = "admin.listen",
       .standard = "127.0.0.1:7411",
       .help = "address of /livez, /readyz, /metrics, /v1/blocking, /v1/check"},
  };
}

std::vector<ConfigKey> link_keys() {
  return {
      {.name = "link.tls",
       .type = KeyType::boolean,
       .standard = "false",
       .help =
           "speak TLS to the coordinator, whose certificate must be for the host in its address"},
      {.name = "link.ca",
       .help =
           "PEM file: who signs the coordinator's certificate; empty: whom this machine trusts"},
      {.name = "link.certificate", .help = "PEM file: the certificate to show to the coordinator"},
      {.name = "link.key", .help = "PEM file: its private key, without a passphrase"},
      {.name = "link.token_file",
       .help = "file with the token to show to the coordinator, in place of a certificate"},
  };
}

std::vector<ConfigKey> limit_keys() {
  return {
      {.name = "pool.lanes",
       .type = KeyType::integer,
       .standard = "8",
       .help = "connections for one-shot branches, shared by many transactions",
       .least = 1,
       .most = 256,
       .unit = "connections"},
      {.name = "pool.sessions",
       .type = KeyType::integer,
       .standard = "32",
       .help = "connections for interactive branches, one each",
       .least = 1,
       .most = 10'000,
       .unit = "connections"},
      {.name = "pool.finishers",
       .type = KeyType::integer,
       .standard = "8",
       .help = "connections for phase two; no fewer than pool.lanes",
       .least = 1,
       .most = 256,
       .unit = "connections"},
      {.name = "limits.branches",
       .type = KeyType::integer,
       .standard = "1000",
       .help = "branches open at a time; more are refused",
       .least = 1,
       .most = 200'000,
       .unit = "branches"},
      {.name = "limits.waiting",
       .type = KeyType::integer,
       .standard = "1000",
       .help = "branches waiting for a connection; more are refused",
       .least = 0,
       .most = 200'000,
       .unit = "branches"},
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

namespace {

void check_coordinators(const Config& config, Findings& found) {
  const auto& addresses = config.list("coordinator");
  const std::string key = "coordinator (" + config.source("coordinator") + "): ";
  if (addresses.empty())
    found.push_back({Finding::Severity::error, key + "no address is given", {}});
  for (const std::string& text : addresses)
    if (!parse_address(text))
      found.push_back({Finding::Severity::error,
                       key + text + " is not an address; write host:port, as 127.0.0.1:7400",
                       {}});
}

// All that is wrong with the configuration, without touching anything.
Findings check_participant(const Config& config) {
  Findings found;
  check_listening(config, {"admin.listen"}, found);
  check_coordinators(config, found);
  if (!config.text("name").empty()) look(found, [&] { database_options(config); });
  look(found, [&] { link_security(config); });
  check_expiry(config, {"link.certificate", "link.ca"}, found);
  check_secrecy(config, {"link.key", "link.token_file"}, found);
  return found;
}

}  // namespace

DaemonSpec participant_spec() {
  DaemonSpec spec;
  spec.name = "assent-participant";
  spec.version = ASSENT_VERSION;
  spec.summary = "Carries out two-phase commit in the PostgreSQL database beside it.";
  spec.commands = {{"serve", "run the participant"}};
  spec.check = check_participant;
  spec.online_help =
      "check the database's settings and this role's rights as well, and prepare on trial";
  spec.keys = keys();
  for (const auto& more : {link_keys(), limit_keys(), listening_keys()})
    spec.keys.insert(spec.keys.end(), more.begin(), more.end());
  spec.crash_points = crash::participant_points();
  spec.example =
      "psql -d shop -v role=assent_participant -f participant.sql      (once, as the database's "
      "owner)\n"
      "assent-participant --name orders --coordinator 127.0.0.1:7400 \\\n"
      "  --database 'host=/var/run/postgresql dbname=shop user=assent_participant'";
  return spec;
}

namespace {

void refuse_open_password(const Config& config, const char* key) {
  if (config.source(key).rfind("option", 0) != 0 ||
      config.text(key).find("password") == std::string::npos)
    return;
  std::string variable = "ASSENT_" + std::string(key);
  std::transform(variable.begin(), variable.end(), variable.begin(), ::toupper);
  throw ConfigError(std::string(key) + " (" + config.source(key) +
                    "): a password on the command line can be read by everybody on this machine; "
                    "use a passfile, " +
                    variable + " or the configuration file");
}

}  // namespace

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
  for (const char* key : {"database", "statements"}) refuse_open_password(config, key);
  if (const std::string& differing = config.text("statements"); !differing.empty()) try {
      auto statements = statements_conninfo(options.conninfo, differing);
      options.statements_conninfo = std::move(statements.conninfo);
      options.statements_role = std::move(statements.role);
    } catch (const std::runtime_error& error) {
      throw ConfigError("statements (" + config.source("statements") + "): " + error.what());
    }
  if (options.finishers < options.lanes)
    throw ConfigError("pool.finishers (" + config.source("pool.finishers") +
                      "): no fewer than pool.lanes, or phase two could not keep up with phase one");
  return options;
}

LinkSecurity link_security(const Config& config) {
  const bool tls = config.boolean("link.tls");
  const auto given = [&config](std::string_view key) { return !config.text(key).empty(); };
  for (const char* key : {"link.ca", "link.certificate", "link.key"})
    if (given(key) && !tls)
      throw ConfigError(std::string(key) + " (" + config.source(key) + "): needs link.tls = true");
  if (given("link.certificate") != given("link.key"))
    throw ConfigError("link.certificate and link.key: one needs the other");
  if (!tls && !config.boolean("allow_open_network"))
    for (const std::string& text : config.list("coordinator"))
      if (const auto address = parse_address(text); address && !is_loopback(address->host))
        throw ConfigError("coordinator (" + config.source("coordinator") + "): " + text +
                          " is dialled without TLS: whoever is on the way could give orders to "
                          "this database. Set link.tls and link.ca, or say allow_open_network if "
                          "the network itself is closed to others");
  LinkSecurity security;
  try {
    if (tls)
      security.tls = make_client_context(
          {config.text("link.ca"), config.text("link.certificate"), config.text("link.key")});
    if (given("link.token_file")) security.token = read_token_file(config.text("link.token_file"));
  } catch (const std::runtime_error& error) {
    throw ConfigError(std::string("link: ") + error.what());
  }
  return security;
}

ParticipantLimits participant_limits(const Config& config) {
  ParticipantLimits limits;
  limits.open_branches = static_cast<std::size_t>(config.integer("limits.branches"));
  limits.sweep_interval = config.duration("sweep");
  return limits;
}

}  // namespace assent
