#include "participant/postgres/connection.hpp"

#include <array>
#include <charconv>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace assent {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

std::string one_line(const char* text) {
  std::string line = text == nullptr ? "" : text;
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  for (char& c : line)
    if (c == '\n') c = ' ';
  return line;
}

std::string field(const PGresult* result, int code) {
  const char* value = PQresultErrorField(result, code);
  return value == nullptr ? std::string() : std::string(value);
}

SqlError error_of(const PGresult* result) {
  SqlError error;
  error.sqlstate = field(result, PG_DIAG_SQLSTATE);
  error.message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (error.message.empty()) error.message = one_line(PQresultErrorMessage(result));
  error.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  error.hint = field(result, PG_DIAG_MESSAGE_HINT);
  error.schema = field(result, PG_DIAG_SCHEMA_NAME);
  error.table = field(result, PG_DIAG_TABLE_NAME);
  error.column = field(result, PG_DIAG_COLUMN_NAME);
  error.constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
  error.position = field(result, PG_DIAG_STATEMENT_POSITION);
  return error;
}

// "INSERT 0 1" → "INSERT"
std::string tag_without_numbers(const char* status) {
  std::string tag = status;
  const std::size_t digit = tag.find_first_of("0123456789");
  if (digit != std::string::npos) tag.resize(digit);
  while (!tag.empty() && tag.back() == ' ') tag.pop_back();
  return tag;
}

std::uint64_t count_of(const char* text) {
  std::uint64_t count = 0;
  const std::string_view digits(text);
  std::from_chars(digits.data(), digits.data() + digits.size(), count);
  return count;
}

void ignore_notice(void*, const PGresult*) {}

}  // namespace

int Reply::height() const {
  return result ? PQntuples(result.get()) : 0;
}
std::string Reply::text(int row, int column) const {
  return std::string(PQgetvalue(result.get(), row, column),
                     static_cast<std::size_t>(PQgetlength(result.get(), row, column)));
}
bool Reply::is_null(int row, int column) const {
  return PQgetisnull(result.get(), row, column) != 0;
}

Connection::Connection(asio::io_context& io) : io_(io), watchdog_(io) {}

Connection::~Connection() {
  if (pg_ != nullptr) PQfinish(pg_);
}

awaitable<bool> Connection::connect(ConnectionTarget target) {
  // What stands before dbname the conninfo string may override, what stands after it not.
  const std::array keywords = {
      "keepalives_idle",  "keepalives_interval",  "keepalives_count",
      "tcp_user_timeout", "target_session_attrs", "dbname",
      "application_name", "client_encoding",      static_cast<const char*>(nullptr)};
  const std::array values = {"10",
                             "5",
                             "3",
                             "20000",
                             "primary",
                             target.conninfo.c_str(),
                             target.application_name.c_str(),
                             "UTF8",
                             static_cast<const char*>(nullptr)};
  pg_ = PQconnectStartParams(keywords.data(), values.data(), 1);
  if (pg_ == nullptr) {
    failure_ = "out of memory";
    co_return false;
  }
  PQsetNoticeReceiver(pg_, ignore_notice, nullptr);
  if (PQstatus(pg_) == CONNECTION_BAD) co_return lost();

  asio::steady_timer timer(io_, target.timeout);
  timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    if (const auto self = weak.lock(); self && !error)
      self->close("no connection within the time allowed");
  });
  const bool connected = co_await poll_until_connected();
  const bool late = timer.cancel() == 0;
  if (!connected || late || given_up_) co_return lost();
  if (PQsetnonblocking(pg_, 1) != 0 || PQenterPipelineMode(pg_) != 1) co_return lost();
  const int duplicate = ::dup(PQsocket(pg_));
  if (duplicate < 0) {
    close("no file descriptor left");
    co_return false;
  }
  socket_.emplace(io_, duplicate);
  open_ = true;
  co_return true;
}

awaitable<bool> Connection::poll_until_connected() {
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  while (wanted != PGRES_POLLING_OK) {
    if (wanted == PGRES_POLLING_FAILED || given_up_) co_return false;
    // libpq may have closed its socket and opened another under the same number: always a new one.
    const int duplicate = ::dup(PQsocket(pg_));
    if (duplicate < 0) co_return false;
    socket_.emplace(io_, duplicate);
    const auto what =
        wanted == PGRES_POLLING_READING ? Descriptor::wait_read : Descriptor::wait_write;
    const auto [error] = co_await socket_->async_wait(what, as_result);
    if (error || given_up_) co_return false;
    wanted = PQconnectPoll(pg_);
  }
  co_return true;
}

void Connection::close(std::string reason) {
  if (given_up_) return;
  given_up_ = true;
  open_ = false;
  if (failure_.empty()) failure_ = std::move(reason);
  // The server learns it now; libpq's own memory is freed when nobody uses it any more.
  if (pg_ != nullptr && PQsocket(pg_) >= 0) ::shutdown(PQsocket(pg_), SHUT_RDWR);
  boost::system::error_code ignored;
  if (socket_) socket_->close(ignored);
  watchdog_.cancel();
}

bool Connection::lost() {
  std::string message = one_line(PQerrorMessage(pg_));
  if (message.empty()) message = "the connection was lost";
  close(std::move(message));
  return false;
}

bool Connection::is_idle() const {
  return open_ && PQtransactionStatus(pg_) == PQTRANS_IDLE;
}

bool Connection::is_in_transaction() const {
  return open_ && PQtransactionStatus(pg_) == PQTRANS_INTRANS;
}

bool Connection::is_alive() {
  if (!open_) return false;
  // Nothing but an end, or a notice before it, comes over an idle connection.
  for (int i = 0; i < 2; ++i) {
    pollfd ready{PQsocket(pg_), POLLIN, 0};
    if (::poll(&ready, 1, 0) == 0) return true;
    if (PQconsumeInput(pg_) != 1 || PQstatus(pg_) != CONNECTION_OK) return lost();
  }
  return true;
}

int Connection::backend_pid() const {
  return PQbackendPID(pg_);
}

bool Connection::send(const Command& command) {
  const int count = static_cast<int>(command.params.size());
  const char* const* values = command.params.data();
  if (command.parse_only) {
    prepared_first_.push_back(false);
    return PQsendPrepare(pg_, "", command.sql, 0, nullptr) == 1;
  }
  KeptStatements::Use use;
  if (command.named) use.name = command.sql;
  if (command.keep) use = kept_.use(command.sql);
  prepared_first_.push_back(use.prepare);
  if (use.name == nullptr)
    return PQsendQueryParams(pg_, command.sql, count, nullptr, values, nullptr, nullptr, 0) == 1;
  if (use.prepare && PQsendPrepare(pg_, use.name, command.sql, 0, nullptr) != 1) return false;
  return PQsendQueryPrepared(pg_, use.name, count, values, nullptr, nullptr, 0) == 1;
}

awaitable<bool> Connection::exchange(std::span<const Command> commands, std::vector<Reply>& replies,
                                     std::optional<SteadyTime> deadline) {
  replies.clear();
  replies.resize(commands.size());
  if (!open_) co_return false;
  prepared_first_.clear();
  for (const Command& command : commands) {
    if (!send(command)) co_return lost();
    if (command.ends_segment && PQpipelineSync(pg_) != 1) co_return lost();
  }
  if (PQpipelineSync(pg_) != 1) co_return lost();

  if (deadline) watch(*deadline);
  Progress progress{commands, replies};
  start_command(progress);
  for (;;) {
    const int left = PQflush(pg_);
    if (left < 0 || !take_what_came(progress)) co_return lost();
    if (progress.complete) break;
    const bool ready = co_await wait(left > 0);
    if (!ready) co_return lost();
  }
  deadline_ = SteadyTime::max();
  co_return true;
}

void Connection::watch(SteadyTime deadline) {
  deadline_ = deadline;
  if (watched_ && watchdog_.expiry() <= deadline) return;
  watched_ = true;
  watchdog_.expires_at(deadline);
  watchdog_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (!self || error) return;
    self->watched_ = false;
    if (self->deadline_ == SteadyTime::max()) return;
    if (self->deadline_ <= std::chrono::steady_clock::now())
      return self->close("no answer within the time allowed");
    self->watch(self->deadline_);
  });
}

// Until there is something to read, or room to write into where that is wanted: the server may have
// to get rid of answers before it reads on.
awaitable<bool> Connection::wait(bool to_write) {
  if (to_write) {
    auto both = asio::experimental::make_parallel_group(
        socket_->async_wait(Descriptor::wait_read, asio::deferred),
        socket_->async_wait(Descriptor::wait_write, asio::deferred));
    co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  } else {
    co_await socket_->async_wait(Descriptor::wait_read, as_result);
  }
  co_return !given_up_ && PQconsumeInput(pg_) == 1;
}

void Connection::start_command(Progress& progress) {
  const Command& command = progress.commands[progress.at];
  progress.preparing = prepared_first_[progress.at];
  if (!progress.preparing && command.sink != nullptr) PQsetSingleRowMode(pg_);
}

bool Connection::take_what_came(Progress& progress) {
  while (!progress.complete && PQisBusy(pg_) == 0)
    if (!take_next(progress)) return false;
  return true;
}

bool Connection::take_next(Progress& progress) {
  PGresult* const result = PQgetResult(pg_);
  if (progress.at == progress.commands.size()) {
    progress.complete = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    return progress.complete;
  }
  if (progress.syncing) {
    const bool synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    progress.syncing = false;
    start_command(progress);
    return synced;
  }
  const Command& command = progress.commands[progress.at];
  Reply& reply = progress.replies[progress.at];
  if (result != nullptr && progress.preparing) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) kept_.forget(command.sql);
    if (PQresultStatus(result) == PGRES_COMMAND_OK)
      PQclear(result);
    else
      take(result, command, reply);
    return PQstatus(pg_) == CONNECTION_OK;
  }
  if (result != nullptr) {
    if (reply.kind == Reply::Kind::error)
      PQclear(result);  // it could not be prepared, and so was skipped
    else
      take(result, command, reply);
    return PQstatus(pg_) == CONNECTION_OK;
  }
  if (progress.preparing) {
    progress.preparing = false;
    if (command.sink != nullptr) PQsetSingleRowMode(pg_);
    return true;
  }
  if (reply.kind == Reply::Kind::none) return false;
  const bool segment_ends = command.ends_segment;
  if (++progress.at == progress.commands.size()) return true;
  progress.syncing = segment_ends;
  if (!segment_ends) start_command(progress);
  return true;
}

void Connection::take(PGresult* taken, const Command& command, Reply& reply) {
  std::shared_ptr<PGresult> result(taken, PQclear);
  switch (PQresultStatus(taken)) {
    case PGRES_SINGLE_TUPLE:
      command.sink->take(*taken);
      return;
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
      reply.kind = Reply::Kind::ok;
      reply.tag = tag_without_numbers(PQcmdStatus(taken));
      reply.rows = count_of(PQcmdTuples(taken));
      if (command.sink != nullptr)
        command.sink->take(*taken);
      else
        reply.result = std::move(result);
      return;
    case PGRES_PIPELINE_ABORTED:
      reply.kind = Reply::Kind::skipped;
      return;
    default:
      reply.kind = Reply::Kind::error;
      reply.error = error_of(taken);
  }
}

}  // namespace assent
