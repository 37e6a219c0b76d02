#include "participant/postgres/blocking_reader.hpp"

#include <algorithm>

#include <boost/asio/use_awaitable.hpp>

#include "participant/postgres/blocking_sql.hpp"
#include "participant/postgres/context.hpp"
#include "participant/postgres/session.hpp"

namespace assent {

using boost::asio::awaitable;
using namespace std::chrono_literals;

namespace {

constexpr auto answer_time = 3s;
constexpr auto names_kept = 30s;
constexpr auto dead_rows_kept = 10s;
constexpr std::size_t most_keys = 64;  // read in one observation
constexpr int most_readings = 3;       // until no row refers to what another does not have

std::uint32_t number(const Reply& reply, int row, int column) {
  return static_cast<std::uint32_t>(std::stoull("0" + reply.text(row, column)));
}
std::int64_t time(const Reply& reply, int row, int column) {
  return reply.is_null(row, column) ? 0 : std::stoll(reply.text(row, column));
}

std::vector<LockRow> lock_rows(const Reply& reply) {
  std::vector<LockRow> rows;
  for (int i = 0; i < reply.height(); ++i) {
    const auto mode = parse_lock_mode(reply.text(i, 12));
    if (!mode) continue;  // SIReadLock and what later releases add: nobody waits for it
    LockRow row;
    row.object = {reply.text(i, 0),    number(reply, i, 1), number(reply, i, 2),
                  number(reply, i, 3), number(reply, i, 4), number(reply, i, 5),
                  reply.text(i, 6),    number(reply, i, 7), number(reply, i, 8),
                  number(reply, i, 9)};
    row.virtual_transaction = reply.text(i, 10);
    row.pid = static_cast<int>(number(reply, i, 11));
    row.mode = *mode;
    row.granted = reply.text(i, 13) == "t";
    row.wait_start_us = time(reply, i, 14);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<SessionRow> session_rows(const Reply& reply) {
  std::vector<SessionRow> rows;
  for (int i = 0; i < reply.height(); ++i)
    rows.push_back({static_cast<int>(number(reply, i, 0)), static_cast<int>(number(reply, i, 1)),
                    reply.text(i, 2), reply.text(i, 3), reply.text(i, 4), reply.text(i, 5),
                    reply.text(i, 6), reply.text(i, 7), reply.text(i, 8), reply.text(i, 9) == "t",
                    time(reply, i, 10)});
  return rows;
}

std::vector<PreparedRow> prepared_rows(const Reply& reply) {
  std::vector<PreparedRow> rows;
  for (int i = 0; i < reply.height(); ++i)
    rows.push_back({reply.text(i, 0), number(reply, i, 1), number(reply, i, 2), reply.text(i, 3),
                    reply.text(i, 4), time(reply, i, 5)});
  return rows;
}

// False: a standby, whose answers are worth nothing.
bool read_facts(const Reply& reply, Observation& into) {
  if (reply.height() != 1 || reply.text(0, 0) != "f") return false;
  into.snapshot.taken_at_ms = time(reply, 0, 1);
  into.snapshot.database = reply.text(0, 2);
  into.costs.slots = number(reply, 0, 3);
  into.costs.freeze_max_age = number(reply, 0, 4);
  into.server_version = reply.text(0, 5);
  into.role = reply.text(0, 6);
  into.sees_queries = reply.text(0, 7) == "t";
  into.costs.oldest_frozen_age = number(reply, 0, 8);
  into.costs.oldest_session_age = number(reply, 0, 9);
  into.costs.oldest_slot_age = number(reply, 0, 10);
  return true;
}

// The first error among the replies; empty: none.
std::string error_in(const std::vector<Reply>& replies) {
  for (const Reply& reply : replies)
    if (reply.kind == Reply::Kind::error) return reply.error.message;
  return {};
}

std::string tid_text(const RowPlace& row) {
  return "(" + std::to_string(row.page) + "," + std::to_string(row.line) + ")";
}

// Somebody holds or wants the table for himself: even a reader would queue behind him.
bool is_shut(const LockSnapshot& snapshot, std::uint32_t relation) {
  return std::ranges::any_of(snapshot.locks, [&](const LockRow& row) {
    return row.object.type == "relation" && row.object.relation == relation &&
           row.mode == LockMode::access_exclusive;
  });
}

}  // namespace

awaitable<bool> prepare_observer(Connection& connection) {
  std::vector<Command> commands(1 + std::size(observer_statements));
  commands[0].sql = observer_settings;
  for (std::size_t i = 0; i < std::size(observer_statements); ++i)
    commands[i + 1].sql = observer_statements[i];
  std::vector<Reply> replies;
  co_return co_await run_all(connection, std::move(commands), replies, answer_time);
}

awaitable<void> BlockingReader::glance(std::function<void(Glance)> answer) {
  Glance seen;
  Waiter waiter(context_.io);
  const auto deadline = std::chrono::steady_clock::now() + answer_time;
  if (co_await observers_.borrow(waiter, deadline)) {
    std::vector<Command> commands(1);
    commands[0].sql = "assent_glance";
    commands[0].named = true;
    std::vector<Reply> replies;
    const bool answered = co_await waiter.granted->exchange(commands, replies, deadline);
    seen.trouble = answered ? error_in(replies) : waiter.granted->failure();
    if (seen.trouble.empty() && replies[0].text(0, 0) != "f") seen.trouble = "a standby";
    if (seen.trouble.empty()) {
      seen.prepared = number(replies[0], 0, 1);
      seen.waiting = number(replies[0], 0, 2);
      seen.slots = {number(replies[0], 0, 3), number(replies[0], 0, 4)};
    }
    observers_.give_back(waiter.granted);
  } else {
    seen.trouble = waiter.message;
  }
  if (!context_.stopped) answer(std::move(seen));
}

awaitable<void> BlockingReader::observe(std::function<void(Observation)> answer) {
  Observation seen;
  Waiter waiter(context_.io);
  const auto deadline = std::chrono::steady_clock::now() + answer_time;
  if (co_await observers_.borrow(waiter, deadline)) {
    Connection& connection = *waiter.granted;
    bool read = co_await read_snapshot(connection, seen);
    for (int i = 1; read && seen.blocking.torn && i < most_readings; ++i)
      read = co_await read_snapshot(connection, seen);
    if (read) {
      co_await learn_relations(connection, seen);
      seen.relations = relations_;
      co_await read_keys(connection, seen);
      co_await read_dead_rows(connection, seen);
    }
    observers_.give_back(waiter.granted);
  } else {
    seen.trouble = waiter.message;
  }
  if (!context_.stopped) answer(std::move(seen));
}

// One transaction, locks first: a holder that is missing from a later list has ended meanwhile.
awaitable<bool> BlockingReader::read_snapshot(Connection& connection, Observation& into) {
  std::vector<Command> commands(4);
  const char* const names[] = {"assent_locks", "assent_sessions", "assent_prepared",
                               "assent_facts"};
  for (std::size_t i = 0; i < commands.size(); ++i) {
    commands[i].sql = names[i];
    commands[i].named = true;
  }
  std::vector<Reply> replies;
  const bool answered = co_await connection.exchange(
      commands, replies, std::chrono::steady_clock::now() + answer_time);
  into = {};
  into.trouble = answered ? error_in(replies) : connection.failure();
  if (into.trouble.empty() && !read_facts(replies[3], into))
    into.trouble = "the server is a standby: it does not show prepared transactions";
  if (!into.trouble.empty()) co_return false;
  into.snapshot.locks = lock_rows(replies[0]);
  into.snapshot.sessions = session_rows(replies[1]);
  into.snapshot.prepared = prepared_rows(replies[2]);
  into.costs.slots_used = static_cast<std::uint32_t>(into.snapshot.prepared.size());
  into.blocking = analyse(into.snapshot);
  co_return true;
}

awaitable<void> BlockingReader::learn_relations(Connection& connection, const Observation& seen) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= relations_until_) {
    relations_.clear();
    relations_until_ = now + names_kept;
  }
  std::string wanted;
  std::set<std::uint32_t> asked;
  for (const LockRow& row : seen.snapshot.locks) {
    const std::uint32_t oid = row.object.relation;
    if (oid == 0 || relations_.contains(oid) || !asked.insert(oid).second) continue;
    wanted += (wanted.empty() ? "{" : ",") + std::to_string(oid);
  }
  if (wanted.empty()) co_return;
  wanted += "}";
  std::vector<Command> commands(1);
  commands[0].sql = "assent_relations";
  commands[0].named = true;
  commands[0].params = {wanted.c_str()};
  std::vector<Reply> replies;
  const bool answered = co_await connection.exchange(commands, replies, now + answer_time);
  if (!answered || !replies[0].ok()) co_return;
  for (int i = 0; i < replies[0].height(); ++i)
    relations_[number(replies[0], i, 0)] = {replies[0].text(i, 1), replies[0].text(i, 2)[0],
                                            replies[0].text(i, 3)};
}

awaitable<void> BlockingReader::read_keys(Connection& connection, Observation& into) {
  std::map<RowPlace, std::string> found;
  std::size_t left = most_keys;
  for (const BlockingNode& node : into.blocking.nodes) {
    if (!node.wait || !node.wait->row) continue;
    const RowPlace row = *node.wait->row;
    if (found.contains(row)) continue;
    if (const auto known = keys_.find(row); known != keys_.end()) {
      found[row] = known->second;
      continue;
    }
    const auto relation = relations_.find(row.relation);
    if (relation == relations_.end() || relation->second.key_fields.empty() || left == 0 ||
        is_shut(into.snapshot, row.relation))
      continue;
    --left;
    const std::string sql = "select json_build_object(" + relation->second.key_fields +
                            ")::text from only " + relation->second.name + " where ctid = $1::tid";
    const std::string place = tid_text(row);
    std::vector<Command> commands(1);
    commands[0].sql = sql.c_str();
    commands[0].params = {place.c_str()};
    std::vector<Reply> replies;
    const auto deadline = std::chrono::steady_clock::now() + answer_time;
    const bool answered = co_await connection.exchange(commands, replies, deadline);
    if (!answered) co_return;
    if (replies[0].ok() && replies[0].height() == 1) found[row] = replies[0].text(0, 0);
  }
  keys_ = found;
  into.keys = std::move(found);
}

awaitable<void> BlockingReader::read_dead_rows(Connection& connection, Observation& into) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= dead_rows_until_) {
    dead_rows_until_ = now + dead_rows_kept;
    std::vector<Command> commands(1);
    commands[0].sql = "assent_dead_rows";
    commands[0].named = true;
    std::vector<Reply> replies;
    const bool answered = co_await connection.exchange(commands, replies, now + answer_time);
    dead_rows_.reset();
    if (answered && replies[0].ok()) dead_rows_ = std::stoull(replies[0].text(0, 0));
  }
  into.costs.dead_rows = dead_rows_;
}

}  // namespace assent
