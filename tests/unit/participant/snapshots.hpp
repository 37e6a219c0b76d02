// Rows as PostgreSQL would show them, for tests of the analysis.
#pragma once

#include <string>

#include "participant/blocking.hpp"

namespace assent {

inline LockObject table(std::uint32_t relation) {
  LockObject object;
  object.type = "relation";
  object.database = 5;
  object.relation = relation;
  return object;
}

inline LockObject row_of(std::uint32_t relation, std::uint32_t line) {
  LockObject object = table(relation);
  object.type = "tuple";
  object.line = line;
  return object;
}

inline LockObject transaction(std::uint32_t xid) {
  LockObject object;
  object.type = "transactionid";
  object.xid = xid;
  return object;
}

class Snapshot : public LockSnapshot {
 public:
  Snapshot() {
    database = "shop";
    taken_at_ms = 1'000'000;
  }

  // Live: it has kept the virtual transaction of its session. The id is its number.
  void prepare(std::uint32_t xid, const std::string& gid, const std::string& where = "shop") {
    prepared.push_back({gid, xid, 1, "owner", where, 900'000 + std::int64_t{xid}});
    hold(-static_cast<int>(xid), transaction(xid), LockMode::exclusive);
  }
  // `who`: a pid, or the id of a prepared transaction with a minus.
  void hold(int who, LockObject object, LockMode mode) {
    locks.push_back(
        {std::move(object), virtual_transaction(who), who > 0 ? who : 0, mode, true, 0});
  }
  void wait(int pid, LockObject object, LockMode mode) {
    locks.push_back({std::move(object), virtual_transaction(pid), pid, mode, false, ++clock_});
    SessionRow session;
    session.pid = pid;
    session.database = "shop";
    sessions.push_back(std::move(session));
  }

 private:
  static std::string virtual_transaction(int who) {
    return who > 0 ? "4/" + std::to_string(who) : "3/" + std::to_string(-who);
  }
  std::int64_t clock_ = 900'000'000;
};

}  // namespace assent
