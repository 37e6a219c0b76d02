#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "participant/postgres/pool.hpp"
#include "participant/postgres/session.hpp"
#include "tests/integration/postgres/harness.hpp"

using namespace assent;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

const Sql debit{"update account set balance = balance - 1 where id = $1", {"41"}, 1};

std::string named(const std::string& conninfo, const std::string& application) {
  return conninfo + " application_name='" + application + "'";
}

}  // namespace

TEST_CASE("backends of a predecessor are gone before the database is up; others are left alone") {
  dev::Cluster& cluster = shared_cluster();
  const std::string conninfo = cluster.participant_conninfo("stock");
  Visitor predecessor(named(conninfo, "assent/stock/deadbeef/lane"));
  Visitor namesake(named(conninfo, "assent/stock-2/deadbeef/lane"));
  Visitor elsewhere(named(cluster.participant_conninfo("other"), "assent/stock/deadbeef/lane"));
  Visitor other_role(named(cluster.conninfo("stock"), "assent/stock/deadbeef/lane"));
  predecessor.run("begin; update account set balance = balance where id = 41");
  const std::string pid = predecessor.run("select pg_backend_pid()");
  Host host(cluster);
  CHECK(cluster.value("select count(*) from pg_stat_activity where pid = " + pid) == "0");
  CHECK_THROWS(predecessor.run("select 1"));
  CHECK(namesake.run("select 1") == "1");
  CHECK(elsewhere.run("select 1") == "1");
  CHECK(other_role.run("select 1") == "1");
}

TEST_CASE(
    "two of one name: the second waits and says why, and takes over when the first has gone") {
  auto first = std::make_unique<Host>(shared_cluster());
  Host second(shared_cluster(), {}, false);
  second.database->start();
  const DatabaseDown down = second.wait<DatabaseDown>();
  CHECK(down.reason.find("another assent-participant named stock") != std::string::npos);
  const Gid gid = new_gid();
  as<PrepareDone::Yes>(first->prepare(gid, work_of({debit})));
  CHECK(first->finish(gid, Outcome::aborted).result == FinishDone::Result::done);
  CHECK_FALSE(second.take<DatabaseUp>());
  first.reset();
  second.wait<DatabaseUp>();
}

TEST_CASE("a holder of the name that shows no life is taken over") {
  Visitor silent(
      named(shared_cluster().participant_conninfo("stock"), "assent/stock/dead/control"));
  silent.run("select pg_advisory_lock(" + std::to_string(advisory_key("stock")) + ")");
  Host host(
      shared_cluster(), [](DatabaseOptions& options) { options.takeover = 300ms; }, false);
  host.database->start();
  host.wait<DatabaseDown>();
  host.wait<DatabaseUp>();
  CHECK_THROWS(silent.run("select 1"));
}

TEST_CASE("the server stops and comes back: down, every verb answers, up again") {
  dev::Cluster cluster;
  cluster.query("create database stock");
  cluster.install_demo_bank("stock");
  Host host(cluster);
  const Gid gid = new_gid(), open = new_gid();
  as<PrepareDone::Yes>(host.prepare(gid, work_of({debit})));
  host.run(open, work_of({{"select 1"}}));
  cluster.crash();
  CHECK_FALSE(host.wait<DatabaseDown>().reason.empty());
  CHECK_FALSE(host.database->statistics().up);

  CHECK(problem_in(host.prepare(new_gid(), work_of({debit}))) == Problem::participant_unavailable);
  CHECK(problem_in(host.run(open, work_of({debit}))) == Problem::participant_unavailable);
  CHECK(problem_in(host.run(new_gid(), work_of({debit}))) == Problem::participant_unavailable);
  CHECK(host.finish(gid, Outcome::committed).result == FinishDone::Result::again);
  CHECK(host.status(gid, 700, host.up.server).status == StatusRead::Status::unavailable);
  host.database->perform(ListPrepared{});
  host.wait<ListFailed>();
  host.database->perform(RaiseMark{});
  host.wait<MarkFailed>();
  host.database->perform(WriteJournal{1, {}});
  CHECK_FALSE(host.wait<JournalWritten>().ok);
  host.database->perform(ReadJournal{gid});
  CHECK_FALSE(host.wait<JournalRead>().available);
  host.database->perform(DropOpen{open});
  host.wait<Dropped>();
  host.database->perform(SettleLost{gid});  // completes when the database is back

  cluster.start();
  const DatabaseUp up = host.wait<DatabaseUp>();
  REQUIRE(up.held.size() == 1);
  CHECK(up.held[0].gid == gid);
  CHECK(host.wait<Settled>().xid == up.held[0].xid);
  CHECK(host.finish(gid, Outcome::committed).result == FinishDone::Result::done);
}

TEST_CASE("a lost control connection is a new life: the old one's backends are ended") {
  Host host(shared_cluster());
  const Gid open = new_gid();
  host.run(open, work_of({debit}));
  shared_cluster().query(
      "select pg_terminate_backend(pid) from pg_stat_activity "
      "where application_name like 'assent/stock/%/control'");
  host.wait<DatabaseDown>();
  host.wait<DatabaseUp>();
  CHECK(problem_in(host.prepare_open(open)) != Problem::none);
  const Gid next = new_gid();
  as<PrepareDone::Yes>(host.prepare(next, work_of({debit})));
  host.finish(next, Outcome::aborted);
}

TEST_CASE("lanes ended while idle are replaced before anyone notices") {
  Host host(shared_cluster());
  const Gid warm = new_gid();
  as<PrepareDone::Yes>(host.prepare(warm, work_of({debit})));
  host.finish(warm, Outcome::aborted);
  shared_cluster().query(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
      "where application_name ~ '^assent/stock/.*/(lane|finisher)$'");
  const Gid gid = new_gid();
  as<PrepareDone::Yes>(host.prepare(gid, work_of({debit})));
  CHECK(host.finish(gid, Outcome::aborted).result == FinishDone::Result::done);
}

TEST_CASE("a connection that the server ended just before it is lent is replaced") {
  asio::io_context io;
  const auto spawn = [&](asio::awaitable<void> work) {
    asio::co_spawn(io, std::move(work), asio::detached);
  };
  std::vector<ConnectionPtr> made;
  const auto connect = [&](std::string& failure) -> asio::awaitable<ConnectionPtr> {
    auto connection = std::make_shared<Connection>(io);
    const ConnectionTarget target{shared_cluster().participant_conninfo("stock"), "doomed"};
    const bool connected = co_await connection->connect(target);
    if (!connected) failure = connection->failure();
    made.push_back(connection);
    // It has answered, and is not read from again before it is lent.
    if (made.size() == 1)
      shared_cluster().query("select pg_terminate_backend(" +
                             std::to_string(connection->backend_pid()) + ", 60000)");
    co_return connected ? connection : nullptr;
  };
  Pool::Options options;
  options.size = 1;
  Pool pool(io, options, connect, spawn);
  pool.open();
  Waiter waiter(io);
  const auto borrow = [&]() -> asio::awaitable<void> {
    const bool lent = co_await pool.borrow(waiter, std::nullopt);
    CHECK(lent);
  };
  asio::co_spawn(io, borrow(), asio::detached);
  io.run_for(20s);
  REQUIRE(made.size() == 2);
  CHECK(waiter.granted == made[1]);
  CHECK(pool.statistics().open == 1);
  pool.close("the test is over");
}

TEST_CASE("what is missing is said") {
  SECTION("no server") {
    Host host(
        shared_cluster(),
        [](DatabaseOptions& options) { options.conninfo = "host=/nonexistent dbname=stock"; },
        false);
    host.database->start();
    CHECK_FALSE(host.wait<DatabaseDown>().reason.empty());
  }
  SECTION("no schema") {
    Host host(
        shared_cluster(),
        [](DatabaseOptions& options) {
          options.conninfo = shared_cluster().participant_conninfo("postgres");
        },
        false);
    host.database->start();
    CHECK(host.wait<DatabaseDown>().reason.find("assent") != std::string::npos);
  }
}

TEST_CASE("after stop nothing is reported, and every connection is closed") {
  auto host = std::make_unique<Host>(shared_cluster());
  host->database->perform(
      PrepareBranch{new_gid(), work_of({{"select pg_sleep(30)"}}), Duration(60'000)});
  host->run_until([&] { return host->database->statistics().lanes.busy == 1; });
  host->database->stop();
  host->io.restart();
  host->io.run_for(1s);
  CHECK(host->io.stopped());  // nothing is left to wait for
  CHECK(host->events.empty());
}

TEST_CASE("a view's text is read over the control connection") {
  Host host(shared_cluster());
  std::optional<std::string> value;
  std::string error;
  bool answered = false;
  const auto answer = [&](std::optional<std::string> text, std::string why) {
    value = std::move(text);
    error = std::move(why);
    answered = true;
  };
  host.database->read_text("select 'seen'", answer);
  host.run_until([&] { return answered; });
  CHECK(value == "seen");
  answered = false;
  host.database->read_text("select nonsense", answer);
  host.run_until([&] { return answered; });
  CHECK_FALSE(value);
  CHECK(error.find("nonsense") != std::string::npos);
}
