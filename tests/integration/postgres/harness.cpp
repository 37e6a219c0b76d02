#include "tests/integration/postgres/harness.hpp"

#include <map>
#include <random>

#include <libpq-fe.h>

#include "protocol/assent.pb.h"

namespace assent {

using namespace std::chrono_literals;

namespace {

std::map<Gid, Xid>& voted() {
  static std::map<Gid, Xid> voted;
  return voted;
}

}  // namespace

dev::Cluster& shared_cluster() {
  static dev::Cluster cluster;
  static const bool ready = [] {
    cluster.query("create database stock");
    cluster.query("create database other");
    cluster.install_demo_bank("stock");
    cluster.install_participant("other");
    return true;
  }();
  REQUIRE(ready);
  return cluster;
}

Work work_of(std::vector<Sql> statements, const WorkOptions& options) {
  wire::Work work;
  work.set_isolation(options.isolation);
  work.set_read_only(options.read_only);
  work.set_lock_timeout_ms(options.lock_timeout_ms);
  work.set_max_result_bytes(options.max_result_bytes);
  for (const Sql& each : statements) {
    wire::Statement& statement = *work.add_statements();
    statement.set_sql(each.sql);
    if (each.expect_rows) statement.set_expect_rows(*each.expect_rows);
    for (const auto& param : each.params) {
      if (param)
        statement.add_params()->set_text(*param);
      else
        statement.add_params()->set_null(true);
    }
  }
  return {work.SerializeAsString()};
}

wire::Results decode(const Results& results) {
  wire::Results decoded;
  REQUIRE(decoded.ParseFromString(results.bytes));
  return decoded;
}

Gid new_gid(const std::string& participant) {
  static std::mt19937_64 random{std::random_device{}()};
  Gid gid;
  gid.epoch = 1;
  gid.participant = participant;
  for (auto& byte : gid.ledger.uuid.bytes) byte = 7;
  for (auto& byte : gid.tx.uuid.bytes) byte = static_cast<std::uint8_t>(random());
  return gid;
}

std::string owner_of(const dev::Cluster& cluster, const Gid& gid) {
  return cluster.value(
      "select coalesce(max(owner), 'nobody') from pg_prepared_xacts where gid = '" +
      to_string(gid) + "'");
}

Visitor::Visitor(const std::string& conninfo) : pg_(PQconnectdb(conninfo.c_str())) {
  if (PQstatus(pg_) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(pg_));
}
Visitor::~Visitor() {
  PQfinish(pg_);
}

std::string Visitor::run(const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(pg_, sql.c_str()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error(PQerrorMessage(pg_));
  return PQntuples(result.get()) == 0 ? "" : PQgetvalue(result.get(), 0, 0);
}

Host::Host(dev::Cluster& server, std::function<void(DatabaseOptions&)> change, bool start)
    : cluster(server) {
  DatabaseOptions options;
  options.conninfo = cluster.participant_conninfo("stock");
  options.participant = "stock";
  options.lanes = 2;
  options.finishers = 2;
  if (change) change(options);
  database = std::make_unique<Database>(
      io, options, [this](ParticipantEvent event) { events.push_back(std::move(event)); });
  if (!start) return;
  database->start();
  up = wait<DatabaseUp>();
}

Host::~Host() {
  database->stop();
  io.restart();
  io.run_for(2s);
}

void Host::run_until(const std::function<bool()>& condition, std::chrono::milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("what the test waits for did not happen in time");
    io.restart();
    io.run_one_for(5ms);
  }
}

PrepareDone Host::prepare(const Gid& gid, Work work, Duration time_left) {
  database->perform(PrepareBranch{gid, std::move(work), time_left});
  PrepareDone done = wait<PrepareDone>();
  if (const auto* yes = std::get_if<PrepareDone::Yes>(&done.result)) voted()[gid] = yes->xid;
  return done;
}
PrepareDone Host::prepare_open(const Gid& gid) {
  database->perform(PrepareBranch{gid, std::nullopt, Duration(10'000)});
  return wait<PrepareDone>();
}
WorkDone Host::run(const Gid& gid, Work work, Duration time_left) {
  database->perform(RunWork{gid, 1, std::move(work), time_left});
  return wait<WorkDone>();
}
FinishDone Host::finish(const Gid& gid, Outcome outcome, std::optional<Xid> xid) {
  const auto known = voted().find(gid);
  const Xid otherwise = known == voted().end() ? 17 : known->second;
  database->perform(FinishPrepared{gid, outcome, 40, xid.value_or(otherwise)});
  return wait<FinishDone>();
}
StatusRead Host::status(const Gid& gid, Xid xid, const ServerIdentity& server) {
  database->perform(ReadStatus{gid, xid, server});
  return wait<StatusRead>();
}

Problem problem_in(const PrepareDone& done) {
  if (const auto* no = std::get_if<PrepareDone::No>(&done.result)) return no->failure.problem;
  return Problem::none;
}
Problem problem_in(const WorkDone& done) {
  if (const auto* failure = std::get_if<Failure>(&done.result)) return failure->problem;
  return Problem::none;
}

MissingStandby::MissingStandby(dev::Cluster& cluster) : cluster_(cluster) {
  name("nobody");
}

MissingStandby::~MissingStandby() {
  name("");
}

void MissingStandby::name(const std::string& standby) {
  cluster_.query("alter system set synchronous_standby_names = '" + standby + "'");
  cluster_.query("select pg_reload_conf()");
  for (int i = 0; i < 1000 && cluster_.value("show synchronous_standby_names") != standby; ++i) {
  }
}

void MissingStandby::until_one_waits(Host& host) {
  host.run_until([&] {
    return cluster_.value("select count(*) from pg_stat_activity where wait_event = 'SyncRep'") ==
           "1";
  });
}

void MissingStandby::end_those_that_wait() {
  cluster_.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'");
}

}  // namespace assent
