// Sessions of applications that wait, for tests of what blocks.
#pragma once

#include <chrono>
#include <set>
#include <string>

#include "clients/dev/cluster.hpp"
#include "participant/postgres/observation.hpp"
#include "tests/integration/postgres/harness.hpp"

namespace assent {

// One connection whose last statement may be waiting.
class Session {
 public:
  Session(const dev::Cluster& cluster, const std::string& application,
          const std::string& database = "stock");
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int pid() const;
  // Sends statements (one simple query) and does not wait for the answer.
  void send(const std::string& sql);
  void run(const std::string& sql);  // sends, and requires that it succeeds
  // Whether the answer has come. `error()` is then empty, or PostgreSQL's message.
  bool finished();
  bool finishes(std::chrono::milliseconds within = std::chrono::seconds(20));
  const std::string& error() const { return error_; }

 private:
  pg_conn* pg_;
  bool busy_ = false;
  std::string error_;
};

// Waits until each of these sessions is waiting for a lock.
void await_waiting(const dev::Cluster& cluster, const std::set<int>& pids);

Observation observe(Host& host);

// (who waits, for whom): sessions by pid, prepared transactions by gid.
using Edges = std::set<std::pair<int, std::string>>;
Edges edges_of(const Observation& seen);
// The same from assent.wait, which asks pg_blocking_pids(); and that alone, with "0" for every
// prepared transaction.
Edges edges_in_psql(const dev::Cluster& cluster);
Edges blocking_pids(const dev::Cluster& cluster);
Edges without_names(const Edges& edges);  // gids become "0"

}  // namespace assent
