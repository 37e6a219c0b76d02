#include "clients/dev/cluster.hpp"

#include <fstream>
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/catch.hpp"

using namespace assent::dev;
using namespace std::chrono_literals;

TEST_CASE("a cluster is durable and can prepare transactions") {
  Cluster cluster;
  CHECK(cluster.value("show fsync") == "on");
  CHECK(cluster.value("show synchronous_commit") == "on");
  CHECK(cluster.value("show max_prepared_transactions") == "200");
  cluster.query("create table t(a int)");
  cluster.query("begin; insert into t values (1); prepare transaction 'x'");
  CHECK(cluster.value("select gid from pg_prepared_xacts") == "x");

  SECTION("which survive a crash") {
    cluster.crash();
    CHECK_FALSE(cluster.running());
    CHECK_THROWS_AS(cluster.query("select 1"), std::runtime_error);
    cluster.start();
    cluster.query("commit prepared 'x'");
    CHECK(cluster.value("select count(*) from t") == "1");
  }
  SECTION("and the death of the postmaster") {
    cluster.kill_postmaster();
    cluster.start();
    CHECK(cluster.value("select gid from pg_prepared_xacts") == "x");
  }
  SECTION("and a restart, after which new settings hold") {
    cluster.set("max_prepared_transactions", "7");
    cluster.restart();
    CHECK(cluster.value("select gid from pg_prepared_xacts") == "x");
    CHECK(cluster.value("show max_prepared_transactions") == "7");
  }
}

TEST_CASE("clusters are servers of their own, reached over socket and TCP") {
  Cluster one;
  Cluster two;
  const std::string identity = "select system_identifier from pg_control_system()";
  CHECK(one.value(identity) != two.value(identity));
  CHECK(run({.argv = {"psql", "-XAtc", "select 1", one.tcp_conninfo()}}).output == "1\n");
}

TEST_CASE("a kept folder is found again; a temporary one goes with its cluster") {
  TemporaryFolder folder;
  for (const char* expected : {"1", "2"}) {
    Cluster cluster({.folder = folder.path() / "kept", .keep = true});
    cluster.query("create table if not exists t(a int); insert into t values (1)");
    CHECK(cluster.value("select count(*) from t") == expected);
  }
  std::filesystem::path gone;
  {
    Cluster cluster;
    gone = cluster.folder();
  }
  CHECK_FALSE(std::filesystem::exists(gone));
}

TEST_CASE("a standby follows, is promoted, and holds what was prepared") {
  Cluster primary;
  Cluster standby({.name = "standby", .primary = primary.conninfo()});
  CHECK(standby.value("select pg_is_in_recovery()") == "t");
  primary.query("create table t(a int)");
  primary.query("begin; insert into t values (1); prepare transaction 'x'");
  const std::string end = primary.value("select pg_current_wal_lsn()");
  REQUIRE(poll_until(
      [&] {
        return standby.value("select coalesce(pg_last_wal_replay_lsn() >= '" + end + "', false)") ==
               "t";
      },
      30s));
  primary.crash();
  standby.query("select pg_promote()");
  standby.query("commit prepared 'x'");
  CHECK(standby.value("select a from t") == "1");
}

TEST_CASE("a backup put back knows nothing of what came after it") {
  TemporaryFolder folder;
  Cluster cluster;
  cluster.query("create table t as select 1 as a");
  cluster.back_up(folder.path() / "backup");
  cluster.query("insert into t values (2)");
  for (int again = 0; again < 2; ++again) {
    cluster.put_back(folder.path() / "backup");
    CHECK(cluster.value("select string_agg(a::text, ',') from t") == "1");
    cluster.query("insert into t values (3)");
  }
}

TEST_CASE("a server that does not start says why") {
  std::string message;
  try {
    Cluster cluster({.settings = {{"max_connectoins", "5"}}});
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  CHECK(message.find("max_connectoins") != message.npos);
}

TEST_CASE("a paused server answers again when resumed") {
  Cluster cluster;
  cluster.pause();
  const auto answers = [&](const char* seconds) {
    return run({.argv = {"timeout", seconds, "psql", "-XAtc", "select 1", cluster.conninfo()}})
        .status.ok();
  };
  CHECK_FALSE(answers("0.3"));
  cluster.resume();
  CHECK(answers("10"));
}

TEST_CASE("a server dies with us, even when we are killed") {
  TemporaryFolder folder;
  const pid_t parent = ::fork();
  if (parent == 0) {
    Cluster cluster({.folder = folder.path() / "pg"});
    std::ofstream(folder.path() / "new") << cluster.postmaster_pid() << std::endl;
    std::filesystem::rename(folder.path() / "new", folder.path() / "pid");
    for (;;) ::pause();
  }
  REQUIRE(poll_until([&] { return std::filesystem::exists(folder.path() / "pid"); }, 30s));
  pid_t server = 0;
  std::ifstream(folder.path() / "pid") >> server;
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  CHECK(poll_until([&] { return ::kill(server, 0) != 0; }, 10s));
}
