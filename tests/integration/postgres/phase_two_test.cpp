#include <csignal>

#include "protocol/text.hpp"
#include "tests/integration/postgres/harness.hpp"

using namespace assent;
using namespace std::chrono_literals;

namespace {

const Sql debit{"update account set balance = balance - 1 where id = $1", {"21"}, 1};

std::string backend_of(dev::Cluster& cluster, const std::string& use,
                       const std::string& more = "") {
  return cluster.value("select (select pid from pg_stat_activity where application_name like " +
                       ("'assent/stock/%/" + use) + "' " + more + " limit 1)");
}

// A server of its own: what waits for a standby waits everywhere in it.
struct OwnCluster {
  OwnCluster() {
    cluster.query("create database stock");
    cluster.install_demo_bank("stock");
  }
  dev::Cluster cluster;
};

}  // namespace

TEST_CASE("phase two: done only by its tag; a gid that is gone proves nothing") {
  Host host(shared_cluster());
  const std::string balance = "select balance from account where id = 21";
  const std::string before = shared_cluster().value(balance, "stock");
  const Gid gid = new_gid(), other = new_gid();
  as<PrepareDone::Yes>(host.prepare(gid, work_of({debit})));
  CHECK(host.finish(gid, Outcome::committed).result == FinishDone::Result::done);
  CHECK(shared_cluster().value(balance + " and balance = " + before + " - 1", "stock") != "");
  const FinishDone again = host.finish(gid, Outcome::committed);
  CHECK(again.result == FinishDone::Result::no_such_gid);
  CHECK(again.message.find("42704") != std::string::npos);
  as<PrepareDone::Yes>(host.prepare(other, work_of({debit})));
  CHECK(host.finish(other, Outcome::aborted).result == FinishDone::Result::done);
  CHECK(host.finish(other, Outcome::aborted).result == FinishDone::Result::no_such_gid);
  shared_cluster().query("update account set balance = 1000 where id = 21", "stock");
}

TEST_CASE("a commit whose line cannot be written is not tried") {
  Host host(shared_cluster());
  dev::Cluster& cluster = shared_cluster();
  // More than once on each connection: texts are kept prepared, and an earlier branch's must not
  // run.
  for (int i = 0; i < 6; ++i) {
    const Gid before = new_gid();
    as<PrepareDone::Yes>(host.prepare(before, work_of({debit})));
    REQUIRE(host.finish(before, Outcome::committed).result == FinishDone::Result::done);
  }
  const Gid gid = new_gid();
  const Xid xid = as<PrepareDone::Yes>(host.prepare(gid, work_of({debit}))).xid;
  cluster.query("alter table assent.outcome rename to away", "stock");
  for (int i = 0; i < 3; ++i) {
    const FinishDone refused = host.finish(gid, Outcome::committed, xid);
    CHECK(refused.result == FinishDone::Result::again);
    CHECK(refused.message.find("42P01") != std::string::npos);
  }
  const std::string held =
      "select count(*) from pg_prepared_xacts where gid = '" + to_string(gid) + "'";
  CHECK(cluster.value(held) == "1");
  cluster.query("alter table assent.away rename to outcome", "stock");
  REQUIRE(host.finish(gid, Outcome::committed, xid).result == FinishDone::Result::done);
  CHECK(cluster.value(held) == "0");
  cluster.query("update account set balance = 1000 where id = 21", "stock");
}

TEST_CASE("a branch of another owner, or of another database, is denied, and stays") {
  Host host(shared_cluster());
  dev::Cluster& cluster = shared_cluster();
  cluster.query("create table if not exists scratch(a int)", "stock");
  const Gid foreign = new_gid(), elsewhere = new_gid();
  cluster.query(
      "begin; insert into scratch values (1); prepare transaction '" + to_string(foreign) + "'",
      "stock");
  Visitor(cluster.participant_conninfo("other"))
      .run("begin; prepare transaction '" + to_string(elsewhere) + "'");
  for (const Outcome outcome : {Outcome::committed, Outcome::aborted}) {
    CHECK(host.finish(foreign, outcome, 0).result == FinishDone::Result::denied);
    CHECK(host.finish(elsewhere, outcome).result == FinishDone::Result::denied);
  }
  cluster.query("rollback prepared '" + to_string(foreign) + "'", "stock");
  cluster.query("rollback prepared '" + to_string(elsewhere) + "'", "other");
}

TEST_CASE("a commit goes past lanes that wait for its row") {
  Host host(shared_cluster());
  const Gid holder = new_gid();
  as<PrepareDone::Yes>(host.prepare(holder, work_of({debit})));
  for (int i = 0; i < 2; ++i)
    host.database->perform(PrepareBranch{new_gid(), work_of({debit}), Duration(60'000)});
  host.run_until([&] { return host.database->statistics().lanes.busy == 2; });
  CHECK(host.finish(holder, Outcome::aborted).result == FinishDone::Result::done);
  for (int i = 0; i < 2; ++i) {  // one of them after the other has ended
    const PrepareDone done = host.wait<PrepareDone>();
    as<PrepareDone::Yes>(done);
    host.finish(done.gid, Outcome::aborted);
  }
}

TEST_CASE("busy, or ended while it waits for a standby: again, and then the proof") {
  OwnCluster setup;
  Host host(setup.cluster);
  const Gid gid = new_gid();
  const auto yes = as<PrepareDone::Yes>(host.prepare(gid, work_of({debit})));
  MissingStandby standby(setup.cluster);
  host.database->perform(FinishPrepared{gid, Outcome::committed, 40});
  standby.until_one_waits(host);
  const FinishDone busy = host.finish(gid, Outcome::committed);
  CHECK(busy.result == FinishDone::Result::again);
  CHECK(busy.message.find("55000") != std::string::npos);
  standby.end_those_that_wait();
  CHECK(host.wait<FinishDone>().result == FinishDone::Result::again);
  CHECK(host.finish(gid, Outcome::committed).result == FinishDone::Result::no_such_gid);
  CHECK(host.status(gid, yes.xid, host.up.server).status == StatusRead::Status::committed);
}

TEST_CASE("a PREPARE ended while it waits for a standby is lost, and found prepared") {
  OwnCluster setup;
  Host host(setup.cluster);
  std::optional<MissingStandby> missing(setup.cluster);
  MissingStandby& standby = *missing;
  const Gid gid = new_gid();
  host.database->perform(PrepareBranch{gid, work_of({debit}), Duration(60'000)});
  standby.until_one_waits(host);
  standby.end_those_that_wait();
  as<PrepareDone::Lost>(host.wait<PrepareDone>());
  host.database->perform(SettleLost{gid});
  const Settled settled = host.wait<Settled>();
  REQUIRE(settled.xid);
  CHECK(setup.cluster.value("select transaction from pg_prepared_xacts") ==
        std::to_string(*settled.xid));
  missing.reset();
  CHECK(host.finish(gid, Outcome::aborted).result == FinishDone::Result::done);
}

TEST_CASE("a backend ended during a statement is a no; during PREPARE it is lost, then not found") {
  Host host(shared_cluster());
  shared_cluster().query(
      "create or replace function dawdle() returns trigger language plpgsql as $$ begin "
      "perform pg_sleep(60); return null; end $$;"
      "create table if not exists slow(a int); grant all on slow to assent_participant;"
      "drop trigger if exists slow on slow; create constraint trigger slow after insert on slow "
      "deferrable initially deferred for each row execute function dawdle()",
      "stock");
  const bool at_prepare = GENERATE(false, true);
  const Gid gid = new_gid();
  host.database->perform(PrepareBranch{
      gid, work_of({{at_prepare ? "insert into slow values (1)" : "select pg_sleep(60)"}}),
      Duration(90'000)});
  std::string pid;
  host.run_until([&] {
    pid = backend_of(shared_cluster(), "lane", "and wait_event = 'PgSleep'");
    return !pid.empty();
  });
  shared_cluster().query("select pg_terminate_backend(" + pid + ")");
  const PrepareDone done = host.wait<PrepareDone>();
  if (!at_prepare) {
    CHECK(problem_in(done) == Problem::participant_unavailable);
    return;
  }
  as<PrepareDone::Lost>(done);
  host.database->perform(SettleLost{gid});
  CHECK_FALSE(host.wait<Settled>().xid.has_value());
}

TEST_CASE("a lost PREPARE is settled only when its backend is gone") {
  Host host(shared_cluster(), [](DatabaseOptions& options) { options.grace = 200ms; });
  const Gid gid = new_gid();
  host.database->perform(
      PrepareBranch{gid, work_of({debit, {"select pg_sleep(60)"}}), Duration(8'000)});
  std::string pid;
  host.run_until([&] {
    pid = backend_of(shared_cluster(), "lane", "and wait_event = 'PgSleep'");
    return !pid.empty();
  });
  REQUIRE(::kill(std::stoi(pid), SIGSTOP) == 0);
  as<PrepareDone::Lost>(host.wait<PrepareDone>());  // silent for too long
  host.database->perform(SettleLost{gid});
  CHECK_THROWS(host.wait<Settled>(400ms));
  REQUIRE(::kill(std::stoi(pid), SIGCONT) == 0);
  CHECK_FALSE(host.wait<Settled>().xid.has_value());
  CHECK(shared_cluster().value("select count(*) from pg_stat_activity where pid = " + pid) == "0");
}
