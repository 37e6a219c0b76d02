#include "tests/integration/blocking/sessions.hpp"

#include <algorithm>

#include <libpq-fe.h>

namespace assent {

namespace {

bool is_number(const std::string& text) {
  return text.find_first_not_of("0123456789") == text.npos;
}

Edges edges_from(const dev::Cluster& cluster, const std::string& sql) {
  Edges edges;
  for (const dev::Row& row : cluster.query(sql, "stock"))
    edges.emplace(std::stoi(row[0].value()), row[1].value());
  return edges;
}

}  // namespace

Session::Session(const dev::Cluster& cluster, const std::string& application,
                 const std::string& database)
    : pg_(PQconnectdb((cluster.conninfo(database) + " application_name=" + application).c_str())) {
  if (PQstatus(pg_) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(pg_));
  PQsetNoticeProcessor(
      pg_, [](void*, const char*) {}, nullptr);
}

Session::~Session() {
  PQfinish(pg_);
}

int Session::pid() const {
  return PQbackendPID(pg_);
}

void Session::send(const std::string& sql) {
  error_.clear();
  if (PQsendQuery(pg_, sql.c_str()) != 1) throw std::runtime_error(PQerrorMessage(pg_));
  busy_ = true;
}

void Session::run(const std::string& sql) {
  send(sql);
  if (!finishes() || !error_.empty()) throw std::runtime_error(sql + ": " + error_);
}

bool Session::finished() {
  while (busy_) {
    if (PQconsumeInput(pg_) != 1) {
      error_ = PQerrorMessage(pg_);
      busy_ = false;
      break;
    }
    if (PQisBusy(pg_) != 0) return false;
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQgetResult(pg_), PQclear);
    if (result == nullptr)
      busy_ = false;
    else if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR)
      error_ = PQresultErrorMessage(result.get());
  }
  return true;
}

bool Session::finishes(std::chrono::milliseconds within) {
  return dev::poll_until([this] { return finished(); }, within);
}

void await_waiting(const dev::Cluster& cluster, const std::set<int>& pids) {
  const auto all_wait = [&] {
    std::set<int> waiting;
    for (const dev::Row& row : cluster.query("select pid from pg_locks where not granted"))
      waiting.insert(std::stoi(row[0].value()));
    return std::ranges::includes(waiting, pids);
  };
  if (!dev::poll_until(all_wait, std::chrono::seconds(20)))
    throw std::runtime_error("no session waits that should: " +
                             cluster.value("select string_agg(pid || ' ' || application_name || "
                                           "': ' || query, '; ') from pg_stat_activity"));
}

Observation observe(Host& host) {
  std::optional<Observation> seen;
  host.database->observe([&](Observation each) { seen = std::move(each); });
  host.run_until([&] { return seen.has_value(); });
  return std::move(*seen);
}

Edges edges_of(const Observation& seen) {
  Edges edges;
  const auto name = [&](std::size_t number) {
    const BlockingNode& node = seen.blocking.nodes[number];
    return node.prepared ? seen.snapshot.prepared[*node.prepared].gid : std::to_string(node.pid);
  };
  for (const BlockingNode& node : seen.blocking.nodes) {
    for (const std::size_t blocker : node.blocked_by) edges.emplace(node.pid, name(blocker));
    for (const std::size_t blocker : node.behind) edges.emplace(node.pid, name(blocker));
  }
  return edges;
}

Edges edges_in_psql(const dev::Cluster& cluster) {
  return edges_from(cluster,
                    "select pid, coalesce(blocker_gid, blocker_pid::text) from assent.wait");
}

Edges blocking_pids(const dev::Cluster& cluster) {
  return edges_from(cluster,
                    "select l.pid, b from pg_locks l, unnest(pg_blocking_pids(l.pid)) b "
                    "where not l.granted");
}

Edges without_names(const Edges& edges) {
  Edges result;
  for (const auto& [pid, blocker] : edges) result.emplace(pid, is_number(blocker) ? blocker : "0");
  return result;
}

}  // namespace assent
