// One connection to PostgreSQL, on Asio: libpq in non-blocking pipeline mode.
//
// The unit of work is an exchange: several commands and a Sync, in one round trip where the network
// allows. It is one coroutine's at a time; whoever shares a connection takes turns. A Sync in
// between makes two segments of it: each a transaction of its own, and the second is carried out
// also where the first failed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "participant/postgres/kept_statements.hpp"

struct pg_conn;
struct pg_result;

namespace assent {

using SteadyTime = std::chrono::steady_clock::time_point;

// PostgreSQL's error fields, as it sent them. `message` alone is set where the connection failed.
struct SqlError {
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
  std::string schema;
  std::string table;
  std::string column;
  std::string constraint;
  std::string position;
};

// Takes rows as they come, so that a limit on them holds before memory is spent.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // Called for each row, and once more at the end with none (the columns are in every one).
  virtual void take(const pg_result& result) = 0;
};

// What is pointed at must outlive the exchange.
struct Command {
  const char* sql = nullptr;        // SQL text, or the name of a prepared statement
  std::vector<const char*> params;  // text format; nullptr is NULL
  bool named = false;
  bool keep = false;          // the text comes again and again: let the backend keep it prepared
  bool parse_only = false;    // the text becomes the unnamed statement (name: "") and is not run
  bool ends_segment = false;  // a Sync follows
  RowSink* sink = nullptr;    // without one, the rows are kept in the reply
};

struct Reply {
  enum class Kind : std::uint8_t {
    none,     // no answer: the connection was lost before it came
    ok,       // carried out; see the tag
    error,    // refused; see the error
    skipped,  // not carried out, because an earlier command of the segment failed
  };
  Kind kind = Kind::none;
  std::string tag;         // the command tag, without its numbers
  std::uint64_t rows = 0;  // affected or returned
  SqlError error;
  std::shared_ptr<pg_result> result;

  bool ok() const { return kind == Kind::ok; }
  int height() const;
  std::string text(int row, int column) const;  // "" for NULL
  bool is_null(int row, int column) const;
};

struct ConnectionTarget {
  std::string conninfo;
  std::string application_name;
  std::chrono::milliseconds timeout{5000};
};

// Made by std::make_shared.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(boost::asio::io_context& io);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // False: see failure().
  boost::asio::awaitable<bool> connect(ConnectionTarget target);

  // Sends the commands and a Sync, and waits for every answer: one Reply each. False when the
  // connection was lost (or silent at `deadline`); the replies that came before are there.
  boost::asio::awaitable<bool> exchange(std::span<const Command> commands,
                                        std::vector<Reply>& replies,
                                        std::optional<SteadyTime> deadline = std::nullopt);

  // A text that was kept prepared is sent as it is the next time. False: it was not kept.
  bool forget_kept(std::string_view sql) { return kept_.forget(sql); }

  // Gives the connection up; an exchange under way returns false.
  void close(std::string reason);

  bool is_open() const { return open_; }
  // Open and outside any transaction.
  bool is_idle() const;
  // Open and inside a transaction that has not failed.
  bool is_in_transaction() const;
  // As is_open(), having looked at the socket: an idle connection ended by the server is noticed.
  bool is_alive();
  const std::string& failure() const { return failure_; }
  int backend_pid() const;

  // When the backend began, in seconds: with its pid, its name for all time. Set by who asked for
  // it.
  std::string backend_start;

 private:
  using Descriptor = boost::asio::posix::stream_descriptor;

  // The answers to a segment, as far as they have come.
  struct Progress {
    std::span<const Command> commands;
    std::vector<Reply>& replies;
    std::size_t at = 0;      // the command whose results come now
    bool preparing = false;  // … but first those of preparing it
    bool syncing = false;    // … but first that of the Sync before it
    bool complete = false;
  };

  boost::asio::awaitable<bool> poll_until_connected();
  boost::asio::awaitable<bool> wait(bool to_write);
  bool send(const Command& command);
  void start_command(Progress& progress);
  bool take_what_came(Progress& progress);
  bool take_next(Progress& progress);
  void take(pg_result* result, const Command& command, Reply& reply);
  void watch(SteadyTime deadline);
  bool lost();  // notes libpq's message, closes, and returns false

  boost::asio::io_context& io_;
  pg_conn* pg_ = nullptr;
  std::optional<Descriptor> socket_;  // a duplicate of libpq's, which it may replace or close
  bool open_ = false;
  bool given_up_ = false;
  std::string failure_;
  KeptStatements kept_;
  std::vector<bool> prepared_first_;  // of each command of the segment under way
  // The timer is set for a deadline and left: the next exchange moves the deadline, not the timer.
  boost::asio::steady_timer watchdog_;
  SteadyTime deadline_ = SteadyTime::max();  // of the exchange under way
  bool watched_ = false;
};

}  // namespace assent
