// Branches that an application prepares in its own role: found, and ended, by a plain participant.
#include "tests/integration/postgres/harness.hpp"

using namespace assent;

namespace {

constexpr const char* kWork = "update account set balance = balance - 1 where id = 22";

// A server with an application beside the participant, each with a plain role of its own.
struct Shop {
  Shop() {
    cluster.query("create database stock");
    cluster.query("create database warehouse");
    cluster.install_demo_bank("stock");
    cluster.query("create role shop_app login");
    cluster.query("create role stranger login");
    cluster.query("grant assent_branch to shop_app");
    cluster.query("grant all on account to shop_app, stranger", "stock");
    cluster.query("grant create on schema public to shop_app", "stock");
  }
  std::string conninfo(const std::string& user, const std::string& database = "stock") {
    return cluster.conninfo(database, user);
  }
  std::string balance() {
    return cluster.value("select balance from account where id = 22", "stock");
  }
  dev::Cluster cluster;
};

Shop& shop() {
  static Shop shop;
  return shop;
}

void prepare(Visitor& visitor, const Gid& gid, bool as_branch = true, const char* work = kWork) {
  visitor.run("begin");
  visitor.run(work);
  visitor.run("set constraints all immediate");
  if (as_branch) visitor.run("set local role assent_branch");
  visitor.run("prepare transaction '" + to_string(gid) + "'");
}

Verified verify(Host& host, const Gid& gid) {
  host.database->perform(VerifyPrepared{gid, 3, {"stock", "orders"}});
  return host.wait<Verified>();
}

Xid found(const Verified& verified) {
  if (const auto* failure = std::get_if<Failure>(&verified.result)) {
    FAIL(failure->message);
  }
  return std::get<Xid>(verified.result);
}

Failure refused(const Verified& verified) {
  REQUIRE(std::holds_alternative<Failure>(verified.result));
  return std::get<Failure>(verified.result);
}

bool says(const Failure& failure, const std::string& what) {
  UNSCOPED_INFO(failure.message);
  return failure.message.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE(
    "a branch prepared in the role assent_branch is found, and ended by a plain participant") {
  Host host(shop().cluster);
  Visitor application(shop().conninfo("shop_app"));
  const Outcome outcome = GENERATE(Outcome::committed, Outcome::aborted);
  const std::string before = shop().balance();
  const Gid gid = new_gid();
  prepare(application, gid);
  CHECK(owner_of(shop().cluster, gid) == "assent_branch");
  CHECK(application.run("select current_user") == "shop_app");  // its session has its role back
  const Verified verified = verify(host, gid);
  CHECK(verified.gid == gid);
  CHECK(verified.ask == 3);
  CHECK(verified.peers == std::vector<std::string>{"stock", "orders"});
  const Xid xid = found(verified);
  CHECK(host.status(gid, xid, host.up.server).status == StatusRead::Status::in_progress);
  const FinishDone done = host.finish(gid, outcome, xid);
  INFO(done.message);
  CHECK(done.result == FinishDone::Result::done);
  CHECK(host.status(gid, xid, host.up.server).status == (outcome == Outcome::committed
                                                             ? StatusRead::Status::committed
                                                             : StatusRead::Status::aborted));
  CHECK((shop().balance() == before) == (outcome == Outcome::aborted));
  // The next branch on that connection is the participant's own, and is ended in its own role.
  for (int i = 0; i < 3; ++i) {
    const Gid own = new_gid();
    as<PrepareDone::Yes>(host.prepare(own, work_of({{kWork}})));
    CHECK(owner_of(shop().cluster, own) == "assent_participant");
    CHECK(host.finish(own, Outcome::aborted).result == FinishDone::Result::done);
  }
}

TEST_CASE("who has prepared it is found out, also by a process that has never looked") {
  Visitor application(shop().conninfo("shop_app"));
  const Gid gid = new_gid(), later = new_gid();
  prepare(application, gid);
  Host host(shop().cluster);
  REQUIRE(host.up.held.size() == 1);
  CHECK(host.finish(gid, Outcome::committed, host.up.held[0].xid).result ==
        FinishDone::Result::done);
  // Prepared since, and neither listed nor verified: PostgreSQL's refusal leads to its owner.
  prepare(application, later);
  CHECK(host.finish(later, Outcome::committed, 0).result == FinishDone::Result::done);
  CHECK(shop().cluster.value("select count(*) from assent.outcome where tx in ('" +
                                 to_string(gid.tx) + "', '" + to_string(later.tx) +
                                 "') and application = 'told'",
                             "stock") == "2");
}

TEST_CASE("what is prepared once more under a gid is not committed for what had voted") {
  Host host(shop().cluster);
  Visitor application(shop().conninfo("shop_app"));
  const Gid gid = new_gid();
  prepare(application, gid);
  const Xid voted = found(verify(host, gid));
  CHECK(host.finish(gid, Outcome::committed, voted).result == FinishDone::Result::done);
  // The reply is lost, say, and the application does its work once more.
  prepare(application, gid);
  CHECK(host.finish(gid, Outcome::committed, voted).result == FinishDone::Result::no_such_gid);
  CHECK(owner_of(shop().cluster, gid) == "assent_branch");  // still there, and nothing else is
  CHECK(host.status(gid, voted, host.up.server).status == StatusRead::Status::committed);
  CHECK(host.finish(gid, Outcome::aborted).result == FinishDone::Result::done);
}

TEST_CASE("a commit that had no answer looks again, also in the participant's own role") {
  Host host(shop().cluster);
  Visitor application(shop().conninfo("assent_participant"));
  const std::string before = shop().balance();
  const Gid gid = new_gid();
  // Of one that this process prepared itself, nothing but the lost reply says that it must look.
  const bool is_own = GENERATE(false, true);
  if (!is_own) prepare(application, gid, false);
  const Xid voted = is_own ? as<PrepareDone::Yes>(host.prepare(gid, work_of({{kWork}}))).xid
                           : found(verify(host, gid));
  {
    MissingStandby standby(shop().cluster);
    host.database->perform(FinishPrepared{gid, Outcome::committed, 1, voted});
    standby.until_one_waits(host);
    standby.end_those_that_wait();
  }
  CHECK(host.wait<FinishDone>().result == FinishDone::Result::again);
  prepare(application, gid, false);
  CHECK(owner_of(shop().cluster, gid) == "assent_participant");
  CHECK(host.finish(gid, Outcome::committed, voted).result == FinishDone::Result::no_such_gid);
  CHECK(host.status(gid, voted, host.up.server).status == StatusRead::Status::committed);
  CHECK(host.finish(gid, Outcome::aborted).result == FinishDone::Result::done);
  CHECK(std::stoi(shop().balance()) == std::stoi(before) - 1);
}

TEST_CASE("of commits that go together, only what voted is committed") {
  Host host(shop().cluster);
  Visitor application(shop().conninfo("assent_participant"));
  std::vector<std::pair<Gid, Xid>> branches;
  for (int i = 0; i < 3; ++i) {
    const Gid gid = new_gid();
    prepare(application, gid, false, "select pg_current_xact_id()");
    branches.emplace_back(gid, found(verify(host, gid)));
  }
  application.run("rollback prepared '" + to_string(branches[1].first) + "'");
  prepare(application, branches[1].first, false, "select pg_current_xact_id()");
  for (const auto& [gid, xid] : branches)
    host.database->perform(FinishPrepared{gid, Outcome::committed, 1, xid});
  std::map<Gid, FinishDone::Result> results;
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const FinishDone done = host.wait<FinishDone>();
    results[done.gid] = done.result;
  }
  CHECK(results[branches[0].first] == FinishDone::Result::done);
  CHECK(results[branches[1].first] == FinishDone::Result::no_such_gid);
  CHECK(results[branches[2].first] == FinishDone::Result::done);
  CHECK(owner_of(shop().cluster, branches[1].first) == "assent_participant");
  CHECK(host.finish(branches[1].first, Outcome::aborted).result == FinishDone::Result::done);
}

TEST_CASE("what is not prepared here, or not to be ended by this role, is no yes") {
  Host host(shop().cluster);
  const Gid gid = new_gid();
  SECTION("nothing") {
    const Failure failure = refused(verify(host, gid));
    CHECK(failure.problem == Problem::branch_not_prepared);
    CHECK(says(failure, "Nothing is prepared"));
  }
  SECTION("in a transaction that has failed, PREPARE says nothing of it") {
    Visitor application(shop().conninfo("shop_app"));
    application.run("begin");
    CHECK_THROWS(application.run("select 1 / 0"));
    application.run("prepare transaction '" + to_string(gid) + "'");
    CHECK(refused(verify(host, gid)).problem == Problem::branch_not_prepared);
  }
  SECTION("in another database of the server") {
    Visitor application(shop().conninfo("shop_app", "warehouse"));
    prepare(application, gid, true, "select 1");
    const Failure failure = refused(verify(host, gid));
    CHECK(failure.problem == Problem::branch_not_prepared);
    CHECK(says(failure, "in the database warehouse of this server, not in stock"));
    Visitor(shop().conninfo("postgres", "warehouse"))
        .run("rollback prepared '" + to_string(gid) + "'");
  }
  SECTION("in a role that the participant may not act for, until it may") {
    Visitor application(shop().conninfo("stranger"));
    prepare(application, gid, false);
    const Failure failure = refused(verify(host, gid));
    CHECK(failure.problem == Problem::branch_not_prepared);
    CHECK(says(failure, "by the role stranger"));
    CHECK(says(failure, "grant stranger to assent_participant"));
    const FinishDone denied = host.finish(gid, Outcome::aborted);
    CHECK(denied.result == FinishDone::Result::denied);
    CHECK(denied.message.find("42501") != std::string::npos);
    shop().cluster.query("grant stranger to assent_participant");
    CHECK(found(verify(host, gid)) != 0);
    CHECK(host.finish(gid, Outcome::aborted).result == FinishDone::Result::done);
    shop().cluster.query("revoke stranger from assent_participant");
  }
}

TEST_CASE("deferred constraints speak before the branch is prepared") {
  Host host(shop().cluster);
  Visitor application(shop().conninfo("shop_app"));
  application.run("create table once (id int unique deferrable initially deferred)");
  application.run("begin");
  application.run("insert into once values (1), (1)");
  CHECK_THROWS(application.run("set constraints all immediate"));
  application.run("rollback");
  application.run("drop table once");
}
