#include <fstream>

#include "protocol/text.hpp"
#include "tests/integration/postgres/harness.hpp"

using namespace assent;
using namespace std::chrono_literals;
using Status = StatusRead::Status;

namespace {

const Sql debit{"update account set balance = balance - 1 where id = $1", {"31"}, 1};

Mark mark_of(std::uint8_t ledger, Epoch epoch, std::uint8_t life, Sequence sequence = 0) {
  Mark mark;
  mark.ledger.uuid.bytes.fill(ledger);
  mark.epoch = epoch;
  mark.life.bytes.fill(life);
  mark.sequence = sequence;
  return mark;
}

Mark raise(Host& host, const Mark& mark) {
  host.database->perform(RaiseMark{mark});
  return host.wait<MarkRaised>().mark;
}

JournalRead read(Host& host, const Gid& gid) {
  host.database->perform(ReadJournal{gid});
  return host.wait<JournalRead>();
}

}  // namespace

TEST_CASE("the commit log is the witness of a branch that is gone") {
  Host host(shared_cluster());
  const Gid gid = new_gid();
  const Xid xid = as<PrepareDone::Yes>(host.prepare(gid, work_of({debit}))).xid;
  CHECK(host.status(gid, xid, host.up.server).status == Status::in_progress);
  SECTION("committed by hand") {
    shared_cluster().query("commit prepared '" + to_string(gid) + "'", "stock");
    CHECK(host.finish(gid, Outcome::aborted).result == FinishDone::Result::no_such_gid);
    CHECK(host.status(gid, xid, host.up.server).status == Status::committed);
  }
  SECTION("rolled back by hand") {
    shared_cluster().query("rollback prepared '" + to_string(gid) + "'", "stock");
    CHECK(host.finish(gid, Outcome::committed).result == FinishDone::Result::no_such_gid);
    CHECK(host.status(gid, xid, host.up.server).status == Status::aborted);
  }
  SECTION("but not for another server, timeline or database, nor for a future or no xid") {
    ServerIdentity server = host.up.server;
    ++server.timeline;
    CHECK(host.status(gid, xid, server).status == Status::unknown);
    server = host.up.server;
    ++server.system_identifier;
    CHECK(host.status(gid, xid, server).status == Status::unknown);
    server = host.up.server;
    server.database = "other";
    CHECK(host.status(gid, xid, server).status == Status::unknown);
    CHECK(host.status(gid, xid + 1'000'000, host.up.server).status == Status::unknown);
    CHECK(host.status(gid, 0, host.up.server).status == Status::unknown);
    host.finish(gid, Outcome::aborted);
  }
}

TEST_CASE("only branches of this participant in this database are listed") {
  Host host(shared_cluster());
  dev::Cluster& cluster = shared_cluster();
  const Gid ours = new_gid(), others = new_gid("stock-2"), elsewhere = new_gid();
  const Xid xid = as<PrepareDone::Yes>(host.prepare(ours, work_of({debit}))).xid;
  const std::vector<std::string> foreign = {to_string(others), "assent1:stock",
                                            "0_YQ==_YQ==", to_string(new_gid()) + " "};
  for (const std::string& gid : foreign)
    cluster.query("begin; create table t" + std::to_string(&gid - foreign.data()) +
                      "(); prepare transaction '" + gid + "'",
                  "stock");
  cluster.query("begin; prepare transaction '" + to_string(elsewhere) + "'", "other");
  host.database->perform(ListPrepared{});
  const ListDone list = host.wait<ListDone>();
  REQUIRE(list.held.size() == 1);
  CHECK(list.held[0].gid == ours);
  CHECK(list.held[0].xid == xid);
  SECTION("and found at the next start") {
    host.database->stop();
    Host next(cluster);
    REQUIRE(next.up.held.size() == 1);
    CHECK(next.up.held[0].gid == ours);
  }
  for (const std::string& gid : foreign) cluster.query("rollback prepared '" + gid + "'", "stock");
  cluster.query("rollback prepared '" + to_string(elsewhere) + "'", "other");
  cluster.query("rollback prepared '" + to_string(ours) + "'", "stock");
}

TEST_CASE("a mark only rises, and another life at the same epoch does not take it") {
  Host host(shared_cluster());
  CHECK(raise(host, mark_of(1, 3, 1)) == mark_of(1, 3, 1));
  CHECK(raise(host, mark_of(1, 2, 2)) == mark_of(1, 3, 1));
  CHECK(raise(host, mark_of(1, 3, 2)) == mark_of(1, 3, 1));
  CHECK(raise(host, mark_of(1, 3, 1, 9)) == mark_of(1, 3, 1, 9));
  CHECK(raise(host, mark_of(1, 4, 3)) == mark_of(1, 4, 3, 9));
  CHECK(raise(host, mark_of(2, 1, 1)) == mark_of(2, 1, 1));
  host.database->stop();
  Host next(shared_cluster());
  CHECK(std::find(next.up.marks.begin(), next.up.marks.end(), mark_of(1, 4, 3, 9)) !=
        next.up.marks.end());
  shared_cluster().query("truncate assent.mark", "stock");
}

TEST_CASE("old outcomes go, however many there are and however often the connection is lost") {
  dev::Cluster& cluster = shared_cluster();
  cluster.query(
      "truncate assent.outcome;"
      "insert into assent.outcome (tx, participant, ledger, epoch, outcome, application,"
      " written_at) select gen_random_uuid(), 'stock', gen_random_uuid(), 1, 'committed', "
      "'applied',"
      " now() - interval '1 day' from generate_series(1, 25000)",
      "stock");
  Host host(cluster, [](DatabaseOptions& options) {
    options.outcome_retention = std::chrono::hours(1);
    options.trim_interval = 3s;  // more than any connection lives until there is something gone
  });
  Visitor visitor(cluster.conninfo("stock"));
  const auto left = [&] { return std::stoi(visitor.run("select count(*) from assent.outcome")); };
  const auto cut = [&] {
    visitor.run(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name like 'assent/stock/%/control'");
  };
  auto next_cut = std::chrono::steady_clock::now();
  host.run_until([&] {
    if (left() < 25'000) return true;
    if (std::chrono::steady_clock::now() < next_cut) return false;
    next_cut += 1500ms;
    cut();
    return false;
  });
  // The rest does not take two intervals: they are for when there is nothing more to delete.
  const auto since = std::chrono::steady_clock::now();
  host.run_until([&] { return left() == 0; });
  CHECK(std::chrono::steady_clock::now() - since < 5s);
}

TEST_CASE("the journal remembers how branches ended, and raises the mark's sequence") {
  Host host(shared_cluster());
  Gid committed = new_gid(), aborted = new_gid(), unproven = new_gid(), by_hand = new_gid();
  shared_cluster().query("truncate assent.outcome", "stock");
  raise(host, mark_of(7, 1, 1));  // new_gid()'s ledger
  const std::vector<JournalLine> lines = {
      {committed, Outcome::committed, Application::applied, 41},
      {aborted, Outcome::aborted, Application::proved, 0},
      {by_hand, Outcome::committed, Application::heuristic, 0},
      {unproven, Outcome::committed, Application::unproven, 40}};
  for (int i = 0; i < 2; ++i) {  // writing again changes nothing
    host.database->perform(WriteJournal{5, lines});
    const JournalWritten written = host.wait<JournalWritten>();
    CHECK(written.batch == 5);
    CHECK(written.ok);
  }
  CHECK(read(host, committed) == JournalRead{committed, Knowledge::committed, 41, true});
  CHECK(read(host, aborted) ==
        JournalRead{aborted, Knowledge::aborted, 0, true, Application::proved});
  // What happened was not what was decided: that must be told with it.
  CHECK(read(host, by_hand) ==
        JournalRead{by_hand, Knowledge::committed, 0, true, Application::heuristic});
  CHECK(read(host, unproven) == JournalRead{unproven, Knowledge::nothing, 0, true});
  CHECK(read(host, new_gid()).knowledge == Knowledge::nothing);
  CHECK(raise(host, mark_of(7, 1, 1)).sequence == 41);
  CHECK(shared_cluster().value("select count(*) from assent.outcome", "stock") == "4");
  shared_cluster().query("update assent.outcome set written_at = now() - interval '2 days'",
                         "stock");
  CHECK(shared_cluster().value("select assent.trim_outcomes('3 days', 10)", "stock") == "0");
  CHECK(shared_cluster().value("select assent.trim_outcomes('1 day', 1)", "stock") == "1");
  CHECK(shared_cluster().value("select assent.trim_outcomes('1 day', 10)", "stock") == "1");
  shared_cluster().query("truncate assent.mark, assent.outcome", "stock");
}

TEST_CASE("a commit has its line, though nobody was left to write how it ended") {
  Host host(shared_cluster());
  const Gid gid = new_gid();
  const Xid xid = as<PrepareDone::Yes>(host.prepare(gid, work_of({debit}))).xid;
  CHECK(host.finish(gid, Outcome::committed).result == FinishDone::Result::done);
  CHECK(read(host, gid) ==
        JournalRead{gid, Knowledge::committed, 40, true, Application::applied, true, xid});
  const std::string trim = "select assent.trim_outcomes('-1 day', 1000)";
  SECTION("what is known then is written over it") {
    host.database->perform(WriteJournal{1, {{gid, Outcome::aborted, Application::heuristic, 0}}});
    CHECK(host.wait<JournalWritten>().ok);
    CHECK(read(host, gid) ==
          JournalRead{gid, Knowledge::aborted, 40, true, Application::heuristic});
  }
  SECTION("it is trimmed, but not as long as its branch is prepared") {
    const Gid held = new_gid();
    as<PrepareDone::Yes>(host.prepare(held, work_of({debit})));
    shared_cluster().query("select assent.tell_commit('" + to_string(held.tx) + "', 'stock', '" +
                               to_string(held.ledger) + "', " + std::to_string(held.epoch) +
                               ", 41, 0)",
                           "stock");
    shared_cluster().query(trim, "stock");
    CHECK(read(host, gid).knowledge == Knowledge::nothing);
    CHECK(read(host, held).knowledge == Knowledge::committed);
    host.database->perform(ListPrepared{});
    CHECK(host.wait<ListDone>().told == std::vector<ToldCommit>{{held, 41}});
    host.database->stop();
    Host next(shared_cluster());  // it finds what its predecessor had been told
    CHECK(next.up.told == std::vector<ToldCommit>{{held, 41}});
    CHECK(next.finish(held, Outcome::committed).result == FinishDone::Result::done);
  }
  shared_cluster().query("truncate assent.outcome", "stock");
  shared_cluster().query("update account set balance = 1000 where id = 31", "stock");
}

TEST_CASE("an id in progress is somebody else's where the gid is not prepared") {
  Host host(shared_cluster());
  Visitor somebody(shared_cluster().participant_conninfo("stock"));
  somebody.run("begin");
  const Xid xid = std::stoull(somebody.run("select pg_current_xact_id()"));
  CHECK(host.status(new_gid(), xid, host.up.server).status == Status::unknown);
}

TEST_CASE("the participant's role reaches its tables through functions only") {
  Visitor role(shared_cluster().participant_conninfo("stock"));
  CHECK(role.run("select rolsuper from pg_roles where rolname = current_user") == "f");
  CHECK_THROWS(role.run("delete from assent.mark"));
  CHECK_THROWS(role.run("insert into assent.outcome default values"));
  CHECK_THROWS(role.run("update assent.version set version = 4"));
  CHECK(role.run("select assent.installed_version()") == "3");
}

TEST_CASE("a standby is not worked with; after its promotion the timeline is another") {
  dev::Cluster cluster;
  cluster.query("create database stock");
  cluster.install_demo_bank("stock");
  const Gid gid = new_gid();
  ServerIdentity before;
  Xid xid = 0;
  {
    Host host(cluster);
    before = host.up.server;
    xid = as<PrepareDone::Yes>(host.prepare(gid, work_of({debit}))).xid;
  }
  cluster.stop();
  const auto signal = cluster.folder() / "data" / "standby.signal";
  std::ofstream(signal).close();
  std::filesystem::permissions(signal, std::filesystem::perms::all);
  cluster.start();
  Host host(cluster, {}, false);
  host.database->start();
  CHECK(host.wait<DatabaseDown>().reason.find("standby") != std::string::npos);
  cluster.query("select pg_promote()");
  const DatabaseUp up = host.wait<DatabaseUp>();
  CHECK(up.server.system_identifier == before.system_identifier);
  CHECK(up.server.timeline == before.timeline + 1);
  REQUIRE(up.held.size() == 1);
  CHECK(up.held[0].gid == gid);
  CHECK(up.held[0].xid == xid);
  CHECK(up.next_xid > xid);
  CHECK(host.status(gid, xid, before).status == Status::unknown);
  CHECK(host.status(gid, xid, up.server).status == Status::in_progress);
  CHECK(host.finish(gid, Outcome::committed).result == FinishDone::Result::done);
}
