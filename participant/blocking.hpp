// Who waits for whom in one database server, as a value: rows as PostgreSQL shows them in, a graph
// of prepared transactions and sessions out. Pure: participant/postgres/blocking_reader.hpp reads
// the rows.
//
// The rules are those of PostgreSQL's lock manager (pg_blocking_pids follows the same):
//   a request waits for every holder of a conflicting mode on the same object, and
//   for every request ahead of it in that object's queue whose mode conflicts with its own.
// Row locks are not in pg_locks: who wants a row locked by a transaction waits for a ShareLock on
// that transaction's id, holding, or queueing for, a lock on the row itself ("tuple").
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"

namespace assent {

// In the order of PostgreSQL's lock.h.
enum class LockMode : std::uint8_t {
  access_share = 1,
  row_share,
  row_exclusive,
  share_update_exclusive,
  share,
  share_row_exclusive,
  exclusive,
  access_exclusive,
};
std::string_view to_string(LockMode mode);  // "AccessShareLock", as pg_locks has it
std::optional<LockMode> parse_lock_mode(std::string_view text);
bool conflict(LockMode a, LockMode b);

// ---- what PostgreSQL shows ----------------------------------------------------------------------

// What is locked. Fields that do not belong to the type are zero.
struct LockObject {
  std::string type;  // relation, tuple, transactionid, advisory …: pg_locks.locktype
  std::uint32_t database = 0;
  std::uint32_t relation = 0;
  std::uint32_t page = 0;
  std::uint32_t line = 0;  // pg_locks.tuple
  std::uint32_t xid = 0;
  std::string virtual_xid;
  std::uint32_t class_id = 0;
  std::uint32_t object_id = 0;
  std::uint32_t object_sub_id = 0;
  auto operator<=>(const LockObject&) const = default;
};

// One row of pg_locks.
struct LockRow {
  LockObject object;
  std::string virtual_transaction;
  int pid = 0;  // 0: a prepared transaction
  LockMode mode = LockMode::access_share;
  bool granted = true;
  std::int64_t wait_start_us = 0;  // Unix time; 0: granted, or has just begun to wait
};

// One row of pg_stat_activity; what the role may not see is empty.
struct SessionRow {
  int pid = 0;
  int leader_pid = 0;  // of a parallel worker
  std::string database;
  std::string user;
  std::string application;
  std::string client;  // address; empty: a local socket
  std::string backend_type;
  std::string state;
  std::string query;  // its beginning
  bool hidden = false;
  std::int64_t transaction_start_ms = 0;  // Unix time
};

// One row of pg_prepared_xacts.
struct PreparedRow {
  std::string gid;
  std::uint32_t xid = 0;
  std::uint32_t xid_age = 0;
  std::string owner;
  std::string database;
  std::int64_t prepared_at_ms = 0;  // Unix time
};

struct LockSnapshot {
  std::int64_t taken_at_ms = 0;  // the database's clock, Unix time
  std::string database;          // the one that is asked about
  std::vector<LockRow> locks;
  std::vector<SessionRow> sessions;
  std::vector<PreparedRow> prepared;
};

// ---- the graph ----------------------------------------------------------------------------------

// A version of a row, as a waiter's lock names it.
struct RowPlace {
  std::uint32_t relation = 0;
  std::uint32_t page = 0;
  std::uint32_t line = 0;
  auto operator<=>(const RowPlace&) const = default;
};

struct Wait {
  LockObject object;
  LockMode mode = LockMode::share;
  std::int64_t since_us = 0;                    // Unix time
  std::size_t queue_position = 0;               // 0: first
  std::optional<RowPlace> row;                  // where it is known
  std::vector<std::uint32_t> shared_relations;  // without a row: what both have written to
};

struct HeldLock {
  LockObject object;
  std::vector<LockMode> modes;
};

struct BlockingNode {
  // Exactly one of the two: a prepared transaction (index into the snapshot's list) or a session.
  std::optional<std::size_t> prepared;
  int pid = 0;  // of the leader where parallel workers wait

  std::optional<Wait> wait;             // sessions that wait
  std::vector<std::size_t> blocked_by;  // nodes that hold what it wants
  std::vector<std::size_t> behind;      // nodes ahead of it in the queue, as far as they conflict
  std::vector<HeldLock> locks;          // prepared transactions only

  // The tree: each waiter stands once, under what it waits for on the shortest way from a root.
  std::optional<std::size_t> parent;
  std::vector<std::size_t> children;  // longest waiting first
  std::size_t reach = 0;  // of a root: sessions that wait for it, directly or behind others
};

struct Blocking {
  std::vector<BlockingNode> nodes;
  // Prepared transactions of this database, oldest first; then those of others and sessions that
  // somebody waits for here. Of a deadlock, which PostgreSQL is about to end: its longest waiter.
  std::vector<std::size_t> roots;
  // Somebody waits for a prepared transaction that is not in the list: it was prepared or ended
  // between the readings. Take another snapshot.
  bool torn = false;

  // Sessions that wait for any of these nodes, directly or behind others; each once.
  std::vector<std::size_t> held_by(const std::vector<std::size_t>& blockers) const;
  const BlockingNode* find(int pid) const;
};

Blocking analyse(const LockSnapshot& snapshot);

// "row 7 of page 0", "advisory lock 42", "transaction 733"; relations by `relation_name`.
std::string describe(const LockObject& object, std::string_view relation_name);

}  // namespace assent
