// The control connection: it makes the database "up", and does what is not a branch's own work.
//
//   connect ──▶ take the advisory lock of our name ──▶ end every backend of the lives before
//           ──▶ wait until they are gone ──▶ read identity, marks, prepared branches ──▶ up
//   lost    ──▶ down ──▶ connect again, with back-off, for ever
//
// The lock keeps two processes of one name apart: while its holder's connection shows life (it says
// something twice a second), a second process waits and reports why.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "participant/postgres/connection.hpp"
#include "participant/postgres/context.hpp"

namespace assent {

// A backend, for all time: pids are used again, but not by a backend of the same start.
struct Backend {
  int pid = 0;
  std::string start;
};

class Control {
 public:
  struct Callbacks {
    std::function<void()> on_up;                             // before DatabaseUp is reported
    std::function<void(const std::string& reason)> on_down;  // before DatabaseDown is reported
  };
  Control(Context& context, Callbacks callbacks);

  boost::asio::awaitable<void> run();
  void stop();
  bool is_up() const { return up_; }
  int backend_pid() const { return connection_->backend_pid(); }
  // "assent/<participant>/<run>/" + use
  std::string application_name(const std::string& use) const { return name_ + use; }

  // One segment on the control connection, in turn. False: no answer.
  boost::asio::awaitable<bool> ask(std::vector<Command> commands, std::vector<Reply>& replies);

  // The connection that ran this branch's PREPARE was lost.
  void remember_lost(const Gid& gid, Backend backend);

  boost::asio::awaitable<void> cancel(Backend backend);
  boost::asio::awaitable<void> settle(SettleLost verb);
  boost::asio::awaitable<void> read_status(ReadStatus verb);
  boost::asio::awaitable<void> list(ListPrepared verb);
  boost::asio::awaitable<void> raise_mark(RaiseMark verb);
  boost::asio::awaitable<void> write_journal(WriteJournal verb);
  boost::asio::awaitable<void> read_journal(ReadJournal verb);
  boost::asio::awaitable<void> verify(VerifyPrepared verb);
  boost::asio::awaitable<void> read_text(
      std::string sql, std::function<void(std::optional<std::string>, std::string)> answer);
  boost::asio::awaitable<void> learn_types(std::vector<std::uint32_t> oids);

 private:
  boost::asio::awaitable<bool> come_up(std::string& reason, DatabaseUp& state);
  boost::asio::awaitable<bool> take_lock(Connection& connection);
  boost::asio::awaitable<bool> end_predecessors(Connection& connection);
  boost::asio::awaitable<bool> read_state(Connection& connection, DatabaseUp& state);
  boost::asio::awaitable<bool> read_told(Connection& connection, DatabaseUp& state);
  boost::asio::awaitable<void> report_list(std::vector<HeldBranch> held);
  boost::asio::awaitable<void> stay_up();
  boost::asio::awaitable<bool> say();
  boost::asio::awaitable<bool> trim();
  boost::asio::awaitable<void> take_turn();
  boost::asio::awaitable<void> pause(std::chrono::milliseconds time);
  void pass_turn();
  void report_down(const std::string& reason);

  Context& context_;
  Callbacks callbacks_;
  const std::string prefix_;
  std::string name_;
  std::shared_ptr<Connection> connection_;
  bool up_ = false;
  bool down_reported_ = false;
  std::string down_reason_;
  bool turn_taken_ = false;
  std::deque<boost::asio::steady_timer*> turns_;
  SteadyTime trim_at_;              // when old outcomes are deleted next
  boost::asio::steady_timer wake_;  // of run(), when it pauses
  std::map<Gid, Backend> lost_;
};

// The branches of this participant in the reply to list_sql, also into context.found; nullopt: a
// standby's, worth nothing.
extern const char* const list_sql;
std::optional<std::vector<HeldBranch>> held_branches(const Reply& reply, Context& context);

// Asks the journal which of these branches a commit was told of; and what it answers.
extern const char* const told_sql;  // $1 the transactions, as array_of_txs(); $2 the participant
std::string array_of_txs(const std::vector<HeldBranch>& held);
std::vector<ToldCommit> told_among(const std::vector<HeldBranch>& held, const Reply& reply);

// pg_prepared_xacts shows the low half of an xid. `next` is an xid of now: the two are less than
// 2^31 apart.
Xid widen_xid(std::uint32_t low, Xid next);

// When it was prepared, of its age in milliseconds; NULL: not known.
SteadyTime prepared_since(const Reply& reply, int row, int column);

}  // namespace assent
