#include "coordinator/configuration.hpp"

#include <set>

#include "coordinator/crash_points.hpp"
#include "protocol/runtime/listening.hpp"

namespace assent {
namespace {

std::vector<ConfigKey> keys() {
  return {
      {.name = "ledger",
       .help = "folder of the decision log",
       .required = true,
       .example = "/var/lib/assent/coordinator/ledger"},
      {.name = "listen",
       .standard = "127.0.0.1:7400",
       .help = "address of the REST API and of the links"},
      {.name = "admin.listen",
       .standard = "127.0.0.1:7401",
       .help = "address of /livez, /readyz, /metrics"},
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
       .most = 1'000'000,
       .unit = "transactions"},
      {.name = "apply_wait",
       .type = KeyType::duration,
       .standard = "10s",
       .help = "how long a commit waits for every branch to apply before it is answered as pending",
       .least = 1,
       .most = 600'000},
      {.name = "groups",
       .type = KeyType::table,
       .help = "participants that go by one name: a branch given as \"group\" runs at each of them",
       .example = "replicas=orders_a,orders_b,orders_c"},
      {.name = "drain",
       .type = KeyType::duration,
       .standard = "20s",
       .help = "after SIGTERM: how long to finish what is decided",
       .least = 0,
       .most = 600'000},
  };
}

std::vector<ConfigKey> limit_keys() {
  return {
      {.name = "limits.open_transactions",
       .type = KeyType::integer,
       .standard = "20000",
       .help = "unfinished transactions; more are refused with 429",
       .least = 1,
       .most = 1'000'000,
       .unit = "transactions"},
      {.name = "limits.participant_branches",
       .type = KeyType::integer,
       .standard = "10000",
       .help = "unfinished branches at one participant; more are refused with 429, so that one in "
               "trouble leaves room for the others",
       .least = 1,
       .most = 1'000'000,
       .unit = "branches"},
      {.name = "limits.requests_per_second",
       .type = KeyType::integer,
       .standard = "0",
       .help = "requests of one caller in a second; more are refused with 429; 0: any number",
       .least = 0,
       .most = 1'000'000,
       .unit = "requests"},
      {.name = "limits.transactions_per_caller",
       .type = KeyType::integer,
       .standard = "0",
       .help = "unfinished transactions of one caller; more are refused with 429; 0: any number",
       .least = 0,
       .most = 1'000'000,
       .unit = "transactions"},
      {.name = "limits.body",
       .type = KeyType::size,
       .standard = "1MiB",
       .help = "largest request body",
       .least = 1024,
       .most = 256 << 20},
  };
}

std::vector<DaemonCommand> log_commands() {
  return {{"log verify",
           "read the whole ledger, in use or not, and say what it holds, or which file is damaged "
           "where"},
          {"log dump",
           "print every record of the ledger, in use or not",
           {{"--json", "", "one JSON object a line"}}},
          {"log backup",
           "copy the ledger, in use or not, to start from with --restored when it is lost",
           {{"--to", "FOLDER", "where to; it must not exist", true}}}};
}

}  // namespace

DaemonSpec coordinator_spec() {
  DaemonSpec spec;
  spec.name = "assent-coordinator";
  spec.version = ASSENT_VERSION;
  spec.summary = "Commits transactions across PostgreSQL databases: in all of them or in none.";
  spec.commands = {
      {"serve", "run the coordinator"},
      {"init", "make a new, empty ledger in an empty folder; nothing else ever makes one"}};
  for (DaemonCommand& command : log_commands()) spec.commands.push_back(std::move(command));
  spec.online_help =
      "try the addresses, read the ledger and time its disk as well; beside a running coordinator, "
      "too";
  spec.keys = keys();
  for (const auto& more : {limit_keys(), listening_keys()})
    spec.keys.insert(spec.keys.end(), more.begin(), more.end());
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

CoordinatorLimits coordinator_limits(const Config& config) {
  CoordinatorLimits limits;
  limits.open_transactions = static_cast<std::size_t>(config.integer("limits.open_transactions"));
  limits.participant_branches =
      static_cast<std::size_t>(config.integer("limits.participant_branches"));
  limits.finished_kept = static_cast<std::size_t>(config.integer("history.count"));
  limits.finished_kept_for = config.duration("history.keep");
  limits.apply_wait = config.duration("apply_wait");
  return limits;
}

Groups groups_of(const Config& config) {
  const auto refuse = [&config](const std::string& what) {
    throw ConfigError("groups (" + config.source("groups") + "): " + what);
  };
  constexpr const char* kNames =
      "; names are a lower-case letter, then lower-case letters, digits, _ or -, at most 63";
  const Groups& groups = config.table("groups");
  for (const auto& [name, members] : groups) {
    if (!is_participant_name(name)) refuse("\"" + name + "\" cannot name a group" + kNames);
    if (members.empty()) refuse(name + " has no members");
    if (members.size() > CoordinatorLimits{}.branches)
      refuse(name + " has " + std::to_string(members.size()) + " members; a transaction has " +
             std::to_string(CoordinatorLimits{}.branches) + " branches at most");
    std::set<std::string_view> seen;
    for (const std::string& member : members) {
      if (!is_participant_name(member))
        refuse("\"" + member + "\" in " + name + " cannot be a participant" + kNames);
      if (!seen.insert(member).second) refuse(member + " stands twice in " + name);
    }
  }
  return groups;
}

AdmissionLimits admission_limits(const Config& config) {
  AdmissionLimits limits;
  limits.requests_per_second =
      static_cast<std::size_t>(config.integer("limits.requests_per_second"));
  limits.transactions = static_cast<std::size_t>(config.integer("limits.transactions_per_caller"));
  return limits;
}

}  // namespace assent
