// What a participant saw of its database's locks at one moment.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "participant/blocking.hpp"

namespace assent {

// Of max_prepared_transactions, taken by everybody in the cluster.
struct PreparedSlots {
  std::uint32_t used = 0;
  std::uint32_t all = 0;
};

struct RelationName {
  std::string name;        // "public.account", quoted where SQL wants it
  char kind = 0;           // pg_class.relkind
  std::string key_fields;  // SQL that makes the row's primary key; empty: none, or not readable
};

// What an in-doubt transaction costs besides the locks.
struct ServerCosts {
  std::uint32_t slots_used = 0;  // of max_prepared_transactions, by everybody in the cluster
  std::uint32_t slots = 0;
  std::uint32_t freeze_max_age = 0;      // autovacuum_freeze_max_age
  std::uint32_t oldest_frozen_age = 0;   // of all databases: age(datfrozenxid)
  std::uint32_t oldest_session_age = 0;  // age of the oldest backend_xmin but those of Assent's own
  std::uint32_t oldest_slot_age = 0;     // of the replication slots' xmin
  std::optional<std::uint64_t> dead_rows;  // in this database, not removed yet; an estimate
};

struct Observation {
  // Why nothing could be seen: the database is away, a standby, an error. Then nothing below
  // counts.
  std::string trouble;
  LockSnapshot snapshot;
  Blocking blocking;
  std::map<std::uint32_t, RelationName> relations;
  std::map<int, Gid> working;  // this participant's own sessions, by pid: for which branch
  std::map<RowPlace, std::string> keys;  // a JSON object {"id": "7"} of rows waited for
  ServerCosts costs;
  std::string server_version;
  std::string role;          // ours
  bool sees_queries = true;  // false: pg_read_all_stats is missing
};

struct Glance {
  std::string trouble;
  std::size_t prepared = 0;  // transactions prepared in this database for longer than a second
  std::size_t waiting = 0;   // sessions waiting for a lock, in the whole cluster
  PreparedSlots slots;
};

}  // namespace assent
