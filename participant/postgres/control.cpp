#include "participant/postgres/control.hpp"

#include <array>
#include <cstdio>
#include <random>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "participant/postgres/session.hpp"

namespace assent {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

namespace {

constexpr auto answer_time = 15s;  // a control connection silent for so long is given up
constexpr auto heartbeat = 500ms;
constexpr int trimmed_at_once = 10'000;

std::string run_id() {  // tells the processes of one participant apart, for people
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08x", std::random_device{}());
  return text.data();
}

}  // namespace

Control::Control(Context& context, Callbacks callbacks)
    : context_(context),
      callbacks_(std::move(callbacks)),
      prefix_(application_prefix(context.options.participant)),
      name_(prefix_ + run_id() + "/"),
      trim_at_(SteadyTime::clock::now() + context.options.trim_interval),
      wake_(context.io) {}

void Control::stop() {
  up_ = false;
  if (connection_) connection_->close("stopped");
  wake_.cancel();
}

awaitable<void> Control::pause(std::chrono::milliseconds time) {
  wake_.expires_after(time);
  co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
}

awaitable<void> Control::run() {
  constexpr std::chrono::milliseconds first = 50ms;
  for (auto wait = first; !context_.stopped;
       wait = std::min<std::chrono::milliseconds>(500ms, wait * 2)) {
    connection_ = std::make_shared<Connection>(context_.io);
    std::string reason;
    DatabaseUp state;
    const bool ready = co_await come_up(reason, state);
    if (context_.stopped) break;
    if (ready) {
      wait = first;
      up_ = true;
      down_reported_ = false;
      context_.server = state.server;
      callbacks_.on_up();
      context_.report(std::move(state));
      co_await stay_up();
      if (context_.stopped) break;
      up_ = false;
      reason = connection_->failure();
      callbacks_.on_down(reason);
    }
    report_down(reason);
    co_await pause(wait);
  }
}

// Once for each reason: it is reported while it lasts, not at every attempt.
void Control::report_down(const std::string& reason) {
  if (context_.stopped || (down_reported_ && reason == down_reason_)) return;
  down_reported_ = true;
  down_reason_ = reason;
  context_.report(DatabaseDown{reason});
}

awaitable<bool> Control::come_up(std::string& reason, DatabaseUp& state) {
  Connection& connection = *connection_;
  const DatabaseOptions& options = context_.options;
  ConnectionTarget target{options.conninfo, application_name("control"), options.connect_timeout};
  bool ok = co_await open_session(connection, std::move(target), state.server);
  if (ok) ok = co_await trust_catalog_only(connection);
  if (ok) ok = co_await take_lock(connection);
  if (ok) ok = co_await end_predecessors(connection);
  if (ok) ok = co_await read_state(connection, state);
  if (ok) ok = co_await read_told(connection, state);
  if (!ok) reason = connection.failure();
  co_return ok;
}

awaitable<bool> Control::take_lock(Connection& connection) {
  const std::string key = std::to_string(advisory_key(context_.options.participant));
  std::vector<Command> commands(2);
  commands[0].sql =
      "select set_config('statement_timeout', '10s', false), set_config('lock_timeout', '5s', "
      "false), "
      "set_config('idle_session_timeout', '0', false)";
  commands[1].sql = "select pg_try_advisory_lock($1::bigint)";
  commands[1].params = {key.c_str()};
  std::vector<Command> look(1);
  look[0].sql =
      "select a.pid, coalesce(a.client_addr::text, 'this host'), "
      "case when left(a.application_name, length($2)) = $2 and a.usename = current_user "
      "and clock_timestamp() - a.state_change > $3::interval "
      "then pg_terminate_backend(a.pid) end "
      "from pg_locks l join pg_stat_activity a on a.pid = l.pid "
      "where l.locktype = 'advisory' and l.granted and l.objsubid = 1 "
      "and l.database = (select oid from pg_database where datname = current_database()) "
      "and l.classid::bigint = ($1::bigint >> 32) & 4294967295 "
      "and l.objid::bigint = $1::bigint & 4294967295";
  const std::string takeover = std::to_string(context_.options.takeover.count()) + " milliseconds";
  look[0].params = {key.c_str(), prefix_.c_str(), takeover.c_str()};
  for (;;) {
    std::vector<Reply> replies;
    if (!co_await run_all(connection, commands, replies, answer_time)) co_return false;
    if (replies[1].text(0, 0) == "t") co_return true;
    if (!co_await run_all(connection, look, replies, answer_time)) co_return false;
    if (replies[0].height() > 0)
      report_down("another assent-participant named " + context_.options.participant +
                  " works on this database, from " + replies[0].text(0, 1) + " (backend " +
                  replies[0].text(0, 0) + "): stop it, or give this one another name");
    co_await pause(100ms);
    if (context_.stopped) co_return false;
  }
}

awaitable<bool> Control::end_predecessors(Connection& connection) {
  std::vector<Command> commands(1);
  commands[0].sql =
      "select pid, pg_terminate_backend(pid) from pg_stat_activity "
      "where left(application_name, length($1)) = $1 and usename in (current_user, $2) "
      "and datname = current_database() and pid <> pg_backend_pid()";
  commands[0].params = {prefix_.c_str(), context_.options.statements_role.c_str()};
  const auto impatient = std::chrono::steady_clock::now() + 2s;
  for (;;) {
    std::vector<Reply> replies;
    if (!co_await run_all(connection, commands, replies, answer_time)) co_return false;
    if (replies[0].height() == 0) co_return true;
    if (std::chrono::steady_clock::now() > impatient)
      report_down("waiting for " + std::to_string(replies[0].height()) +
                  " backend(s) of the predecessor to end, among them " + replies[0].text(0, 0));
    co_await pause(20ms);
    if (context_.stopped) co_return false;
  }
}

awaitable<bool> Control::read_state(Connection& connection, DatabaseUp& state) {
  std::vector<Command> commands(4);
  commands[0].sql = list_sql;
  commands[1].sql = "select ledger, epoch, life, sequence from assent.marks()";
  commands[2].sql = "select oid, typname from pg_type where typrelid = 0";
  // Takes an id: that of a snapshot is behind what is prepared, that of the last checkpoint older.
  commands[3].sql = "select pg_current_xact_id()";
  std::vector<Reply> replies;
  if (!co_await run_all(connection, std::move(commands), replies, answer_time)) co_return false;
  auto held = held_branches(replies[0], context_);
  if (!held) {
    connection.close("the server is a standby");
    co_return false;
  }
  state.held = std::move(*held);
  for (int row = 0; row < replies[1].height(); ++row)
    state.marks.push_back({{parse_uuid(replies[1].text(row, 0)).value_or(Uuid{})},
                           std::stoull(replies[1].text(row, 1)),
                           parse_uuid(replies[1].text(row, 2)).value_or(Uuid{}),
                           std::stoull(replies[1].text(row, 3))});
  state.next_xid = std::stoull(replies[3].text(0, 0));
  context_.types.clear();
  for (int row = 0; row < replies[2].height(); ++row)
    context_.types[static_cast<std::uint32_t>(std::stoul(replies[2].text(row, 0)))] =
        replies[2].text(row, 1);
  co_return true;
}

// Of which prepared branches a predecessor had been told to commit. Nobody ends or tells them now.
awaitable<bool> Control::read_told(Connection& connection, DatabaseUp& state) {
  const std::string txs = array_of_txs(state.held);
  std::vector<Command> commands(2);
  commands[0].sql = told_sql;
  commands[0].params = {txs.c_str(), context_.options.participant.c_str()};
  commands[1].sql = "select assent.installed_version()";
  std::vector<Reply> replies;
  const auto deadline = std::chrono::steady_clock::now() + answer_time;
  const bool answered = co_await connection.exchange(commands, replies, deadline);
  if (!answered) co_return false;
  const std::string& refusal = replies[0].error.sqlstate;  // no such function, or column
  const bool is_old = refusal == "42883" || refusal == "42703" ||
                      (replies[1].ok() && std::stoi(replies[1].text(0, 0)) < kSchemaVersion);
  if (is_old)
    connection.close(
        "the schema assent is older than this program: run sql/participant.sql again, as a "
        "superuser");
  else if (!replies[0].ok() || !replies[1].ok())
    connection.close(replies[replies[0].ok() ? 1 : 0].error.message);
  if (!connection.is_open()) co_return false;
  state.told = told_among(state.held, replies[0]);
  co_return true;
}

// Says something twice a second: a lost connection is noticed, and a successor sees us alive.
awaitable<void> Control::stay_up() {
  while (connection_->is_open()) {
    bool answered = false;
    if (SteadyTime::clock::now() < trim_at_)
      answered = co_await say();
    else
      answered = co_await trim();
    if (!answered) break;
    co_await pause(heartbeat);
  }
}

awaitable<bool> Control::say() {
  std::vector<Command> commands(1);
  commands[0].sql = "select";
  std::vector<Reply> replies;
  co_return co_await ask(std::move(commands), replies);
}

// Deletes old outcomes: a piece at a time, for others wait for this connection, and soon again
// where there was more, so that it keeps up with any number of commits. When it is due outlives the
// connection: one that is lost more often would never come to it.
awaitable<bool> Control::trim() {
  const std::string age = std::to_string(context_.options.outcome_retention.count()) + " hours";
  const std::string most = std::to_string(trimmed_at_once);
  std::vector<Command> commands(1);
  commands[0].sql = "select assent.trim_outcomes($1::interval, $2)";
  commands[0].params = {age.c_str(), most.c_str()};
  std::vector<Reply> replies;
  const bool answered = co_await ask(std::move(commands), replies);
  if (!answered) co_return false;
  const bool more = replies[0].ok() && replies[0].text(0, 0) == most;
  trim_at_ = SteadyTime::clock::now();
  if (!more) trim_at_ += context_.options.trim_interval;
  co_return true;
}

awaitable<void> Control::take_turn() {
  if (!std::exchange(turn_taken_, true)) co_return;
  asio::steady_timer turn(context_.io, SteadyTime::max());
  turns_.push_back(&turn);
  co_await turn.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Control::pass_turn() {
  turn_taken_ = !turns_.empty();
  if (turns_.empty()) return;
  turns_.front()->cancel();
  turns_.pop_front();
}

awaitable<bool> Control::ask(std::vector<Command> commands, std::vector<Reply>& replies) {
  if (!up_) co_return false;
  const std::shared_ptr<Connection> connection = connection_;
  co_await take_turn();
  const auto deadline = std::chrono::steady_clock::now() + answer_time;
  const bool answered = co_await connection->exchange(commands, replies, deadline);
  pass_turn();
  if (!answered) wake_.cancel();
  co_return answered;
}

}  // namespace assent
