#include "participant/postgres/session.hpp"

#include <array>
#include <cstdio>

#include <boost/asio/use_awaitable.hpp>

namespace assent {

using boost::asio::awaitable;

namespace {

std::uint64_t fnv1a(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3u;
  }
  return hash;
}

}  // namespace

std::string application_prefix(const std::string& participant) {
  if (participant.size() <= 38) return "assent/" + participant + "/";
  std::array<char, 17> hash{};
  std::snprintf(hash.data(), hash.size(), "%016llx",
                static_cast<unsigned long long>(fnv1a(participant)));
  return "assent/" + participant.substr(0, 21) + "~" + hash.data() + "/";
}

std::int64_t advisory_key(const std::string& participant) {
  return static_cast<std::int64_t>(fnv1a("assent/participant/" + participant));
}

// pg_control_checkpoint() would still show the old timeline for a while after a promotion.
const char* const identity_columns =
    "(select system_identifier from pg_control_system()), "
    "case when pg_is_in_recovery() then null "
    "else left(pg_walfile_name(pg_current_wal_lsn()), 8) end, "
    "current_database()";

ServerIdentity identity_of(const Reply& reply, int row) {
  ServerIdentity server;
  server.system_identifier = std::stoull("0" + reply.text(row, 0));
  server.timeline = static_cast<std::uint32_t>(std::stoul("0" + reply.text(row, 1), nullptr, 16));
  server.database = reply.text(row, 2);
  return server;
}

awaitable<bool> run_all(Connection& connection, std::vector<Command> commands,
                        std::vector<Reply>& replies, std::chrono::milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  if (!co_await connection.exchange(commands, replies, deadline)) co_return false;
  for (const Reply& reply : replies) {
    if (reply.ok()) continue;
    connection.close(reply.error.message);
    co_return false;
  }
  co_return true;
}

awaitable<bool> open_session(Connection& connection, ConnectionTarget target,
                             ServerIdentity& server) {
  const std::chrono::milliseconds within = target.timeout;
  if (!co_await connection.connect(std::move(target))) co_return false;
  const std::string sql = "select " + std::string(identity_columns) +
                          ", extract(epoch from backend_start)::text "
                          "from pg_stat_get_activity(pg_backend_pid())";
  std::vector<Command> commands(1);
  commands[0].sql = sql.c_str();
  std::vector<Reply> replies;
  if (!co_await run_all(connection, std::move(commands), replies, within)) co_return false;
  if (replies[0].height() != 1 || replies[0].is_null(0, 1)) {
    connection.close("the server is a standby");
    co_return false;
  }
  server = identity_of(replies[0], 0);
  connection.backend_start = replies[0].text(0, 3);
  co_return true;
}

awaitable<bool> trust_catalog_only(Connection& connection) {
  std::vector<Command> commands(1);
  commands[0].sql = "select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)";
  std::vector<Reply> replies;
  co_return co_await run_all(connection, std::move(commands), replies, std::chrono::seconds(5));
}

awaitable<bool> prepare_lane(Connection& connection, int control_pid) {
  // The role is set because a client's SQL might have changed it; advisory locks of the session can
  // come only out of functions, and end here at the latest. Whose search path names another schema
  // before pg_catalog must not answer in PostgreSQL's place.
  constexpr const char* settings =
      "pg_catalog.set_config('statement_timeout', $1, true), "
      "pg_catalog.set_config('lock_timeout', case $2 when '' then "
      "pg_catalog.current_setting('lock_timeout') else $2 end, true), "
      "pg_catalog.set_config('role', 'none', true), pg_catalog.pg_advisory_unlock_all()";
  const std::string begin =
      "prepare assent_begin(text, text) as select pg_catalog.pg_current_xact_id(), " +
      std::string(settings);
  const std::string open = "prepare assent_open(text, text) as select " + std::string(settings);
  const std::string pid = std::to_string(control_pid);
  std::vector<Command> commands(4);
  commands[0].sql = begin.c_str();
  commands[1].sql = open.c_str();
  commands[2].sql =
      "prepare assent_limit(text) as select pg_catalog.set_config('statement_timeout', $1, true)";
  commands[3].sql =
      "select from pg_catalog.pg_locks where locktype = 'advisory' and granted and pid = $1::int";
  commands[3].params = {pid.c_str()};
  std::vector<Reply> replies;
  if (!co_await run_all(connection, std::move(commands), replies, std::chrono::seconds(5)))
    co_return false;
  if (replies[3].height() == 0) connection.close("the control connection has lost its lock");
  co_return connection.is_open();
}

}  // namespace assent
