// The verbs that are carried out over the control connection.
#include <algorithm>
#include <array>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "participant/postgres/array_text.hpp"
#include "participant/postgres/control.hpp"
#include "participant/postgres/session.hpp"

namespace assent {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

namespace {

// What is asked about one backend: its pid and its start.
constexpr const char* this_backend =
    " from pg_stat_activity where pid = $1::int and extract(epoch from backend_start)::text = $2";

// Of a line of the journal: how the branch came to its outcome. The table takes no other words.
Application journalled_application(std::string_view text) {
  for (const Application each : {Application::proved, Application::heuristic})
    if (text == to_string(each)) return each;
  return Application::applied;
}

}  // namespace

const char* const list_sql =
    "select pg_is_in_recovery(), pg_snapshot_xmax(pg_current_snapshot()), p.gid, p.transaction, "
    "nullif(p.owner, current_user), (extract(epoch from clock_timestamp() - p.prepared) * "
    "1000)::bigint from (select) as always left join pg_prepared_xacts p on p.database = "
    "current_database()";

Xid widen_xid(std::uint32_t low, Xid next) {
  const auto distance = static_cast<std::int32_t>(low - static_cast<std::uint32_t>(next));
  return next + static_cast<Xid>(static_cast<std::int64_t>(distance));
}

SteadyTime prepared_since(const Reply& reply, int row, int column) {
  if (reply.is_null(row, column)) return {};
  const auto age = std::chrono::milliseconds(std::stoll(reply.text(row, column)));
  return std::chrono::steady_clock::now() - std::max(age, std::chrono::milliseconds(0));
}

std::optional<std::vector<HeldBranch>> held_branches(const Reply& reply, Context& context) {
  std::vector<HeldBranch> held;
  if (reply.height() == 0 || reply.text(0, 0) != "f") return std::nullopt;
  context.found.clear();
  const Xid next = std::stoull(reply.text(0, 1));
  for (int row = 0; row < reply.height(); ++row) {
    if (reply.is_null(row, 2)) continue;
    const auto gid = parse_gid(reply.text(row, 2));
    if (!gid || gid->participant != context.options.participant) continue;  // foreign
    const auto low = static_cast<std::uint32_t>(std::stoul(reply.text(row, 3)));
    held.push_back({*gid, widen_xid(low, next), {}});
    context.found[*gid] = {reply.text(row, 4), prepared_since(reply, row, 5)};  // "" for NULL
  }
  return held;
}

const char* const told_sql =
    "select tx, ledger, sequence, xid from assent.told_commits($1::uuid[], $2)";

std::string array_of_txs(const std::vector<HeldBranch>& held) {
  ArrayText txs;
  for (const HeldBranch& each : held) txs.add(to_string(each.gid.tx));
  return txs.finish();
}

std::vector<ToldCommit> told_among(const std::vector<HeldBranch>& held, const Reply& reply) {
  std::map<std::pair<std::string, std::string>, std::pair<Sequence, Xid>> lines;
  for (int row = 0; row < reply.height(); ++row)
    lines[{reply.text(row, 0), reply.text(row, 1)}] = {std::stoull(reply.text(row, 2)),
                                                       std::stoull(reply.text(row, 3))};
  std::vector<ToldCommit> told;
  for (const HeldBranch& each : held) {
    const auto line = lines.find({to_string(each.gid.tx), to_string(each.gid.ledger)});
    if (line != lines.end()) told.push_back({each.gid, line->second.first, line->second.second});
  }
  return told;
}

void Control::remember_lost(const Gid& gid, Backend backend) {
  lost_[gid] = std::move(backend);
}

awaitable<void> Control::cancel(Backend backend) {
  const std::string sql = std::string("select pg_cancel_backend(pid)") + this_backend;
  const std::string pid = std::to_string(backend.pid);
  std::vector<Command> commands(1);
  commands[0].sql = sql.c_str();
  commands[0].params = {pid.c_str(), backend.start.c_str()};
  std::vector<Reply> replies;
  co_await ask(std::move(commands), replies);
}

awaitable<void> Control::settle(SettleLost verb) {
  const std::string end = std::string("select pg_terminate_backend(pid)") + this_backend;
  const auto lost = lost_.find(verb.gid);
  const Backend backend = lost == lost_.end() ? Backend{} : lost->second;
  const std::string pid = std::to_string(backend.pid);
  asio::steady_timer timer(context_.io);
  while (!context_.stopped) {
    std::vector<Command> commands(2);
    commands[0].sql = end.c_str();
    commands[0].params = {pid.c_str(), backend.start.c_str()};
    commands[1].sql = list_sql;  // after the other: its answer counts only if the backend was gone
    std::vector<Reply> replies;
    const bool answered = co_await ask(std::move(commands), replies);
    if (answered && replies[0].ok() && replies[0].height() == 0 && replies[1].ok()) {
      if (const auto held = held_branches(replies[1], context_)) {
        Settled settled{verb.gid, std::nullopt};
        for (const HeldBranch& branch : *held)
          if (branch.gid == verb.gid) settled.xid = branch.xid;
        lost_.erase(verb.gid);
        context_.report(std::move(settled));
        co_return;
      }
    }
    timer.expires_after(50ms);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

awaitable<void> Control::read_status(ReadStatus verb) {
  using Status = StatusRead::Status;
  const std::string sql = "select " + std::string(identity_columns) +
                          ", pg_xact_status($1::xid8), "
                          "exists(select from pg_prepared_xacts where gid = $2)";
  const std::string xid = std::to_string(verb.xid), gid = to_string(verb.gid);
  std::vector<Command> commands(1);
  commands[0].sql = sql.c_str();
  commands[0].params = {xid.c_str(), gid.c_str()};
  std::vector<Reply> replies;
  const bool answered = co_await ask(std::move(commands), replies);
  StatusRead read{verb.gid, Status::unavailable};
  if (answered && replies[0].ok() && !replies[0].is_null(0, 1)) {
    const std::string text = replies[0].text(0, 3);
    if (identity_of(replies[0], 0) != verb.server)
      read.status = Status::unknown;
    else if (text == "committed")
      read.status = Status::committed;
    else if (text == "aborted")
      read.status = Status::aborted;
    else if (text == "in progress" && replies[0].text(0, 4) == "t")
      read.status = Status::in_progress;  // else the id is somebody else's by now
    else
      read.status = Status::unknown;
  } else if (answered && replies[0].error.sqlstate == "22023") {
    read.status = Status::unknown;  // in the future: not this server's, or it has lost it
  }
  context_.report(std::move(read));
}

// The journal is asked where something is prepared.
awaitable<void> Control::report_list(std::vector<HeldBranch> held) {
  ListDone done{std::move(held), {}};
  if (!done.held.empty()) {
    const std::string txs = array_of_txs(done.held);
    std::vector<Command> commands(1);
    commands[0].sql = told_sql;
    commands[0].params = {txs.c_str(), context_.options.participant.c_str()};
    commands[0].keep = true;
    std::vector<Reply> replies;
    const bool answered = co_await ask(std::move(commands), replies);
    if (!answered || !replies[0].ok()) {
      context_.report(ListFailed{answered ? replies[0].error.message : "the database is not up"});
      co_return;
    }
    done.told = told_among(done.held, replies[0]);
  }
  context_.report(std::move(done));
}

awaitable<void> Control::list(ListPrepared) {
  std::vector<Command> commands(1);
  commands[0].sql = list_sql;
  std::vector<Reply> replies;
  const bool answered = co_await ask(std::move(commands), replies);
  if (!answered) {
    context_.report(ListFailed{"the database is not up"});
  } else if (!replies[0].ok()) {
    context_.report(ListFailed{replies[0].error.message});
  } else if (auto held = held_branches(replies[0], context_)) {
    co_await report_list(std::move(*held));
  } else {
    context_.report(ListFailed{"the server is a standby"});
  }
}

awaitable<void> Control::raise_mark(RaiseMark verb) {
  // Durable at home whatever the database's default is; a stricter setting stays.
  constexpr const char* sql =
      "select m.epoch, m.life, m.sequence, set_config('synchronous_commit', "
      "case current_setting('synchronous_commit') when 'off' then 'local' "
      "else current_setting('synchronous_commit') end, true) "
      "from assent.raise_mark($1::uuid, $2::bigint, $3::uuid, $4::bigint) m";
  const Mark& mark = verb.mark;
  const std::string ledger = to_string(mark.ledger), epoch = std::to_string(mark.epoch),
                    life = to_string(mark.life), sequence = std::to_string(mark.sequence);
  std::vector<Command> commands(1);
  commands[0].sql = sql;
  commands[0].params = {ledger.c_str(), epoch.c_str(), life.c_str(), sequence.c_str()};
  std::vector<Reply> replies;
  const bool answered = co_await ask(std::move(commands), replies);
  if (!answered || !replies[0].ok() || replies[0].height() != 1) {
    const std::string& error = replies.empty() ? std::string() : replies[0].error.message;
    context_.report(MarkFailed{mark.ledger, error.empty() ? "the database is not up" : error});
    co_return;
  }
  const Reply& row = replies[0];
  context_.report(
      MarkRaised{{mark.ledger, std::stoull(row.text(0, 0)),
                  parse_uuid(row.text(0, 1)).value_or(Uuid{}), std::stoull(row.text(0, 2))}});
}

awaitable<void> Control::write_journal(WriteJournal verb) {
  constexpr const char* marks_sql =
      "select set_config('synchronous_commit', 'off', true), "
      "assent.raise_sequences($1::uuid[], $2::bigint[])";
  constexpr const char* lines_sql =
      "select assent.write_outcomes($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::text[], "
      "$6::text[], $7::bigint[])";
  std::array<ArrayText, 2> marks;
  for (const auto& [ledger, sequence] : verb.up_to) {
    marks[0].add(to_string(ledger));
    marks[1].add(std::to_string(sequence));
  }
  std::array<ArrayText, 7> columns;
  for (const JournalLine& line : verb.lines) {
    columns[0].add(to_string(line.gid.tx));
    columns[1].add(line.gid.participant);
    columns[2].add(to_string(line.gid.ledger));
    columns[3].add(std::to_string(line.gid.epoch));
    columns[4].add(to_string(line.outcome));
    columns[5].add(to_string(line.application));
    columns[6].add(std::to_string(line.sequence));
  }
  std::vector<Command> commands(verb.lines.empty() ? 1 : 2);  // one transaction
  commands[0].sql = marks_sql;
  for (ArrayText& column : marks) commands[0].params.push_back(column.finish());
  if (!verb.lines.empty()) {
    commands[1].sql = lines_sql;
    for (ArrayText& column : columns) commands[1].params.push_back(column.finish());
  }
  std::vector<Reply> replies;
  const bool answered = co_await ask(std::move(commands), replies);
  context_.report(JournalWritten{verb.batch, answered && replies.back().ok()});
}

awaitable<void> Control::read_journal(ReadJournal verb) {
  const std::string tx = to_string(verb.gid.tx), ledger = to_string(verb.gid.ledger);
  std::vector<Command> commands(1);
  commands[0].sql =
      "select outcome, sequence, application, xid "
      "from assent.read_line($1::uuid, $2, $3::uuid) "
      "where application <> 'unproven'";
  commands[0].params = {tx.c_str(), verb.gid.participant.c_str(), ledger.c_str()};
  std::vector<Reply> replies;
  const bool answered = co_await ask(std::move(commands), replies);
  JournalRead read;
  read.gid = verb.gid;
  read.available = answered && replies[0].ok();
  if (read.available && replies[0].height() == 1) {
    const bool committed = replies[0].text(0, 0) == "committed";
    read.knowledge = committed ? Knowledge::committed : Knowledge::aborted;
    read.sequence = std::stoull(replies[0].text(0, 1));
    read.application = journalled_application(replies[0].text(0, 2));
    read.told = replies[0].text(0, 2) == "told";
    if (read.told) read.xid = std::stoull(replies[0].text(0, 3));
  }
  context_.report(std::move(read));
}

awaitable<void> Control::read_text(
    std::string sql, std::function<void(std::optional<std::string>, std::string)> answer) {
  std::vector<Command> commands(1);
  commands[0].sql = sql.c_str();
  std::vector<Reply> replies;
  const bool answered = co_await ask(std::move(commands), replies);
  if (context_.stopped) co_return;
  std::optional<std::string> value;
  std::string error;
  if (!answered)
    error = "the database is not up";
  else if (!replies[0].ok())
    error = replies[0].error.message;
  else if (replies[0].height() == 1 && !replies[0].is_null(0, 0))
    value = replies[0].text(0, 0);
  else
    error = "no value";
  answer(std::move(value), std::move(error));
}

awaitable<void> Control::learn_types(std::vector<std::uint32_t> oids) {
  ArrayText array;
  for (const std::uint32_t oid : oids) array.add(std::to_string(oid));
  std::vector<Command> commands(1);
  commands[0].sql = "select oid, typname from pg_type where oid = any($1::oid[])";
  commands[0].params = {array.finish()};
  std::vector<Reply> replies;
  const bool answered = co_await ask(std::move(commands), replies);
  if (!answered || !replies[0].ok()) co_return;
  for (int row = 0; row < replies[0].height(); ++row)
    context_.types[static_cast<std::uint32_t>(std::stoul(replies[0].text(row, 0)))] =
        replies[0].text(row, 1);
}

}  // namespace assent
