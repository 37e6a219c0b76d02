#include "tests/lab/database_faults.hpp"

#include <stdexcept>

#include <libpq-fe.h>

#include "clients/dev/process.hpp"

namespace assent::lab {
namespace {

using namespace std::chrono_literals;
using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

// Of a server that is slow, and must still be waited for.
constexpr auto kPatience = 60s;

void await(const dev::Cluster& cluster, const std::string& truth, const std::string& what) {
  if (!dev::poll_until([&] { return cluster.value(truth) == "t"; }, kPatience))
    throw std::runtime_error(cluster.name() + ": " + what);
}

}  // namespace

std::vector<pid_t> participant_backends(const std::string& conninfo) {
  std::vector<pid_t> pids;
  for (const dev::Row& row : dev::query(
           conninfo,
           "select pid from pg_stat_activity where application_name like 'assent/%' and datname = "
           "current_database() order by state = 'idle', query_start desc"))
    pids.push_back(static_cast<pid_t>(std::stol(row[0].value_or("0"))));
  return pids;
}

void take_slots(const std::string& conninfo) {
  const Connection connection(PQconnectdb(conninfo.c_str()), &PQfinish);
  for (int number = 1;; ++number) {
    const std::string sql = "begin; select pg_current_xact_id(); prepare transaction 'lab-slot-" +
                            std::to_string(number) + "'";
    const Answer answer(PQexec(connection.get(), sql.c_str()), &PQclear);
    if (PQresultStatus(answer.get()) == PGRES_COMMAND_OK) continue;
    const char* state = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
    if (state && std::string(state) == "53200") return;  // "maximum number … reached"
    throw std::runtime_error("cannot take a slot: " +
                             std::string(PQerrorMessage(connection.get())));
  }
}

void give_slots_back(const std::string& conninfo) {
  for (const dev::Row& row :
       dev::query(conninfo,
                  "select gid from pg_prepared_xacts where gid like 'lab-slot-%' and "
                  "database = current_database()"))
    dev::query(conninfo, "rollback prepared '" + row[0].value_or("") + "'");
}

// ---- crowd

struct Crowd::Impl {
  std::vector<Connection> connections;
};

Crowd::Crowd(const std::string& conninfo) : impl_(std::make_unique<Impl>()) {
  dev::query(conninfo,
             "do $$ begin create role lab_crowd login; "
             "exception when duplicate_object then null; end $$");
  const std::string as_crowd = conninfo + " user=lab_crowd application_name=lab-crowd";
  for (;;) {
    Connection connection(PQconnectdb(as_crowd.c_str()), &PQfinish);
    if (PQstatus(connection.get()) == CONNECTION_OK) {
      impl_->connections.push_back(std::move(connection));
      continue;
    }
    const std::string why = PQerrorMessage(connection.get());
    if (why.find("remaining connection slots") != why.npos || why.find("too many") != why.npos)
      return;
    throw std::runtime_error("cannot take every connection: " + why);
  }
}

Crowd::~Crowd() = default;

// ---- standby

Standby::Standby(dev::Cluster& primary, dev::ClusterOptions options, bool synchronous)
    : link_(primary.port()) {
  options.name = primary.name() + "-standby";
  options.folder = primary.folder().parent_path() / options.name;
  options.keep = true;
  options.primary = "host=127.0.0.1 port=" + std::to_string(link_.port()) + " user=postgres";
  cluster_ = std::make_unique<dev::Cluster>(std::move(options));
  const std::string end = primary.value("select pg_current_wal_lsn()");
  await(*cluster_, "select coalesce(pg_last_wal_replay_lsn() >= '" + end + "', false)",
        "it does not catch up");
  if (!synchronous) return;
  primary.query("alter system set synchronous_commit = on");
  primary.query("alter system set synchronous_standby_names = '*'");
  primary.query("select pg_reload_conf()");
  await(primary, "select count(*) = 1 from pg_stat_replication where sync_state = 'sync'",
        "its standby does not become synchronous");
}

std::unique_ptr<dev::Cluster> Standby::promote() {
  cluster_->query("select pg_promote()");
  await(*cluster_, "select not pg_is_in_recovery()", "it was not promoted");
  return std::move(cluster_);
}

}  // namespace assent::lab
