#include "participant/postgres/check.hpp"

#include "tests/integration/postgres/harness.hpp"

using namespace assent;

namespace {

std::vector<Finding> check(dev::Cluster& cluster, const std::string& database,
                           const std::string& user = "assent_participant") {
  DatabaseOptions options;
  options.conninfo = cluster.conninfo(database, user);
  options.participant = "stock";
  return check_database(options);
}

bool has(const std::vector<Finding>& found, Finding::Severity severity, const std::string& text) {
  for (const Finding& finding : found) {
    UNSCOPED_INFO(finding.what << " -> " << finding.remedy);
    CHECK_FALSE(finding.remedy.empty());
    if (finding.severity == severity && finding.what.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a database that is fit has no findings, and the trial leaves nothing behind") {
  const auto found = check(shared_cluster(), "stock");
  for (const Finding& finding : found) UNSCOPED_INFO(finding.what);
  CHECK(found.empty());
  CHECK(shared_cluster().value("select count(*) from pg_prepared_xacts") == "0");
}

TEST_CASE("what is wrong with a database is found") {
  using enum Finding::Severity;
  CHECK(has(check(shared_cluster(), "no_such_database"), error, "cannot be reached"));
  CHECK(has(check(shared_cluster(), "postgres"), error, "schema assent is not installed"));
  CHECK(has(check(shared_cluster(), "stock", "postgres"), warning, "superuser"));
  shared_cluster().query("alter role assent_participant connection limit 5");
  CHECK(has(check(shared_cluster(), "stock"), error, "may open 5 connections"));
  shared_cluster().query("alter role assent_participant connection limit -1");
  shared_cluster().query("update assent.version set version = 99", "stock");
  CHECK(has(check(shared_cluster(), "stock"), error, "version 99"));
  shared_cluster().query("update assent.version set version = 3", "stock");
}

TEST_CASE("prepared transactions and standbys that hold things up are found") {
  using enum Finding::Severity;
  dev::Cluster cluster;
  cluster.query("create database stock");
  cluster.install_participant("stock");
  cluster.query("begin; create table t (n int); prepare transaction 'theirs'", "stock");
  cluster.query("begin; create table u (n int); prepare transaction 'assent1:x'", "stock");
  CHECK(check(cluster, "stock").empty());  // they are young
  DatabaseOptions options;
  options.conninfo = cluster.conninfo("stock", "assent_participant");
  options.participant = "stock";
  const auto old = check_database(options, {.foreign = {}, .doubt = {}});
  CHECK(has(old, warning, "1 prepared transactions of others are older than 0 s, as 'theirs'"));
  CHECK(has(old, warning, "1 branches have been prepared for more than 0 s"));
  cluster.set("synchronous_standby_names", "nobody");
  cluster.restart();
  CHECK(has(check(cluster, "stock"), error, "no synchronous standby is connected"));
}

TEST_CASE("what is wrong with a server is found") {
  using enum Finding::Severity;
  dev::Cluster cluster({.max_prepared_transactions = 0,
                        .max_connections = 20,
                        .durable = false,
                        .settings = {{"full_page_writes", "off"}}});
  cluster.query("create database stock");
  cluster.install_participant("stock");
  const auto found = check(cluster, "stock");
  CHECK(has(found, error, "max_prepared_transactions is 0"));
  CHECK(has(found, error, "max_connections leaves"));
  CHECK(has(found, error, "fsync is off"));
  CHECK(has(found, error, "full_page_writes is off"));
  CHECK(has(found, warning, "synchronous_commit is off"));
  cluster.set("max_prepared_transactions", "5");
  cluster.restart();
  CHECK(has(check(cluster, "stock"), warning, "max_prepared_transactions is 5"));
}
