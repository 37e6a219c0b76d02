// Real waiters of every kind: edge by edge as PostgreSQL sees them, before and after a crash of the
// server, and what really happens when the root is resolved.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "participant/postgres/check.hpp"
#include "tests/integration/blocking/sessions.hpp"

using namespace assent;
using namespace std::chrono_literals;

namespace {

// One kind of waiting: who holds, who waits for it.
struct Kind {
  std::string name;
  std::string holds;               // statements of the branch
  std::vector<std::string> waits;  // in the order in which they come
  std::string relation;            // where it can be known
  std::string key;                 // of the row, where it can be known
  bool commit = true;              // or roll back, so that those who wait can succeed
};

const std::vector<Kind> kKinds = {
    {"row_update",
     "update t_row set v = v + 1 where id = 7",
     {"update t_row set v = v + 1 where id = 7", "update t_row set v = v + 2 where id = 7",
      "delete from t_row where id = 7"},
     "public.t_row",
     R"({"id" : "7"})"},
    {"foreign_key",
     "update t_parent set id = 11 where id = 1",
     {"insert into t_child values (1, 1)"},
     "public.t_parent",
     R"({"id" : "1"})",
     false},
    {"unique_insert",
     "insert into t_unique values (500)",
     {"insert into t_unique values (500)"},
     "public.t_unique",
     "",
     false},
    {"on_conflict",
     "insert into t_conflict values (500)",
     {"insert into t_conflict values (500) on conflict do nothing"},
     "public.t_conflict",
     ""},
    {"alter",
     "update t_alter set v = 1 where id = 1",
     {"alter table t_alter add column x int", "select count(*) from t_alter",
      "select count(*) from t_alter where id = 2", "update t_alter set v = 2 where id = 3"},
     "public.t_alter",
     ""},
    {"for_share",
     "select from t_share where id = 1 for share",
     {"update t_share set v = 2 where id = 1", "delete from t_share where id = 1"},
     "public.t_share",
     R"({"id" : "1"})"},
    {"share_waits",
     "update t_share2 set v = 1 where id = 1",
     {"select from t_share2 where id = 1 for share",
      "select from t_share2 where id = 1 for no key update"},
     "public.t_share2",
     R"({"id" : "1"})"},
    {"lock_table",
     "lock table t_lock in share row exclusive mode",
     {"insert into t_lock values (900)",
      "lock table t_lock in access share mode; "
      "lock table t_lock in exclusive mode"},
     "public.t_lock",
     ""},
    {"advisory", "select pg_advisory_xact_lock(42)", {"select pg_advisory_xact_lock(42)"}, "", ""},
    {"advisory_pair",
     "select pg_advisory_xact_lock(7, -8)",
     {"select pg_advisory_xact_lock_shared(7, -8)", "select pg_advisory_xact_lock(7, -8)"},
     "",
     ""},
    {"savepoint",
     "savepoint a; update t_save set v = 1 where id = 3; release a; savepoint b; "
     "update t_save set v = 1 where id = 4",
     {"update t_save set v = 5 where id = 3", "update t_save set v = 5 where id = 4"},
     "public.t_save",
     ""},
};

constexpr const char* kTables =
    "create table t_row (id int primary key, v int); "
    "create table t_parent (id int primary key); "
    "create table t_child (id int primary key, parent int references t_parent); "
    "create table t_unique (id int primary key); create table t_conflict (id int primary key); "
    "create table t_alter (id int primary key, v int); "
    "create table t_share (id int primary key, v int); "
    "create table t_share2 (id int primary key, v int); "
    "create table t_lock (id int primary key); create table t_save (id int primary key, v int); "
    "insert into t_row select i, 0 from generate_series(1, 9) i; "
    "insert into t_parent select generate_series(1, 9); "
    "insert into t_alter select i, 0 from generate_series(1, 9) i; "
    "insert into t_share select i, 0 from generate_series(1, 9) i; "
    "insert into t_share2 select i, 0 from generate_series(1, 9) i; "
    "insert into t_save select i, 0 from generate_series(1, 9) i; "
    "grant select on all tables in schema public to assent_participant";

dev::ClusterOptions patient() {
  dev::ClusterOptions options;
  options.settings = {{"deadlock_timeout", "60s"}};  // it would change the order of a queue
  return options;
}

struct Waiting {
  const Kind* kind;
  std::unique_ptr<Session> session;
};

// One after the other, so that the queues have a known order.
std::vector<Waiting> start_waiters(const dev::Cluster& cluster) {
  std::vector<Waiting> all;
  for (const Kind& kind : kKinds)
    for (const std::string& sql : kind.waits) {
      all.push_back({&kind, std::make_unique<Session>(cluster, kind.name)});
      all.back().session->send("begin; " + sql + "; commit");
      await_waiting(cluster, {all.back().session->pid()});
    }
  return all;
}

std::string gid_of(const Kind& kind) {
  return "kind_" + kind.name;
}

void prepare_branches(const dev::Cluster& cluster) {
  for (const Kind& kind : kKinds) {
    Session holder(cluster, "holder");
    holder.run("begin; " + kind.holds + "; prepare transaction '" + gid_of(kind) + "'");
  }
}

const BlockingNode& root_of(const Observation& seen, const Kind& kind) {
  for (const std::size_t root : seen.blocking.roots) {
    const BlockingNode& node = seen.blocking.nodes[root];
    if (node.prepared && seen.snapshot.prepared[*node.prepared].gid == gid_of(kind)) return node;
  }
  throw std::runtime_error("no root for " + kind.name);
}

// Every session that waits stands below the root of its kind.
void check_tree(const Observation& seen, const std::vector<Waiting>& waiters) {
  CHECK_FALSE(seen.blocking.torn);
  for (const Waiting& each : waiters) {
    INFO(each.kind->name << " pid " << each.session->pid());
    const BlockingNode* node = seen.blocking.find(each.session->pid());
    REQUIRE(node != nullptr);
    REQUIRE(node->wait);
    const BlockingNode* top = node;
    while (top->parent) top = &seen.blocking.nodes[*top->parent];
    REQUIRE(top->prepared);
    CHECK(seen.snapshot.prepared[*top->prepared].gid == gid_of(*each.kind));
  }
  for (const Kind& kind : kKinds) CHECK(root_of(seen, kind).reach == kind.waits.size());
}

void check_places(const Observation& seen, const std::vector<Waiting>& waiters) {
  for (const Waiting& each : waiters) {
    const Kind& kind = *each.kind;
    INFO(kind.name);
    const Wait& wait = *seen.blocking.find(each.session->pid())->wait;
    if (!kind.key.empty()) {
      REQUIRE(wait.row);
      CHECK(seen.relations.at(wait.row->relation).name == kind.relation);
      REQUIRE(seen.keys.contains(*wait.row));
      CHECK(seen.keys.at(*wait.row) == kind.key);
    } else if (wait.object.type == "transactionid" && !wait.row) {
      std::set<std::string> tables;
      for (const std::uint32_t relation : wait.shared_relations)
        if (seen.relations.at(relation).kind == 'r')
          tables.insert(seen.relations.at(relation).name);
      CHECK(tables == std::set<std::string>{kind.relation});
    } else if (wait.object.type == "relation") {
      CHECK(seen.relations.at(wait.object.relation).name == kind.relation);
    }
  }
}

void check_as_postgresql(const Observation& seen, const dev::Cluster& cluster) {
  const Edges edges = edges_of(seen);
  CHECK(without_names(edges) == blocking_pids(cluster));
  CHECK(edges == edges_in_psql(cluster));
}

// The root is resolved: all of its kind go on, and nobody else does.
void resolve_and_check(const dev::Cluster& cluster, std::vector<Waiting>& waiters) {
  for (const Kind& kind : kKinds) {
    INFO(kind.name);
    cluster.query((kind.commit ? "commit prepared '" : "rollback prepared '") + gid_of(kind) + "'",
                  "stock");
    for (const Waiting& each : waiters) {
      if (each.kind != &kind) continue;
      CHECK(each.session->finishes());
      CHECK(each.session->error().empty());
    }
    const bool others_wait = std::ranges::all_of(waiters, [&](const Waiting& each) {
      const bool later = each.kind > &kind;
      return !later || !each.session->finished();
    });
    CHECK(others_wait);
  }
}

// A session takes up to three locks, or fewer where it begins to wait. Weak ones first, so that
// later requests can overtake others in a queue.
bool waits_for_random_locks(const dev::Cluster& cluster, Session& session, std::mt19937& random) {
  constexpr const char* kModes[] = {
      "access share", "row share",           "row exclusive", "share update exclusive",
      "share",        "share row exclusive", "exclusive",     "access exclusive"};
  const std::string waiting =
      "select count(*) from pg_locks where not granted and pid = " + std::to_string(session.pid());
  session.run("begin");
  for (int step = 0; step < 3; ++step) {
    const std::size_t mode = random() % (step == 0 ? 3 : 8);
    session.send("lock table r" + std::to_string(random() % 4) + " in " + kModes[mode] + " mode");
    const bool settled =
        dev::poll_until([&] { return session.finished() || cluster.value(waiting) == "1"; }, 10s);
    REQUIRE(settled);
    if (!session.finished()) return true;
  }
  return false;
}

std::set<int> waiting_in(const Observation& seen) {
  std::set<int> found;
  for (const BlockingNode& node : seen.blocking.nodes)
    if (node.wait) found.insert(node.pid);
  return found;
}

}  // namespace

TEST_CASE("Every kind of waiting, before and after a crash, as PostgreSQL sees it") {
  dev::Cluster cluster(patient());
  cluster.install_participant("stock");
  cluster.query(kTables, "stock");
  Host host(cluster);
  prepare_branches(cluster);
  {
    const std::vector<Waiting> waiters = start_waiters(cluster);
    const Observation seen = observe(host);
    REQUIRE(seen.trouble.empty());
    check_as_postgresql(seen, cluster);
    check_tree(seen, waiters);
    check_places(seen, waiters);
  }
  cluster.crash();
  cluster.start();
  host.wait<DatabaseUp>();
  std::vector<Waiting> waiters = start_waiters(cluster);
  Observation seen;
  host.run_until([&] {
    seen = observe(host);
    return seen.trouble.empty();
  });
  check_as_postgresql(seen, cluster);
  check_tree(seen, waiters);
  check_places(seen, waiters);
  resolve_and_check(cluster, waiters);
}

TEST_CASE("Random sessions and branches in random modes: edge by edge as pg_blocking_pids") {
  dev::Cluster cluster(patient());
  cluster.install_participant("stock");
  for (int table = 0; table < 4; ++table)
    cluster.query("create table r" + std::to_string(table) + " (id int primary key)", "stock");
  Host host(cluster);
  std::mt19937 random(20261121);
  std::size_t compared = 0;
  for (int round = 0; round < 12; ++round) {
    INFO("round " << round);
    std::vector<std::unique_ptr<Session>> sessions;
    std::set<int> waiting;
    for (int i = 0; i < 14; ++i) {
      sessions.push_back(std::make_unique<Session>(cluster, "random"));
      Session& session = *sessions.back();
      if (waits_for_random_locks(cluster, session, random))
        waiting.insert(session.pid());
      else if (i < 3)
        session.run("prepare transaction 'r" + std::to_string(i) + "'");
    }
    const Observation seen = observe(host);
    REQUIRE(seen.trouble.empty());
    check_as_postgresql(seen, cluster);
    CHECK(waiting_in(seen) == waiting);
    compared += edges_of(seen).size();
    sessions.clear();
    for (const dev::Row& row : cluster.query("select gid from pg_prepared_xacts"))
      cluster.query("rollback prepared '" + row[0].value() + "'", "stock");
    // Their backends end one after the other.
    host.run_until([&] {
      return cluster.value(
                 "select count(*) from pg_stat_activity where application_name = "
                 "'random'") == "0";
    });
  }
  CHECK(compared > 200);
}

TEST_CASE("Other users' queries are hidden without the right, and it is said how to get it") {
  dev::Cluster cluster(patient());
  cluster.install_participant("stock");
  cluster.query("create table t_row (id int primary key, v int); insert into t_row values (7, 0)",
                "stock");
  cluster.query("revoke pg_read_all_stats from assent_participant");
  Host host(cluster);
  Session holder(cluster, "holder");
  holder.run("begin; update t_row set v = 1; prepare transaction 'x'");
  Session waiter(cluster, "shop");
  waiter.send("update t_row set v = 2");
  await_waiting(cluster, {waiter.pid()});

  Observation seen = observe(host);
  CHECK_FALSE(seen.sees_queries);
  CHECK(seen.keys.empty());  // the role may not read the table
  const auto session = [&]() -> const SessionRow& {
    return *std::ranges::find(seen.snapshot.sessions, waiter.pid(), &SessionRow::pid);
  };
  CHECK(session().hidden);
  CHECK(session().application == "shop");
  CHECK(edges_of(seen) == Edges{{waiter.pid(), "x"}});

  DatabaseOptions options;
  options.conninfo = cluster.participant_conninfo("stock");
  options.participant = "stock";
  const auto says_how = [&] {
    return std::ranges::any_of(check_database(options), [](const Finding& each) {
      return each.severity == Finding::Severity::warning &&
             each.remedy == "psql -c \"grant pg_read_all_stats to assent_participant\"";
    });
  };
  CHECK(says_how());

  cluster.install_participant("stock");  // again: it grants the right
  CHECK_FALSE(says_how());
  seen = observe(host);
  CHECK(seen.sees_queries);
  CHECK(session().query == "update t_row set v = 2");
}

TEST_CASE("A database that cannot be looked at says so, and is not empty") {
  dev::Cluster cluster(patient());
  cluster.install_participant("stock");
  Host host(cluster);
  cluster.query("create table t (id int); begin; insert into t values (1); prepare transaction 'y'",
                "stock");
  CHECK(observe(host).snapshot.prepared.size() == 1);
  cluster.stop();
  const Observation seen = observe(host);
  CHECK_FALSE(seen.trouble.empty());
}

TEST_CASE("On a standby nothing is seen, and that is never read as none") {
  dev::Cluster cluster(patient());
  cluster.install_participant("stock");
  cluster.query("create table t (id int); begin; insert into t values (1); prepare transaction 'y'",
                "stock");
  CHECK(cluster.value("select count(*) from assent.blocking", "stock") == "1");
  cluster.stop();
  const auto signal = cluster.folder() / "data" / "standby.signal";
  std::ofstream(signal).close();
  std::filesystem::permissions(signal, std::filesystem::perms::all);
  cluster.start();
  REQUIRE(cluster.value("select count(*) from pg_prepared_xacts") == "0");

  Host host(cluster, {}, false);
  host.database->start();
  CHECK(host.wait<DatabaseDown>().reason.find("standby") != std::string::npos);
  CHECK_FALSE(observe(host).trouble.empty());
  const auto refusal = [&](const std::string& view) {
    try {
      cluster.query("select * from " + view, "stock");
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  for (const char* view : {"assent.blocking", "assent.wait"})
    CHECK(refusal(view).find("this server is a standby") != std::string::npos);

  cluster.query("select pg_promote()");
  host.wait<DatabaseUp>();
  CHECK(observe(host).snapshot.prepared.size() == 1);
  CHECK(cluster.value("select count(*) from assent.blocking", "stock") == "1");
}

TEST_CASE("A table that is shut is not read, and the reader waits for nobody") {
  dev::Cluster cluster(patient());
  cluster.install_participant("stock");
  cluster.query(
      "create table t_row (id int primary key, v int); insert into t_row values (7, 0); "
      "grant select on t_row to assent_participant",
      "stock");
  Host host(cluster);
  Session holder(cluster, "holder");
  holder.run("begin; update t_row set v = 1; prepare transaction 'x'");
  Session waiter(cluster, "shop");
  waiter.send("update t_row set v = 2");
  await_waiting(cluster, {waiter.pid()});
  Session alter(cluster, "migration");
  alter.send("alter table t_row add column x int");
  await_waiting(cluster, {alter.pid()});

  const Observation seen = observe(host);
  CHECK(seen.trouble.empty());
  CHECK(seen.keys.empty());
  CHECK(edges_of(seen).size() == 3);  // both wait for x, and the migration for the waiter as well
  cluster.query("rollback prepared 'x'", "stock");
  CHECK(alter.finishes());
}
