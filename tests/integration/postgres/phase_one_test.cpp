#include "protocol/assent.pb.h"
#include "protocol/text.hpp"
#include "tests/integration/postgres/harness.hpp"

using namespace assent;
using namespace std::chrono_literals;

namespace {

const Sql debit{"update account set balance = balance - 1 where id = $1", {"1"}, 1};

std::size_t prepared(dev::Cluster& cluster) {
  return std::stoul(cluster.value("select count(*) from pg_prepared_xacts"));
}

}  // namespace

TEST_CASE("a one-shot branch is prepared, with its xid and its results") {
  Host host(shared_cluster());
  const Gid gid = new_gid();
  const PrepareDone done = host.prepare(
      gid,
      work_of({debit, {"select id, owner, null::int as n from account where id = $1", {"2"}}}));
  const auto& yes = as<PrepareDone::Yes>(done);
  const std::string row = "select transaction from pg_prepared_xacts where gid = '" +
                          to_string(gid) +
                          "' and database = 'stock' and owner = 'assent_participant'";
  CHECK(shared_cluster().value(row) == std::to_string(yes.xid));
  const wire::Results results = decode(yes.results);
  REQUIRE(results.statements_size() == 2);
  CHECK(results.statements(0).command() == "UPDATE");
  CHECK(results.statements(0).rows_affected() == 1);
  const wire::StatementResult& read = results.statements(1);
  REQUIRE(read.columns_size() == 3);
  CHECK(read.columns(0).name() == "id");
  CHECK(read.columns(0).type() == "int8");
  CHECK(read.columns(1).type() == "text");
  REQUIRE(read.cells_size() == 3);
  CHECK(read.cells(0).text() == "2");
  CHECK(read.cells(1).text() == "customer 2");
  CHECK(read.cells(2).null());
  CHECK(host.finish(gid, Outcome::aborted).result == FinishDone::Result::done);
}

TEST_CASE("an unmet expectation leaves the branch prepared and refused") {
  Host host(shared_cluster());
  const Gid gid = new_gid();
  const PrepareDone done =
      host.prepare(gid, work_of({{"update account set balance = 0 where id = -1", {}, 1}}));
  const auto& refused = as<PrepareDone::Refused>(done);
  CHECK(refused.failure.problem == Problem::expectation_failed);
  CHECK(refused.failure.statement == 0);
  CHECK(refused.xid != 0);
  CHECK(prepared(shared_cluster()) == 1);
  CHECK(host.finish(gid, Outcome::aborted).result == FinishDone::Result::done);
}

TEST_CASE("a failing statement is a no with PostgreSQL's fields, and the lane is clean after it") {
  Host host(shared_cluster(), [](DatabaseOptions& options) { options.lanes = 1; });
  const PrepareDone done =
      host.prepare(new_gid(), work_of({debit, {"update account set balance = -5 where id = 2"}}));
  const auto& no = as<PrepareDone::No>(done);
  CHECK(no.failure.problem == Problem::statement_failed);
  CHECK(no.failure.statement == 1);
  CHECK(no.failure.sqlstate == "23514");
  CHECK(no.failure.constraint == "account_balance_check");
  CHECK(no.failure.table == "account");
  CHECK(prepared(shared_cluster()) == 0);
  const Gid next = new_gid();
  as<PrepareDone::Yes>(host.prepare(next, work_of({debit})));
  CHECK(host.finish(next, Outcome::aborted).result == FinishDone::Result::done);
}

TEST_CASE("failures that PostgreSQL finds in one statement") {
  Host host(shared_cluster());
  const auto [sql, params, state] =
      GENERATE(table<std::string, std::vector<std::optional<std::string>>, std::string>({
          {"select $1::int, $2::int", {"1"}, "08P01"},
          {"select 1", {"1", "2"}, "08P01"},
          {"select from from", {}, "42601"},
          {"explain select 1 ; select 2", {}, ""},
          {"select $1::int", {"x"}, "22P02"},
          {"select no_such_column from account", {}, "42703"},
          {"create function f() returns int language sql as 'select 1'; commit", {}, "42601"},
          {"do $$ begin commit; end $$", {}, "2D000"},
      }));
  INFO(sql);
  const PrepareDone done = host.prepare(new_gid(), work_of({{sql, params}}));
  const auto& no = as<PrepareDone::No>(done);
  if (state != "08P01" || no.failure.sqlstate != "42P02") CHECK(no.failure.sqlstate == state);
  CHECK(no.failure.statement == 0);
  CHECK(prepared(shared_cluster()) == 0);
}

TEST_CASE("refused before it is sent: transaction control, NUL in a parameter, unknown isolation") {
  Host host(shared_cluster());
  CHECK(problem_in(host.prepare(new_gid(), work_of({debit, {"commit"}}))) ==
        Problem::statement_refused);
  CHECK(problem_in(host.prepare(new_gid(), work_of({{"select $1", {std::string("a\0b", 3)}}}))) ==
        Problem::statement_refused);
  CHECK(problem_in(host.prepare(new_gid(), work_of({debit}, {.isolation = "snapshot"}))) ==
        Problem::invalid_request);
  CHECK(problem_in(host.prepare(new_gid(), Work{"\xFF\xFF"})) == Problem::invalid_request);
}

TEST_CASE("what cannot be prepared is a no with the remedy") {
  Host host(shared_cluster());
  shared_cluster().query(
      "create table if not exists parent(id int primary key);"
      "create table if not exists child(p int references parent deferrable initially deferred);"
      "grant all on parent, child to assent_participant; grant temp on database stock to public",
      "stock");
  SECTION("a deferred constraint fails at PREPARE") {
    const auto no =
        as<PrepareDone::No>(host.prepare(new_gid(), work_of({{"insert into child values (99)"}})));
    CHECK(no.failure.sqlstate == "23503");
    CHECK(no.failure.problem == Problem::statement_failed);
  }
  SECTION("a temporary table") {
    const auto no = as<PrepareDone::No>(
        host.prepare(new_gid(), work_of({{"create temp table scratch(a int)"}})));
    CHECK(no.failure.sqlstate == "0A000");
    CHECK(no.failure.problem == Problem::cannot_prepare);
  }
  SECTION("a gid that is in use") {
    const Gid gid = new_gid();
    as<PrepareDone::Yes>(host.prepare(gid, work_of({debit})));
    const auto no = as<PrepareDone::No>(
        host.prepare(gid, work_of({{"update account set balance = 1 where id = 5"}})));
    CHECK(no.failure.sqlstate == "42710");
    host.finish(gid, Outcome::aborted);
  }
  CHECK(prepared(shared_cluster()) == 0);
}

TEST_CASE("no slot for a prepared transaction") {
  dev::Cluster cluster({.max_prepared_transactions = 1, .durable = false});
  cluster.query("create database stock");
  cluster.install_demo_bank("stock");
  Host host(cluster);
  const Gid first = new_gid();
  as<PrepareDone::Yes>(host.prepare(first, work_of({debit})));
  const auto no = as<PrepareDone::No>(
      host.prepare(new_gid(), work_of({{"update account set balance = 1 where id = 7", {}, 1}})));
  CHECK(no.failure.sqlstate == "53200");
  CHECK(no.failure.problem == Problem::cannot_prepare);
  CHECK(no.failure.message.find("max_prepared_transactions") != std::string::npos);
  CHECK(host.finish(first, Outcome::committed).result == FinishDone::Result::done);
}

TEST_CASE("a declared read-only branch is committed at once; a write in it fails") {
  Host host(shared_cluster());
  const PrepareDone done = host.prepare(
      new_gid(), work_of({{"select count(*) from account", {}, 1}}, {.read_only = true}));
  CHECK(decode(as<PrepareDone::ReadOnly>(done).results).statements(0).cells(0).text() == "100");
  CHECK(problem_in(host.prepare(new_gid(), work_of({debit}, {.read_only = true}))) ==
        Problem::statement_failed);
  CHECK(problem_in(host.prepare(new_gid(),
                                work_of({{"select 1 where false", {}, 1}}, {.read_only = true}))) ==
        Problem::expectation_failed);
  CHECK(prepared(shared_cluster()) == 0);
}

TEST_CASE("isolation is what was asked for") {
  Host host(shared_cluster());
  const auto [asked, given] =
      GENERATE(table<std::string, std::string>({{"", "read committed"},
                                                {"read_committed", "read committed"},
                                                {"repeatable_read", "repeatable read"},
                                                {"serializable", "serializable"}}));
  const Gid gid = new_gid();
  const PrepareDone done =
      host.prepare(gid, work_of({{"show transaction_isolation"}}, {.isolation = asked}));
  CHECK(decode(as<PrepareDone::Yes>(done).results).statements(0).cells(0).text() == given);
  host.finish(gid, Outcome::aborted);
}

TEST_CASE("waiting for a row ends with the lock timeout, or with the deadline") {
  Host host(shared_cluster());
  const Gid holder = new_gid();
  as<PrepareDone::Yes>(host.prepare(holder, work_of({debit})));
  CHECK(problem_in(host.prepare(new_gid(), work_of({debit}, {.lock_timeout_ms = 50}))) ==
        Problem::lock_timeout);
  CHECK(problem_in(host.prepare(new_gid(), work_of({debit}), Duration(100))) ==
        Problem::deadline_exceeded);
  CHECK(problem_in(host.prepare(new_gid(), work_of({debit}), Duration(0))) ==
        Problem::deadline_exceeded);
  host.finish(holder, Outcome::aborted);
}

TEST_CASE("a prepare nobody wants is cancelled; its lane serves the next") {
  Host host(shared_cluster(), [](DatabaseOptions& options) { options.lanes = 1; });
  const Gid holder = new_gid(), waiting = new_gid(), queued = new_gid();
  as<PrepareDone::Yes>(host.prepare(holder, work_of({debit})));
  host.database->perform(PrepareBranch{waiting, work_of({debit}), Duration(60'000)});
  host.run_until([&] { return host.database->statistics().lanes.busy == 1; });
  host.database->perform(PrepareBranch{queued, work_of({debit}), Duration(60'000)});
  host.run_until([&] { return host.database->statistics().lanes.waiting == 1; });
  host.database->perform(CancelPrepare{queued});
  const PrepareDone first = host.wait<PrepareDone>();
  CHECK(first.gid == queued);
  CHECK(problem_in(first) == Problem::rolled_back);
  host.database->perform(CancelPrepare{waiting});
  const PrepareDone second = host.wait<PrepareDone>();
  CHECK(second.gid == waiting);
  CHECK(problem_in(second) == Problem::rolled_back);
  const Gid next = new_gid();
  as<PrepareDone::Yes>(
      host.prepare(next, work_of({{"update account set balance = 1 where id = 3", {}, 1}})));
  host.finish(next, Outcome::aborted);
  host.finish(holder, Outcome::aborted);
}

TEST_CASE("too many waiting are refused; one whose time runs out in the queue is told") {
  Host host(shared_cluster(), [](DatabaseOptions& options) {
    options.lanes = 1;
    options.waiting = 1;
  });
  const Gid busy = new_gid();
  host.database->perform(PrepareBranch{busy, work_of({{"select pg_sleep(60)"}}), Duration(90'000)});
  host.run_until([&] { return host.database->statistics().lanes.busy == 1; });
  host.database->perform(PrepareBranch{new_gid(), work_of({debit}), Duration(5'000)});
  host.run_until([&] { return host.database->statistics().lanes.waiting == 1; });
  CHECK(problem_in(host.prepare(new_gid(), work_of({debit}))) == Problem::overloaded);
  CHECK(problem_in(host.wait<PrepareDone>()) == Problem::deadline_exceeded);
  host.database->perform(CancelPrepare{busy});
  CHECK(host.wait<PrepareDone>().gid == busy);
}

TEST_CASE("a result beyond the limit is not kept, and the branch does not stay") {
  Host host(shared_cluster());
  const Gid gid = new_gid();
  const PrepareDone done =
      host.prepare(gid, work_of({debit, {"select repeat('x', 1000) from generate_series(1, 1000)"}},
                                {.max_result_bytes = 100'000}));
  CHECK(as<PrepareDone::Refused>(done).failure.problem == Problem::result_too_large);
  CHECK(as<PrepareDone::Refused>(done).failure.statement == 1);
  host.finish(gid, Outcome::aborted);
}

TEST_CASE("a large request and a large result pass") {
  Host host(shared_cluster());
  const std::string large(3'000'000, 'x');
  const PrepareDone done = host.prepare(
      new_gid(), work_of({{"select $1::text || 'y'", {large}}, {"select $1::text", {large}}},
                         {.read_only = true}));
  const wire::Results results = decode(as<PrepareDone::ReadOnly>(done).results);
  CHECK(results.statements(0).cells(0).text() == large + "y");
  CHECK(results.statements(1).cells(0).text() == large);
}

TEST_CASE("nothing set in a session reaches the next branch") {
  shared_cluster().query(
      "create or replace function dirty() returns void language plpgsql as $$ begin "
      "perform set_config('app.tenant', 'mallory', false); perform pg_advisory_lock(77); end $$",
      "stock");
  Host host(shared_cluster(), [](DatabaseOptions& options) { options.lanes = 1; });
  const Gid dirty = new_gid(), clean = new_gid();
  as<PrepareDone::Yes>(host.prepare(
      dirty, work_of({debit, {"select set_config('app.mine', 'x', false)"}, {"select dirty()"}})));
  host.finish(dirty, Outcome::committed);
  const PrepareDone done = host.prepare(
      clean,
      work_of({{"select current_setting('app.tenant', true) || current_setting('app.mine', true), "
                "(select count(*) from pg_locks where locktype = 'advisory' "
                "and pid = pg_backend_pid())"}}));
  const wire::Results results = decode(as<PrepareDone::Yes>(done).results);
  CHECK(results.statements(0).cells(0).text() == "");
  CHECK(results.statements(0).cells(1).text() == "0");
  host.finish(clean, Outcome::aborted);
}

TEST_CASE("a type made after the start has its name in the results") {
  Host host(shared_cluster());
  shared_cluster().query("drop type if exists mood; create type mood as enum ('ok')", "stock");
  const PrepareDone done =
      host.prepare(new_gid(), work_of({{"select 'ok'::mood"}}, {.read_only = true}));
  CHECK(decode(as<PrepareDone::ReadOnly>(done).results).statements(0).columns(0).type() == "mood");
}
