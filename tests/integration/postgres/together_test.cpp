// Commits that come together: their lines are one transaction, and each is carried out after it.
#include <map>

#include "protocol/text.hpp"
#include "tests/integration/postgres/harness.hpp"

using namespace assent;
using namespace std::chrono_literals;
using Result = FinishDone::Result;

namespace {

Gid prepared_on(Host& host, int account) {
  const Gid gid = new_gid();
  as<PrepareDone::Yes>(
      host.prepare(gid, work_of({{"update account set balance = balance - 1 where id = $1",
                                  {std::to_string(account)},
                                  1}})));
  return gid;
}

void ask(Host& host, const std::vector<Gid>& gids) {
  for (const Gid& gid : gids) host.database->perform(FinishPrepared{gid, Outcome::committed, 40});
}

std::map<Gid, FinishDone> answers(Host& host, std::size_t count) {
  std::map<Gid, FinishDone> done;
  while (done.size() < count) {
    const FinishDone each = host.wait<FinishDone>();
    done[each.gid] = each;
  }
  return done;
}

bool is_prepared(dev::Cluster& cluster, const Gid& gid) {
  return cluster.value("select count(*) from pg_prepared_xacts where gid = '" + to_string(gid) +
                       "'") == "1";
}

// How many transactions wrote the journal's lines.
std::string writers(dev::Cluster& cluster) {
  return cluster.value("select count(distinct xmin::text) from assent.outcome", "stock");
}

// The server, with its journal empty, and emptied at the end.
struct Journal {
  Journal() { clean(); }
  ~Journal() { clean(); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  void clean() {
    cluster.query("truncate assent.outcome", "stock");
    cluster.query("update account set balance = 1000 where id between 41 and 45", "stock");
  }
  dev::Cluster& cluster = shared_cluster();
};

// Somebody has the journal: lines wait.
struct Closed {
  explicit Closed(dev::Cluster& cluster) : somebody(cluster.conninfo("stock")) {
    somebody.run("begin");
    somebody.run("lock table assent.outcome in exclusive mode");
  }
  Visitor somebody;
};

std::string waiting_for_the_journal(dev::Cluster& cluster) {
  return cluster.value(
      "select min(pid)::text from pg_stat_activity where wait_event_type = 'Lock' "
      "and application_name like 'assent/stock/%/finisher'");
}

}  // namespace

TEST_CASE("commits that come together have their lines in one transaction") {
  Journal journal;
  Host host(journal.cluster);
  const std::vector<Gid> gids = {prepared_on(host, 41), new_gid(), prepared_on(host, 42),
                                 prepared_on(host, 43)};
  ask(host, gids);
  auto done = answers(host, 4);
  CHECK(done[gids[0]].result == Result::done);
  CHECK(done[gids[1]].result == Result::no_such_gid);  // and the others are not stopped
  CHECK(done[gids[2]].result == Result::done);
  CHECK(done[gids[3]].result == Result::done);
  CHECK(journal.cluster.value("select count(*) from assent.outcome where application = 'told' "
                              "and outcome = 'committed' and sequence = 40",
                              "stock") == "4");
  CHECK(writers(journal.cluster) == "1");
  CHECK(journal.cluster.value("select sum(1000 - balance)::int from account where id between 41 "
                              "and 43",
                              "stock") == "3");
}

TEST_CASE("more commits than finishers follow each other on one connection") {
  Journal journal;
  Host host(journal.cluster, [](DatabaseOptions& options) { options.finishers = 1; });
  const std::vector<Gid> gids = {prepared_on(host, 41), new_gid(), prepared_on(host, 42)};
  ask(host, gids);
  auto done = answers(host, 3);
  CHECK(done[gids[0]].result == Result::done);
  CHECK(done[gids[1]].result == Result::no_such_gid);
  CHECK(done[gids[2]].result == Result::done);
}

TEST_CASE("lines that cannot be written: none of their commits is tried, and no other is touched") {
  Journal journal;
  Host host(journal.cluster);
  const Gid first = prepared_on(host, 41), second = prepared_on(host, 42),
            aborted = prepared_on(host, 43);
  journal.cluster.query("alter table assent.outcome rename to away", "stock");
  ask(host, {first, second});
  host.database->perform(FinishPrepared{aborted, Outcome::aborted});
  auto done = answers(host, 3);
  for (const Gid& gid : {first, second}) {
    CHECK(done[gid].result == Result::again);
    CHECK(done[gid].message.find("line could not be written") != std::string::npos);
    CHECK(done[gid].message.find("42P01") != std::string::npos);
    CHECK(is_prepared(journal.cluster, gid));
  }
  CHECK(done[aborted].result == Result::done);
  journal.cluster.query("alter table assent.away rename to outcome", "stock");
  ask(host, {first, second});
  for (const auto& [gid, each] : answers(host, 2)) CHECK(each.result == Result::done);
}

TEST_CASE("no commit is begun before the lines of its group are written") {
  Journal journal;
  Host host(journal.cluster);
  const Gid first = prepared_on(host, 41), second = prepared_on(host, 42),
            later = prepared_on(host, 43), aborted = prepared_on(host, 44);
  std::string pid;
  {
    Closed closed(journal.cluster);
    ask(host, {first, second});
    host.run_until([&] { return !(pid = waiting_for_the_journal(journal.cluster)).empty(); });
    ask(host, {later});  // goes with the next lines
    CHECK(host.finish(aborted, Outcome::aborted).result == Result::done);  // has none to wait for
    for (const Gid& gid : {first, second, later}) CHECK(is_prepared(journal.cluster, gid));
    SECTION("and then each is") {
      closed.somebody.run("rollback");
      for (const auto& [gid, each] : answers(host, 3)) CHECK(each.result == Result::done);
      CHECK(writers(journal.cluster) == "2");
      return;
    }
    SECTION("and none is when the connection is lost") {
      journal.cluster.query("select pg_terminate_backend(" + pid + ")");
      auto done = answers(host, 2);
      CHECK(done[first].result == Result::again);
      CHECK(done[second].result == Result::again);
      for (const Gid& gid : {first, second}) CHECK(is_prepared(journal.cluster, gid));
    }
  }
  CHECK(answers(host, 1)[later].result == Result::done);
  ask(host, {first, second});
  for (const auto& [gid, each] : answers(host, 2)) CHECK(each.result == Result::done);
}

TEST_CASE("a connection that is lost between two commits: what was answered counts") {
  dev::Cluster cluster;
  cluster.query("create database stock");
  cluster.install_demo_bank("stock");
  Host host(cluster, [](DatabaseOptions& options) { options.finishers = 1; });
  const std::vector<Gid> gids = {prepared_on(host, 41), prepared_on(host, 42),
                                 prepared_on(host, 43)};
  std::optional<MissingStandby> missing(cluster);
  ask(host, gids);
  std::string pid;
  host.run_until([&] {
    pid = cluster.value(
        "select min(pid)::text from pg_stat_activity where wait_event = 'SyncRep' "
        "and application_name like 'assent/stock/%/finisher'");
    return !pid.empty();
  });
  cluster.query("select pg_terminate_backend(" + pid + ")");
  for (const auto& [gid, each] : answers(host, 3)) CHECK(each.result == Result::again);
  CHECK_FALSE(is_prepared(cluster, gids[0]));  // it waited for a standby, and was carried out
  CHECK(is_prepared(cluster, gids[1]));
  CHECK(is_prepared(cluster, gids[2]));
  missing.reset();
  ask(host, gids);
  auto done = answers(host, 3);
  CHECK(done[gids[0]].result == Result::no_such_gid);
  CHECK(done[gids[1]].result == Result::done);
  CHECK(done[gids[2]].result == Result::done);
}
