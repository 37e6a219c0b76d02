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

Connection::Connection(asio::io_context& io) : io_(io) {}

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
  const int sent =
      command.named
          ? PQsendQueryPrepared(pg_, command.sql, count, values, nullptr, nullptr, 0)
          : PQsendQueryParams(pg_, command.sql, count, nullptr, values, nullptr, nullptr, 0);
  return sent == 1;
}

awaitable<bool> Connection::exchange(std::span<const Command> commands, std::vector<Reply>& replies,
                                     std::optional<SteadyTime> deadline) {
  replies.clear();
  replies.resize(commands.size());
  if (!open_) co_return false;
  for (const Command& command : commands)
    if (!send(command)) co_return lost();
  if (PQpipelineSync(pg_) != 1) co_return lost();

  std::optional<asio::steady_timer> timer;
  if (deadline) {
    timer.emplace(io_, *deadline);
    timer->async_wait([weak = weak_from_this()](boost::system::error_code error) {
      if (const auto self = weak.lock(); self && !error)
        self->close("no answer within the time allowed");
    });
  }
  bool whole = co_await flush();
  for (std::size_t i = 0; whole && i < commands.size(); ++i)
    whole = co_await read_reply(commands[i], replies[i]);
  if (whole) whole = co_await read_sync();
  // Its handler may be on its way already: then nobody else may use the connection.
  if (timer && timer->cancel() == 0) close("no answer within the time allowed");
  co_return whole;
}

awaitable<bool> Connection::flush() {
  for (;;) {
    const int left = PQflush(pg_);
    if (left == 0) co_return true;
    if (left < 0) co_return lost();
    // The server may have to get rid of answers before it reads on: look both ways.
    auto both = asio::experimental::make_parallel_group(
        socket_->async_wait(Descriptor::wait_read, asio::deferred),
        socket_->async_wait(Descriptor::wait_write, asio::deferred));
    co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (given_up_) co_return false;
    if (PQconsumeInput(pg_) != 1) co_return lost();
  }
}

awaitable<bool> Connection::wait_readable() {
  const auto [error] = co_await socket_->async_wait(Descriptor::wait_read, as_result);
  if (error || given_up_) co_return lost();
  co_return true;
}

awaitable<bool> Connection::until_not_busy() {
  while (PQisBusy(pg_) != 0) {
    const bool readable = co_await wait_readable();
    if (!readable) co_return false;
    if (PQconsumeInput(pg_) != 1) co_return lost();
  }
  co_return true;
}

awaitable<bool> Connection::read_reply(const Command& command, Reply& reply) {
  if (command.sink != nullptr) PQsetSingleRowMode(pg_);
  for (;;) {
    if (!co_await until_not_busy()) co_return false;
    PGresult* const result = PQgetResult(pg_);
    if (result == nullptr) co_return reply.kind != Reply::Kind::none || lost();
    take(result, command, reply);
    if (PQstatus(pg_) != CONNECTION_OK) co_return lost();
  }
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

awaitable<bool> Connection::read_sync() {
  if (!co_await until_not_busy()) co_return false;
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQgetResult(pg_), PQclear);
  if (PQresultStatus(result.get()) != PGRES_PIPELINE_SYNC) co_return lost();
  co_return true;
}

}  // namespace assent
