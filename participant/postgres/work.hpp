// A client's statements as they travel (assent.wire.Work), made ready for PostgreSQL; and their
// results, made ready to travel back.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "participant/postgres/connection.hpp"
#include "protocol/messages.hpp"
#include "protocol/problem.hpp"

namespace assent {

namespace wire {
class Results;
class Work;
}  // namespace wire

using TypeNames = std::map<std::uint32_t, std::string>;  // pg_type: oid → typname

class Statements {
 public:
  // Checked whole before anything is sent: a Failure names the statement that may not be.
  static std::variant<std::unique_ptr<Statements>, Failure> decode(const Work& work,
                                                                   std::size_t result_bytes);
  ~Statements();

  const char* begin_sql() const;
  const std::string& lock_timeout() const { return lock_timeout_; }  // "" for the database's own
  bool read_only() const;

  // One command for each statement; they point into this object. `keep`: as in Command.
  void append_to(std::vector<Command>& commands, bool keep);
  const std::string& sql(std::int32_t index) const;
  std::size_t size() const { return sinks_.size(); }

  // What the statements' replies say, replies[first] being the first one's: that one failed, met
  // not its expectation, ended the transaction, or returned too much. nullopt: all is well.
  std::optional<Failure> first_failure(const std::vector<Reply>& replies, std::size_t first) const;

  // Forgets results, for the statements to be sent once more.
  void begin_anew();

  Results results(const std::vector<Reply>& replies, std::size_t first, const TypeNames& types);
  std::vector<std::uint32_t> unknown_types(const TypeNames& types) const;

 private:
  class Sink;
  Statements();

  std::unique_ptr<wire::Work> work_;
  std::unique_ptr<wire::Results> results_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::string lock_timeout_;
  std::size_t bytes_left_ = 0;
  std::size_t limit_ = 0;
};

// A refusal by PostgreSQL, with all it said.
Failure failure_of(const SqlError& error, Problem problem, std::int32_t statement);

}  // namespace assent
