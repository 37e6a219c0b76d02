// A participant's database: the host's side of the verbs in protocol/participant_machine.hpp.
//
// Connections, all to one database, named assent/<participant>/<run>/<use>:
//   control    one. Holds the session advisory lock of the participant's name; lists, reads and
//              writes marks and journal, settles, cancels. The database is up while it lives.
//   lane       phase one, one-shot: begin, work and prepare in one round trip, then the next
//   branch. session    phase one, interactive: held by a branch from its first statement to its
//   PREPARE. finisher   phase two. Apart from the others, because a commit must not queue behind a
//   prepare
//              that waits for its row; opened with the database, so that a decided commit needs no
//              new connection.
//   observer   one. Looks at locks, for people; read-only.
// Lanes and sessions, which run clients' statements, may have a role of their own; then the others'
// role ends their branches in it (docs/decisions/0021).
// When the control connection is lost, all others are closed too: what comes up next is a new life,
// and it begins by ending every backend of the lives before it.
//
// Everything here belongs to the I/O thread; nothing blocks it but the resolution of a host name
// (give `hostaddr` where that matters). Each verb ends in the completion its comment in
// participant_machine.hpp names, reported once, never from inside perform().
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/participant_machine.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

struct DatabaseOptions {
  std::string conninfo;  // libpq's; several hosts are allowed, the primary among them is taken
  // Of lanes and sessions, where they have a role of their own, and that role; else empty.
  std::string statements_conninfo;
  std::string statements_role;
  std::string participant;  // is_participant_name
  std::size_t lanes = 8;
  std::size_t sessions = 32;
  std::size_t finishers = 8;   // no fewer than lanes
  std::size_t waiting = 1000;  // branches waiting for a lane, and for a session; more: `overloaded`
  std::size_t result_bytes = 8 * 1024 * 1024;  // of one request; more: `result_too_large`
  std::chrono::milliseconds connect_timeout{5000};
  // How long after its deadline a silent backend is given up for lost.
  std::chrono::milliseconds grace{5000};
  // A predecessor whose control connection has said nothing for so long is taken for dead.
  std::chrono::milliseconds takeover{5000};
  std::chrono::hours outcome_retention{24 * 30};    // older lines of assent.outcome are deleted …
  std::chrono::milliseconds trim_interval{60'000};  // … this often
};

struct Glance;
struct Observation;

struct DatabaseStatistics {
  struct Use {
    std::size_t open = 0;     // connections, connecting ones among them
    std::size_t busy = 0;     // of these, at work or held by a branch
    std::size_t waiting = 0;  // verbs waiting for one
  };
  bool up = false;
  Use lanes;
  Use sessions;
  Use finishers;
};

class Database {
 public:
  // `report` is called on the I/O thread with completions, DatabaseUp and DatabaseDown. It may call
  // perform() and stop().
  Database(boost::asio::io_context& io, DatabaseOptions options,
           std::function<void(ParticipantEvent)> report);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Connects, and again with back-off each time the database is lost.
  void start();
  // Closes every connection. Nothing is reported after it returns; prepared branches stay prepared.
  void stop();

  void perform(RunWork verb);
  void perform(PrepareBranch verb);
  void perform(SettleLost verb);
  void perform(DropOpen verb);
  void perform(CancelPrepare verb);
  void perform(FinishPrepared verb);
  void perform(ReadStatus verb);
  void perform(ListPrepared verb);
  void perform(RaiseMark verb);
  void perform(WriteJournal verb);
  void perform(ReadJournal verb);
  void perform(VerifyPrepared verb);

  // One value of one row, asked over the control connection: for views such as
  // "select assent.blocking()". `answer` gets nullopt, and the reason, where it could not be had.
  void read_text(std::string sql,
                 std::function<void(std::optional<std::string> value, std::string error)> answer);

  // Who waits for whom, for people: see observation.hpp. Answered once, on the I/O thread, now or
  // later; with the trouble where the database is away. Not answered after stop().
  void glance(std::function<void(Glance)> answer);
  void observe(std::function<void(Observation)> answer);

  // How long this branch has been prepared, as the database says. nullopt: it was not looked at, as
  // those are not that this process prepared itself a moment ago.
  std::optional<std::chrono::milliseconds> prepared_for(const Gid& gid) const;

  DatabaseStatistics statistics() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace assent
