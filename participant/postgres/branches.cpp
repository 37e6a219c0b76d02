#include "participant/postgres/branches.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "participant/postgres/judge.hpp"
#include "participant/postgres/sql_guard.hpp"
#include "participant/postgres/sqlstate.hpp"

namespace assent {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

namespace {

Failure failure(Problem problem, std::string message) {
  Failure made;
  made.problem = problem;
  made.message = std::move(message);
  return made;
}

SteadyTime deadline_of(Duration time_left) {
  return std::chrono::steady_clock::now() + time_left;
}

// PostgreSQL's 0 would mean "no limit".
std::string statement_timeout(Duration time_left) {
  return std::to_string(std::max<Duration::rep>(1, time_left.count()));
}

Command plain(const char* sql) {
  Command command;
  command.sql = sql;
  return command;
}

Command named(const char* name, std::vector<const char*> params) {
  Command command;
  command.sql = name;
  command.params = std::move(params);
  command.named = true;
  return command;
}

// What never changes its text is kept prepared.
Command kept(const char* sql) {
  Command command = plain(sql);
  command.keep = true;
  return command;
}

// Whether a statement was refused that might be taken if it were read anew: it was kept prepared,
// and tables have changed since, or somebody has deallocated it.
bool was_outdated(const PrepareResult& result, const Statements& statements,
                  Connection& connection) {
  const auto* no = std::get_if<PrepareDone::No>(&result);
  if (no == nullptr || no->failure.statement < 0) return false;
  const std::string_view kind = std::string_view(no->failure.sqlstate).substr(0, 2);
  return (kind == "0A" || kind == "22" || kind == "26" || kind == "42") &&
         connection.forget_kept(statements.sql(no->failure.statement));
}

Xid xid_in(const Reply& reply) {
  if (!reply.ok() || reply.height() != 1 || reply.is_null(0, 0)) return 0;
  return std::stoull(reply.text(0, 0));
}

constexpr const char* kXid = "select pg_catalog.pg_current_xact_id_if_assigned()";
constexpr const char* late = "The deadline passed before the database was asked.";
constexpr const char* gone = "The connection to the database was lost.";

}  // namespace

struct Branches::Branch {
  Branch(asio::io_context& io, Pool& from)
      : pool(from), waiter(io), changed(io, SteadyTime::max()), pause(io) {}

  Pool& pool;
  Waiter waiter;             // until there is a connection
  ConnectionPtr connection;  // from then on
  bool running = true;       // a verb's coroutine works on it; it has not reported yet
  bool working = true;       // PostgreSQL may be at work on it: worth interrupting
  bool open = false;         // interactive: begun
  bool unwanted = false;     // to be dropped, or its prepare cancelled
  bool interrupting = false;
  asio::steady_timer changed;  // cancelled when running or interrupting ends
  asio::steady_timer pause;    // of interrupt()

  awaitable<void> until_changed() {
    co_await changed.async_wait(asio::as_tuple(asio::use_awaitable));
  }
};

// Cancels what runs, again and again, since a cancel that comes between two statements is lost.
awaitable<void> Branches::interrupt(BranchPtr branch) {
  if (branch->interrupting || !branch->connection) co_return;
  branch->interrupting = true;
  const Backend backend{branch->connection->backend_pid(), branch->connection->backend_start};
  while (branch->working && !context_.stopped) {
    co_await control_.cancel(backend);
    if (!branch->working) break;
    branch->pause.expires_after(100ms);
    co_await branch->pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  branch->interrupting = false;
  branch->changed.cancel();
}

awaitable<void> Branches::roll_back(Connection& connection) {
  if (!connection.is_open() || connection.is_idle()) co_return;
  const std::vector<Command> commands{plain("rollback")};
  std::vector<Reply> replies;
  co_await connection.exchange(commands, replies,
                               std::chrono::steady_clock::now() + context_.options.grace);
}

// Rolls back what is left and gives the connection back, but not while a cancel is on its way,
// which would hit the next user.
awaitable<void> Branches::release(BranchPtr branch) {
  branch->working = false;
  branch->pause.cancel();
  while (branch->interrupting) co_await branch->until_changed();
  co_await roll_back(*branch->connection);
  branch->open = false;
  branch->pool.give_back(std::move(branch->connection));
}

void Branches::end(const Gid& gid, Branch& branch) {
  branch.running = false;
  branch.changed.cancel();
  branches_.erase(gid);
}

awaitable<void> Branches::learn_types_of(const Statements& statements) {
  std::vector<std::uint32_t> unknown = statements.unknown_types(context_.types);
  if (!unknown.empty()) co_await control_.learn_types(std::move(unknown));
}

awaitable<void> Branches::prepare(PrepareBranch verb) {
  PrepareDone done{verb.gid, PrepareDone::Lost{}};
  if (verb.work)
    done.result = co_await prepare_one_shot(std::move(verb));
  else
    done.result = co_await prepare_open(std::move(verb));
  context_.report(std::move(done));
}

awaitable<Branches::Result> Branches::prepare_one_shot(PrepareBranch verb) {
  auto decoded = Statements::decode(*verb.work, context_.options.result_bytes);
  if (const auto* refused = std::get_if<Failure>(&decoded)) co_return PrepareDone::No{*refused};
  Statements& statements = *std::get<0>(decoded);
  if (verb.time_left <= Duration::zero())
    co_return PrepareDone::No{failure(Problem::deadline_exceeded, late)};

  const auto branch = std::make_shared<Branch>(context_.io, lanes_);
  branches_[verb.gid] = branch;
  Result result = PrepareDone::Lost{};
  const SteadyTime asked = std::chrono::steady_clock::now();
  if (co_await lanes_.borrow(branch->waiter, asked + verb.time_left)) {
    branch->connection = std::move(branch->waiter.granted);
    verb.time_left -=
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - asked);
    result = co_await run_one_shot(*branch, statements, verb, true);
    if (was_outdated(result, statements, *branch->connection)) {
      co_await roll_back(*branch->connection);
      statements.begin_anew();
      result = co_await run_one_shot(*branch, statements, verb, false);
    }
    co_await release(branch);
  } else {
    result = PrepareDone::No{failure(branch->waiter.problem, branch->waiter.message)};
  }
  end(verb.gid, *branch);
  co_return result;
}

// Clients' statements have a role of their own: they are not trusted with what decides an outcome.
// A function of theirs can prepare another statement under the name of one that is kept. So what
// makes the branch, and what tells its id, is sent anew each time; the rest can but cost them time.
bool Branches::is_apart() const {
  return !context_.options.statements_role.empty();
}

Command Branches::ours(const char* sql) const {
  if (is_apart()) return plain(sql);
  return kept(sql);
}

awaitable<Branches::Result> Branches::run_one_shot(Branch& branch, Statements& statements,
                                                   const PrepareBranch& verb, bool keep) {
  const std::string timeout = statement_timeout(verb.time_left);
  const std::string prepare = "prepare transaction " + quote_literal(to_string(verb.gid));
  const bool read_only = statements.read_only();
  std::vector<Command> commands;
  commands.reserve(statements.size() + 5);
  commands.push_back(ours("reset all"));
  commands.push_back(ours(statements.begin_sql()));
  commands.push_back(named(read_only ? "assent_open" : "assent_begin",
                           {timeout.c_str(), statements.lock_timeout().c_str()}));
  statements.append_to(commands, keep);
  const std::size_t xid_at = is_apart() && !read_only ? commands.size() : 2;
  if (xid_at != 2) commands.push_back(plain(kXid));
  commands.push_back(plain(read_only ? "commit" : prepare.c_str()));

  Connection& connection = *branch.connection;
  if (!connection.is_open())  // nothing was sent
    co_return PrepareDone::No{failure(Problem::participant_unavailable, gone)};
  std::vector<Reply> replies;
  const bool whole = co_await connection.exchange(
      commands, replies, deadline_of(verb.time_left) + context_.options.grace);
  if (!replies[2].ok()) connection.close("its beginning failed");  // not fit for the next one
  co_await learn_types_of(statements);
  const Answers answers{replies, whole, branch.unwanted, &statements, 3};
  Result result = read_only ? judge_commit(answers, context_.types)
                            : judge_prepare(answers, xid_in(replies[xid_at]), context_.types);
  if (std::holds_alternative<PrepareDone::Lost>(result))
    control_.remember_lost(verb.gid, {connection.backend_pid(), connection.backend_start});
  co_return result;
}

// ---- interactive
// ---------------------------------------------------------------------------------

awaitable<void> Branches::run(RunWork verb) {
  BranchPtr& known = branches_[verb.gid];
  if (!known) known = std::make_shared<Branch>(context_.io, sessions_);
  const BranchPtr branch = known;
  branch->running = branch->working = true;
  std::variant<Results, Failure> result = co_await work_on(*branch, verb);
  if (std::holds_alternative<Failure>(result)) {
    if (branch->connection) co_await release(branch);
    branches_.erase(verb.gid);
  }
  branch->working = false;
  context_.report(WorkDone{verb.gid, verb.seq, std::move(result)});
  branch->running = false;  // whoever waits for that reports after us
  branch->changed.cancel();
}

awaitable<std::variant<Results, Failure>> Branches::work_on(Branch& branch, const RunWork& verb) {
  auto decoded = Statements::decode(verb.work, context_.options.result_bytes);
  if (const auto* refused = std::get_if<Failure>(&decoded)) co_return *refused;
  Statements& statements = *std::get<0>(decoded);
  if (verb.time_left <= Duration::zero()) co_return failure(Problem::deadline_exceeded, late);
  const SteadyTime deadline = deadline_of(verb.time_left);
  if (!branch.connection) {
    if (!co_await sessions_.borrow(branch.waiter, deadline))
      co_return failure(branch.waiter.problem, branch.waiter.message);
    branch.connection = std::move(branch.waiter.granted);
  }

  const std::string timeout = statement_timeout(verb.time_left);
  std::vector<Command> commands;
  if (branch.open) {
    commands.push_back(named("assent_limit", {timeout.c_str()}));
  } else {
    commands.push_back(ours("reset all"));
    commands.push_back(ours(statements.begin_sql()));
    commands.push_back(named("assent_open", {timeout.c_str(), statements.lock_timeout().c_str()}));
  }
  const std::size_t first = commands.size();
  statements.append_to(commands, false);
  std::vector<Reply> replies;
  Connection& connection = *branch.connection;
  const bool whole =
      co_await connection.exchange(commands, replies, deadline + context_.options.grace);
  branch.open = true;
  co_await learn_types_of(statements);
  const Answers answers{replies, whole, branch.unwanted, &statements, first};
  if (auto why = failure_before_last(answers)) {
    if (branch.unwanted && why->sqlstate == "57014") why->problem = Problem::rolled_back;
    co_return *why;
  }
  if (!whole) co_return failure(Problem::participant_unavailable, gone);
  if (!connection.is_in_transaction())
    co_return failure(Problem::statement_refused, "A statement ended the branch's transaction.");
  co_return statements.results(replies, first, context_.types);
}

awaitable<Branches::Result> Branches::prepare_open(PrepareBranch verb) {
  const auto known = branches_.find(verb.gid);
  if (known == branches_.end() || !known->second->connection)
    co_return PrepareDone::No{
        failure(Problem::session_lost,
                "The branch is not open: its connection was lost, or it has ended.")};
  const BranchPtr branch = known->second;
  branch->running = branch->working = true;
  Result result = co_await finish_open(*branch, verb);
  co_await release(branch);
  end(verb.gid, *branch);
  co_return result;
}

awaitable<Branches::Result> Branches::finish_open(Branch& branch, const PrepareBranch& verb) {
  const std::string timeout = statement_timeout(verb.time_left);
  const SteadyTime deadline = deadline_of(verb.time_left) + context_.options.grace;
  Connection& connection = *branch.connection;
  std::vector<Command> commands{named("assent_limit", {timeout.c_str()}), plain(kXid)};
  std::vector<Reply> replies;
  const bool ready = co_await connection.exchange(commands, replies, deadline);
  const Answers before{replies, ready, branch.unwanted, nullptr, replies.size()};
  if (auto why = failure_before_last(before)) co_return PrepareDone::No{std::move(*why)};
  if (!ready) co_return PrepareDone::No{failure(Problem::participant_unavailable, gone)};
  if (!connection.is_in_transaction())
    co_return PrepareDone::No{failure(Problem::session_lost, "The branch's transaction is over.")};

  const Xid xid = xid_in(replies[1]);
  const std::string prepare = "prepare transaction " + quote_literal(to_string(verb.gid));
  const bool wrote = xid != 0;
  commands = {plain(wrote ? prepare.c_str() : "commit")};
  const bool whole = co_await connection.exchange(commands, replies, deadline);
  const Answers answers{replies, whole, branch.unwanted};
  if (!wrote) co_return judge_commit(answers, context_.types);
  Result result = judge_prepare(answers, xid, context_.types);
  if (std::holds_alternative<PrepareDone::Lost>(result))
    control_.remember_lost(verb.gid, {connection.backend_pid(), connection.backend_start});
  co_return result;
}

awaitable<void> Branches::drop(DropOpen verb) {
  const auto known = branches_.find(verb.gid);
  if (known != branches_.end()) {
    const BranchPtr branch = known->second;
    branch->unwanted = true;
    branch->waiter.refuse(Problem::rolled_back, "The branch is no longer wanted.");
    if (branch->running) context_.spawn(interrupt(branch));
    while (branch->running) co_await branch->until_changed();
    if (branch->connection) co_await release(branch);
    const auto still = branches_.find(verb.gid);
    if (still != branches_.end() && still->second == branch) branches_.erase(still);
  }
  context_.report(Dropped{verb.gid});
}

std::map<int, Gid> Branches::sessions() const {
  std::map<int, Gid> found;
  for (const auto& [gid, branch] : branches_)
    if (branch->connection && (branch->working || branch->open))
      found.emplace(branch->connection->backend_pid(), gid);
  return found;
}

void Branches::cancel(const CancelPrepare& verb) {
  const auto known = branches_.find(verb.gid);
  if (known == branches_.end()) return;
  known->second->unwanted = true;
  if (known->second->connection)
    context_.spawn(interrupt(known->second));
  else
    known->second->waiter.refuse(Problem::rolled_back, "The branch is no longer wanted.");
}

}  // namespace assent
