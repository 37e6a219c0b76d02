// Clients' statements in a role of their own, which may not touch what Assent keeps.
#include <algorithm>
#include <set>

#include "participant/postgres/check.hpp"
#include "participant/postgres/conninfo.hpp"
#include "tests/integration/postgres/harness.hpp"

using namespace assent;
using Result = FinishDone::Result;

namespace {

// A server where shop_clients is the role of clients' statements.
struct Shop {
  Shop() {
    cluster.query("create role shop_clients login");
    cluster.query("create database stock");
    cluster.install_demo_bank("stock");
    cluster.query("grant shop_clients to assent_participant");
    cluster.query("grant all on account to shop_clients", "stock");
    cluster.query("grant create on schema public to shop_clients", "stock");
  }
  std::string balances() {
    return cluster.value("select sum(balance)::text from account", "stock");
  }
  dev::Cluster cluster;
};

Shop& shop() {
  static Shop shop;
  return shop;
}

void apart(DatabaseOptions& options) {
  auto statements = statements_conninfo(options.conninfo, "user=shop_clients");
  options.statements_conninfo = std::move(statements.conninfo);
  options.statements_role = std::move(statements.role);
}

Work debit(int account) {
  return work_of(
      {{"update account set balance = balance - 1 where id = $1", {std::to_string(account)}, 1}});
}

std::string told(const std::vector<Gid>& gids) {
  std::string txs;
  for (const Gid& gid : gids) txs += (txs.empty() ? "'" : ", '") + to_string(gid.tx) + "'";
  return shop().cluster.value(
      "select count(*) from assent.outcome where tx in (" + txs + ") and application = 'told'",
      "stock");
}

Findings check(const std::string& differing, const std::string& user = "assent_participant") {
  DatabaseOptions options;
  options.conninfo = shop().cluster.conninfo("stock", user);
  options.participant = "stock";
  auto statements = statements_conninfo(options.conninfo, differing);
  options.statements_conninfo = std::move(statements.conninfo);
  options.statements_role = std::move(statements.role);
  return check_database(options);
}

bool has(const Findings& found, const std::string& what) {
  for (const Finding& finding : found) UNSCOPED_INFO(finding.what << " -> " << finding.remedy);
  return std::any_of(found.begin(), found.end(), [&](const Finding& each) {
    return each.severity == Finding::Severity::error && each.what.find(what) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("what clients' statements prepare is theirs, and the participant ends it") {
  Host host(shop().cluster, apart);
  const Outcome outcome = GENERATE(Outcome::committed, Outcome::aborted);
  const bool interactive = GENERATE(false, true);
  const std::string before = shop().balances();
  for (int i = 0; i < 3; ++i) {  // the next branch on the finisher's connection, too
    const Gid gid = new_gid();
    if (interactive) host.run(gid, debit(1));
    as<PrepareDone::Yes>(interactive ? host.prepare_open(gid) : host.prepare(gid, debit(1)));
    CHECK(owner_of(shop().cluster, gid) == "shop_clients");
    CHECK(host.finish(gid, outcome).result == Result::done);
    CHECK(owner_of(shop().cluster, gid) == "nobody");
    CHECK(told({gid}) == (outcome == Outcome::committed ? "1" : "0"));
  }
  CHECK((shop().balances() == before) == (outcome == Outcome::aborted));
}

TEST_CASE("several commits of theirs go together, beside one that is the participant's own") {
  const Gid own = new_gid(), first = new_gid(), second = new_gid(), listed = new_gid();
  {
    Host before(shop().cluster);  // as it was configured until now
    as<PrepareDone::Yes>(before.prepare(own, debit(1)));
    CHECK(owner_of(shop().cluster, own) == "assent_participant");
    Host meanwhile(shop().cluster, apart, false);
    before.database->stop();
    meanwhile.database->start();
    meanwhile.wait<DatabaseUp>();
    as<PrepareDone::Yes>(meanwhile.prepare(listed, debit(4)));
  }
  Host host(shop().cluster, apart);
  as<PrepareDone::Yes>(host.prepare(first, debit(2)));
  as<PrepareDone::Yes>(host.prepare(second, debit(3)));
  REQUIRE(host.up.held.size() == 2);
  std::map<Gid, Xid> xids;
  for (const HeldBranch& held : host.up.held) xids[held.gid] = held.xid;
  for (const Gid& gid : {own, first, second, listed})
    host.database->perform(FinishPrepared{gid, Outcome::committed, 7, xids[gid]});
  for (int i = 0; i < 4; ++i) {
    const FinishDone done = host.wait<FinishDone>();
    INFO(done.message);
    CHECK(done.result == Result::done);
  }
  CHECK(told({own, first, second, listed}) == "4");
  // The connections have their role back.
  const Gid later = new_gid();
  as<PrepareDone::Yes>(host.prepare(later, debit(1)));
  CHECK(host.finish(later, Outcome::committed).result == Result::done);
}

TEST_CASE("a branch whose role was not known is ended in the one that prepared it") {
  Gid gid = new_gid();
  Host host(shop().cluster, apart);
  {
    // Prepared by this participant's own role since it looked: only PostgreSQL knows.
    Visitor visitor(shop().cluster.conninfo("stock", "assent_participant"));
    visitor.run("begin");
    visitor.run("select assent.marks()");
    visitor.run("select pg_current_xact_id()");
    visitor.run("prepare transaction '" + to_string(gid) + "'");
  }
  const FinishDone done = host.finish(gid, Outcome::aborted, 0);
  INFO(done.message);
  CHECK(done.result == Result::done);
}

TEST_CASE("clients' statements reach nothing of what Assent keeps") {
  Host host(shop().cluster, apart);
  // What is put together where it runs cannot be read before it is sent.
  const std::string forged =
      GENERATE("select as' || 'sent.raise_mark(gen_random_uuid(), 99, gen_random_uuid(), 0)",
               "select as' || 'sent.tell_commit(gen_random_uuid(), ''stock'', gen_random_uuid(), "
               "1, 1, 1)",
               "select as' || 'sent.write_outcomes(''{}'', ''{}'', ''{}'', ''{}'', ''{}'', ''{}'', "
               "''{}'')",
               "insert into as' || 'sent.outcome (tx) values (gen_random_uuid())",
               "delete from as' || 'sent.mark", "set ro' || 'le assent_participant");
  const Gid gid = new_gid();
  const PrepareDone done =
      host.prepare(gid, work_of({{"do $$ begin execute '" + forged + "'; end $$"}}));
  REQUIRE(std::holds_alternative<PrepareDone::No>(done.result));
  const Failure& failure = std::get<PrepareDone::No>(done.result).failure;
  INFO(failure.message);
  CHECK(failure.sqlstate == "42501");
  CHECK(owner_of(shop().cluster, gid) == "nobody");
}

TEST_CASE("their functions do not stand in for PostgreSQL's, in either role") {
  auto& cluster = shop().cluster;
  const std::vector<std::string> shadows = {
      "create function public.pg_current_xact_id() returns xid8 language sql as $$select "
      "'77'::xid8$$",
      "create function public.pg_current_xact_id_if_assigned() returns xid8 language sql as "
      "$$select null::xid8$$",
      "create function public.format(text, name, name) returns text language sql as $$select "
      "'shadowed'::text$$"};
  Visitor client(cluster.conninfo("stock", "shop_clients"));
  for (const std::string& shadow : shadows) client.run(shadow);
  client.run("alter role shop_clients set search_path = public, pg_catalog");
  {
    Host host(cluster, apart);
    const bool interactive = GENERATE(false, true);
    const Gid gid = new_gid();
    if (interactive) host.run(gid, debit(1));
    const auto prepared = interactive ? host.prepare_open(gid) : host.prepare(gid, debit(1));
    CHECK(as<PrepareDone::Yes>(prepared).xid != 77);
    CHECK(host.finish(gid, Outcome::aborted).result == Result::done);
    // What nobody here may end: the message is composed in the participant's role.
    const Gid strange = new_gid();
    cluster.query(
        "begin; select pg_current_xact_id(); prepare transaction '" + to_string(strange) + "'",
        "stock");
    const FinishDone denied = host.finish(strange, Outcome::aborted, 0);
    CHECK(denied.result == Result::denied);
    CHECK(denied.message.find("grant postgres to assent_participant") != std::string::npos);
    cluster.query("rollback prepared '" + to_string(strange) + "'", "stock");
  }
  client.run("alter role shop_clients reset search_path");
  for (const char* each :
       {"pg_current_xact_id()", "pg_current_xact_id_if_assigned()", "format(text, name, name)"})
    client.run("drop function public." + std::string(each));
}

// Statements that are kept prepared have names, which a function can give to others.
TEST_CASE("what they put in the place of kept statements decides nothing") {
  auto& cluster = shop().cluster;
  Host host(cluster, [](DatabaseOptions& options) {
    apart(options);
    options.lanes = 1;
  });
  const bool read_only = GENERATE(false, true);
  const std::string tamper =
      "do $$ declare each record; begin for each in select name from pg_prepared_statements loop "
      "execute 'deallocate ' || quote_ident(each.name); "
      "execute 'prepare ' || quote_ident(each.name) || case each.name when 'assent_begin' "
      "then '(text, text) as select ''77''::xid8, ''x'', ''x'', ''x''' "
      "when 'assent_open' then '(text, text) as select ''x'', ''x'', ''x''' "
      "else ' as select 1' end; end loop; end $$";
  for (int i = 0; i < 2; ++i) {
    const Gid gid = new_gid();
    as<PrepareDone::Yes>(host.prepare(gid, debit(1)));
    host.finish(gid, Outcome::aborted);
  }
  const Gid last = new_gid();
  as<PrepareDone::Yes>(host.prepare(last, work_of({{tamper}})));
  host.finish(last, Outcome::aborted);
  const std::string before = shop().balances();
  const Gid gid = new_gid();
  const auto prepared =
      host.prepare(gid, work_of({{"update account set balance = balance - 3 where id = 2"}},
                                {.isolation = {}, .read_only = read_only}));
  if (read_only) {
    REQUIRE(std::holds_alternative<PrepareDone::No>(prepared.result));
    CHECK(std::get<PrepareDone::No>(prepared.result).failure.sqlstate == "25006");
  } else {
    const Xid xid = as<PrepareDone::Yes>(prepared).xid;
    CHECK(cluster.value("select transaction from pg_prepared_xacts where gid = '" + to_string(gid) +
                        "'") == std::to_string(xid));
    CHECK(shop().balances() == before);
    CHECK(host.finish(gid, Outcome::aborted).result == Result::done);
  }
  CHECK(shop().balances() == before);
}

TEST_CASE("a successor ends its predecessor's sessions in both roles") {
  auto& cluster = shop().cluster;
  const auto sessions = [&cluster] {
    const auto rows = cluster.query(
        "select pid from pg_stat_activity where usename = 'shop_clients' and application_name "
        "like 'assent/stock/%'");
    std::set<std::string> pids;
    for (const auto& row : rows) pids.insert(row.at(0).value_or(""));
    return pids;
  };
  Host first(cluster, apart);
  const Gid gid = new_gid();
  first.run(gid, debit(1));
  const auto before = sessions();
  REQUIRE(before.size() >= 1);
  first.database->stop();
  // A lane of the predecessor that lives on.
  Visitor left(cluster.conninfo("stock", "shop_clients"));
  left.run("set application_name = 'assent/stock/gone/lane'");
  const std::string pid = left.run("select pg_backend_pid()");
  Host second(cluster, apart);
  CHECK_FALSE(sessions().contains(pid));
}

TEST_CASE("the check sees whether the role of clients' statements is apart") {
  auto& cluster = shop().cluster;
  CHECK(check("user=shop_clients").empty());
  CHECK(cluster.value("select count(*) from pg_prepared_xacts") == "0");
  CHECK(has(check("user=nobody_such"), "cannot connect as nobody_such"));
  CHECK(has(check("user=assent_participant"), "participant's own role"));

  cluster.query("grant usage on schema assent to shop_clients", "stock");
  CHECK(has(check("user=shop_clients"), "may use the schema assent"));
  cluster.query("revoke usage on schema assent from shop_clients", "stock");

  cluster.query("revoke shop_clients from assent_participant");
  CHECK(has(check("user=shop_clients"), "may not act as shop_clients"));
  cluster.query("grant assent_participant to shop_clients");
  CHECK(has(check("user=shop_clients"), "may act as assent_participant"));
  cluster.query("revoke assent_participant from shop_clients");
  cluster.query("grant shop_clients to assent_participant");

  cluster.query("alter role assent_participant noinherit");
  CHECK(has(check("user=shop_clients"), "may not act as shop_clients"));
  cluster.query("alter role assent_participant inherit");

  cluster.query("alter role shop_clients connection limit 39");
  CHECK(has(check("user=shop_clients"), "may open 39 connections, but 40 are needed"));
  cluster.query("alter role shop_clients connection limit -1 superuser");
  CHECK(has(check("user=shop_clients"), "is a superuser"));
  cluster.query("alter role shop_clients nosuperuser");
}

TEST_CASE("the script makes the role of clients' statements, also where everything else is there") {
  dev::Cluster cluster({.name = "made"});
  cluster.query("create database stock");
  cluster.install_participant("stock");
  cluster.install_participant("stock", "shop_clients");
  CHECK(cluster.value("select pg_has_role('assent_participant', 'shop_clients', 'member') and "
                      "not pg_has_role('shop_clients', 'assent_participant', 'member') and not "
                      "has_schema_privilege('shop_clients', 'assent', 'usage') and rolcanlogin "
                      "from pg_roles where rolname = 'shop_clients'",
                      "stock") == "t");
}
