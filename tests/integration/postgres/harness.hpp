// A Database against a real, throwaway server: verbs in, completions out.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "clients/dev/cluster.hpp"
#include "participant/postgres/database.hpp"
#include "tests/support/catch.hpp"

struct pg_conn;

namespace assent::wire {
class Results;
}

namespace assent {

// The server most tests share, with databases `stock` (made ready) and `other`.
dev::Cluster& shared_cluster();

struct Sql {
  std::string sql;
  std::vector<std::optional<std::string>> params{};
  std::optional<std::uint64_t> expect_rows{};
};

struct WorkOptions {
  std::string isolation{};
  bool read_only = false;
  std::uint32_t lock_timeout_ms = 0;
  std::uint32_t max_result_bytes = 0;
};

Work work_of(std::vector<Sql> statements, const WorkOptions& options = {});
wire::Results decode(const Results& results);

// A fresh gid of the participant `stock`.
Gid new_gid(const std::string& participant = "stock");

// Who has prepared the branch; "nobody": it is not prepared.
std::string owner_of(const dev::Cluster& cluster, const Gid& gid);

// A blocking session of someone else: an application, an administrator.
class Visitor {
 public:
  explicit Visitor(const std::string& conninfo);
  ~Visitor();
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;
  // The first value; throws with PostgreSQL's message.
  std::string run(const std::string& sql);

 private:
  pg_conn* pg_;
};

class Host {
 public:
  explicit Host(dev::Cluster& cluster, std::function<void(DatabaseOptions&)> change = {},
                bool start = true);
  ~Host();

  // Runs the loop until an event of this type has come, and takes it out.
  template <typename Event>
  Event wait(std::chrono::milliseconds within = std::chrono::seconds(20)) {
    std::optional<Event> found;
    run_until([&] { return (found = take<Event>()).has_value(); }, within);
    return std::move(*found);
  }
  template <typename Event>
  std::optional<Event> take() {
    for (auto at = events.begin(); at != events.end(); ++at)
      if (const auto* event = std::get_if<Event>(&*at)) {
        Event found = *event;
        events.erase(at);
        return found;
      }
    return std::nullopt;
  }
  // Throws when it does not come true in time.
  void run_until(const std::function<bool()>& condition,
                 std::chrono::milliseconds within = std::chrono::seconds(20));

  PrepareDone prepare(const Gid& gid, Work work, Duration time_left = Duration(10'000));
  PrepareDone prepare_open(const Gid& gid);
  WorkDone run(const Gid& gid, Work work, Duration time_left = Duration(10'000));
  // Without an id: that of this process's yes.
  FinishDone finish(const Gid& gid, Outcome outcome, std::optional<Xid> xid = {});
  StatusRead status(const Gid& gid, Xid xid, const ServerIdentity& server);

  dev::Cluster& cluster;
  boost::asio::io_context io;
  std::deque<ParticipantEvent> events;
  std::unique_ptr<Database> database;
  DatabaseUp up;  // the first one
};

// While it lives, the server waits for a standby that does not exist: PREPARE and COMMIT PREPARED
// are carried out, and not answered.
class MissingStandby {
 public:
  explicit MissingStandby(dev::Cluster& cluster);
  ~MissingStandby();
  MissingStandby(const MissingStandby&) = delete;
  MissingStandby& operator=(const MissingStandby&) = delete;
  void until_one_waits(Host& host);
  void end_those_that_wait();

 private:
  void name(const std::string& standby);
  dev::Cluster& cluster_;
};

template <typename Result>
const Result& as(const PrepareDone& done) {
  if (const auto* no = std::get_if<PrepareDone::No>(&done.result)) {
    UNSCOPED_INFO("no: " << to_string(no->failure.problem) << " " << no->failure.message);
  }
  REQUIRE(std::holds_alternative<Result>(done.result));
  return std::get<Result>(done.result);
}

// The problem of a no or of a failed statement; none for everything else.
Problem problem_in(const PrepareDone& done);
Problem problem_in(const WorkDone& done);

}  // namespace assent
