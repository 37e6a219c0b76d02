#include "tests/lab/watcher.hpp"

#include <chrono>
#include <memory>
#include <sstream>

#include <libpq-fe.h>

namespace assent::lab {
namespace {

using namespace std::chrono_literals;

// How often; a wait or a window that is shorter may go unseen.
constexpr auto kInterval = 15ms;

constexpr const char* kPrepared =
    "select gid from pg_prepared_xacts where database = current_database()";

// Waiters with their blockers' names. A prepared transaction has no process: whoever waits for one
// waits for a lock whose holder has no pid, and the holder's transaction id tells its gid. Whether
// the holder is in the way at all PostgreSQL says, by a 0 among the blockers.
constexpr const char* kWaits = R"sql(
select a.application_name,
       array_to_string(array(
         select b.application_name from pg_stat_activity b
         where b.pid = any(pg_blocking_pids(a.pid))), ' '),
       array_to_string(array(
         select distinct p.gid
         from pg_locks w
         join pg_locks h on h.granted and h.pid is null and h.locktype = w.locktype
           and h.database is not distinct from w.database
           and h.relation is not distinct from w.relation
           and h.page is not distinct from w.page and h.tuple is not distinct from w.tuple
           and h.transactionid is not distinct from w.transactionid
         join pg_locks x on x.virtualtransaction = h.virtualtransaction and x.pid is null
           and x.locktype = 'transactionid' and x.granted
         join pg_prepared_xacts p on p.transaction = x.transactionid
         where w.pid = a.pid and not w.granted and 0 = any(pg_blocking_pids(a.pid))), ' ')
from pg_stat_activity a
where a.datname = current_database() and a.wait_event_type = 'Lock')sql";

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::vector<std::string> split(const char* text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

}  // namespace

Watcher::Watcher(std::vector<Database> databases, Timeline& timeline,
                 std::function<std::string(const TxId&)> name_of)
    : timeline_(timeline), name_of_(std::move(name_of)) {
  for (const Database& database : databases)
    threads_.emplace_back([this, database] { watch(database); });
}

Watcher::~Watcher() {
  ending_ = true;
  for (std::thread& thread : threads_) thread.join();
}

void Watcher::watch(const Database& database) {
  const std::string conninfo =
      database.conninfo + " application_name=lab-watcher connect_timeout=2";
  Connection connection(nullptr, &PQfinish);
  const std::string lane = database.name + ".db";
  for (; !ending_; std::this_thread::sleep_for(kInterval)) {
    if (!connection || PQstatus(connection.get()) != CONNECTION_OK)
      connection.reset(PQconnectdb(conninfo.c_str()));
    PQsetNoticeProcessor(
        connection.get(), [](void*, const char*) {}, nullptr);
    const Answer prepared(PQexec(connection.get(), kPrepared), &PQclear);
    const Answer waiting(PQexec(connection.get(), kWaits), &PQclear);
    // A server that does not answer says nothing: what was seen last goes on.
    if (PQresultStatus(prepared.get()) != PGRES_TUPLES_OK ||
        PQresultStatus(waiting.get()) != PGRES_TUPLES_OK)
      continue;
    std::vector<std::string> in_doubt;
    std::set<TxId> found;
    const auto named = [&](const std::string& gid) {
      const auto ours = parse_gid(gid);
      if (!ours) return gid;
      const std::string name = name_of_(ours->tx);
      return name.empty() ? to_string(ours->tx) : name;
    };
    for (int row = 0; row < PQntuples(prepared.get()); ++row) {
      const std::string gid = PQgetvalue(prepared.get(), row, 0);
      if (const auto ours = parse_gid(gid)) found.insert(ours->tx);
      in_doubt.push_back(named(gid));
    }
    Waits waits;
    std::vector<std::string> blocked;
    for (int row = 0; row < PQntuples(waiting.get()); ++row) {
      const std::string who = PQgetvalue(waiting.get(), row, 0);
      std::set<std::string>& blockers = waits[who];
      for (const std::string& each : split(PQgetvalue(waiting.get(), row, 1)))
        blockers.insert(each);
      for (const std::string& gid : split(PQgetvalue(waiting.get(), row, 2)))
        blockers.insert(named(gid));
      if (blockers.empty()) continue;  // it has just been let go, or the holder is gone
      std::string text;
      for (const std::string& each : blockers)
        text += (text.empty() ? who + " waits for " : " and ") + each;
      blocked.push_back(std::move(text));
    }
    timeline_.going_on(SpanKind::in_doubt, lane, in_doubt);
    timeline_.going_on(SpanKind::blocked, lane, blocked);
    const std::lock_guard lock(mutex_);
    waits_[database.name] = std::move(waits);
    seen_.insert(found.begin(), found.end());
  }
}

Watcher::Waits Watcher::waits() const {
  const std::lock_guard lock(mutex_);
  Waits all;
  for (const auto& [database, waits] : waits_)
    for (const auto& [who, whom] : waits) all[who].insert(whom.begin(), whom.end());
  return all;
}

std::set<TxId> Watcher::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace assent::lab
