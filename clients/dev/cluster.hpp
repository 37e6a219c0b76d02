// Throwaway PostgreSQL clusters, for tests and `assent dev`.
//
// A cluster is a real server with its own system identifier, made by initdb in well under a
// second, that keeps what it is told (fsync is on) and dies with us, even when we are killed. It
// listens on a unix socket in a private folder and on a free TCP port of 127.0.0.1, and trusts
// whoever connects: never use it for real data.
//
// Not thread-safe; make clusters on a thread that outlives them (see process.hpp). Failures are
// std::runtime_error with the end of the server's log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clients/dev/process.hpp"

namespace assent::dev {

// Where PostgreSQL's programs lie. Looked for in $ASSENT_PG_BIN, PATH, /usr/lib/postgresql/*/bin
// (newest first), /usr/pgsql-*/bin and where pg_config says; the first of version 14 or later.
struct PostgresTools {
  std::filesystem::path bin;
  int major = 0;
};
const PostgresTools& postgres_tools();

struct ClusterOptions {
  std::string name = "pg";         // in messages
  std::filesystem::path folder{};  // empty: a temporary one. An existing cluster in it is reused
  bool keep = false;               // leave the folder behind (a temporary one is always removed)
  std::uint16_t port = 0;          // 0: a free one, kept for the life of the object
  int max_prepared_transactions = 200;
  int max_connections = 200;
  bool durable = true;    // false: no fsync, no synchronous commit; only where nothing crashes
  std::string primary{};  // given: begins as a standby of the server that libpq reaches by this
  std::vector<std::pair<std::string, std::string>> settings{};  // more of postgresql.conf, unquoted
};

using Row = std::vector<std::optional<std::string>>;  // nullopt is NULL

// Over a connection of its own to what libpq is told. Throws std::runtime_error.
std::vector<Row> query(const std::string& conninfo, const std::string& sql);
// The first column of the only row, as text; "" for NULL.
std::string value(const std::string& conninfo, const std::string& sql);

class Cluster {
 public:
  // Makes and starts it; answers queries when this returns.
  explicit Cluster(ClusterOptions options = {});
  // Stops it at once and removes its folder unless it is to be kept.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // ---- life; each returns when it is so
  void start();
  enum class StopMode { fast, immediate };  // roll back and checkpoint, or just stop
  void stop(StopMode mode = StopMode::fast);
  void restart(StopMode mode = StopMode::fast);
  // kill -9 of the postmaster and of every process of the server at once; start() recovers.
  void crash();
  // kill -9 of the postmaster only; its backends end when they notice, at their next wait.
  void kill_postmaster();
  // SIGSTOP and SIGCONT to every process of the server.
  void pause();
  void resume();
  bool running();
  // A base backup of the running server, into a folder that is not there yet.
  void back_up(const std::filesystem::path& folder) const;
  // Stops it as it stands and starts it with the data of a backup, which is kept.
  void put_back(const std::filesystem::path& backup);
  // Changes a setting of postgresql.conf from the next start on (the last value of a name counts).
  void set(const std::string& name, const std::string& value);

  // ---- address
  const std::string& name() const { return options_.name; }
  const std::filesystem::path& folder() const { return folder_; }
  const std::filesystem::path& socket_folder() const { return socket_folder_; }
  const std::filesystem::path& log() const { return log_; }
  std::uint16_t port() const { return port_; }
  pid_t postmaster_pid() const;
  // What libpq takes, over the unix socket or over TCP.
  std::string conninfo(std::string_view database = "postgres",
                       std::string_view user = "postgres") const;
  std::string tcp_conninfo(std::string_view database = "postgres",
                           std::string_view user = "postgres") const;

  // ---- contents, as superuser over a fresh connection each time
  std::vector<Row> query(const std::string& sql, std::string_view database = "postgres") const {
    return dev::query(conninfo(database), sql);
  }
  std::string value(const std::string& sql, std::string_view database = "postgres") const {
    return dev::value(conninfo(database), sql);
  }
  // Runs a file with psql, stopping at the first error; the variable `role` is assent_participant,
  // and `clients` that of clients' statements, where they have their own.
  void run_file(const std::filesystem::path& file, std::string_view database,
                std::string_view clients = {}) const;
  // Creates the database if it is missing and installs sql/participant.sql, which makes the plain
  // login role `assent_participant`. The sidecar connects with participant_conninfo().
  void install_participant(std::string_view database, std::string_view clients = {});
  std::string participant_conninfo(std::string_view database) const {
    return conninfo(database, "assent_participant");
  }
  // install_participant() and sql/demo_bank.sql.
  void install_demo_bank(std::string_view database);

 private:
  void initialize();
  void make_data(const std::filesystem::path& folder) const;
  void base_backup(const std::string& from, const std::filesystem::path& into,
                   bool as_standby) const;
  void write_settings() const;
  std::vector<pid_t> processes() const;
  void remove_shared_memory() const;

  ClusterOptions options_;
  std::unique_ptr<TemporaryFolder> temporary_;
  std::unique_ptr<TemporaryFolder> temporary_socket_;  // where the folder's path is too long
  std::filesystem::path folder_;
  std::filesystem::path data_;
  std::filesystem::path socket_folder_;
  std::filesystem::path log_;
  std::uint16_t port_ = 0;
  std::optional<Account> account_;
  std::optional<Process> server_;
};

// The folder with participant.sql and demo_bank.sql: $ASSENT_SQL, ../share/assent/sql beside the
// executable, or the source tree it was built from.
std::filesystem::path sql_folder();

}  // namespace assent::dev
