#include "participant/postgres/check.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include <libpq-fe.h>
#include <poll.h>

#include "participant/postgres/session.hpp"
#include "participant/postgres/sql_guard.hpp"

namespace assent {
namespace {

using Facts = std::map<std::string, std::string>;

struct Close {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using ConnectionHandle = std::unique_ptr<PGconn, Close>;
using ResultHandle = std::unique_ptr<PGresult, Close>;

// Also true of a server without our schema: nothing here may fail for want of it.
constexpr const char* facts_sql = R"sql(
select current_setting('server_version_num') as version,
  current_setting('server_version') as version_text,
  current_setting('max_prepared_transactions') as slots,
  (select count(*) from pg_prepared_xacts) as slots_taken,
  current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int as connections,
  (select rolconnlimit from pg_roles where rolname = current_user) as role_connections,
  current_setting('fsync') as fsync,
  current_setting('synchronous_commit') as synchronous_commit,
  current_setting('full_page_writes') as full_page_writes,
  pg_is_in_recovery() as standby,
  (select rolsuper from pg_roles where rolname = current_user) as superuser,
  pg_has_role('pg_read_all_stats', 'usage') as sees_queries,
  coalesce(pg_has_role(to_regrole('assent_branch')::oid, 'member'), false) as acts_for_branches,
  current_setting('synchronous_standby_names') as wants_standbys,
  (select count(*) from pg_stat_replication where sync_state in ('sync', 'quorum')) as standbys,
  (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms,
  current_user as role, current_database() as database,
  coalesce(to_regprocedure('assent.installed_version()')::text, '') as schema,
  coalesce(has_schema_privilege((select oid from pg_namespace where nspname = 'assent'), 'usage'),
           false) as usage
)sql";

// Of each question: a server that is silent must not hold up whoever checks.
constexpr std::chrono::seconds kAnswerLimit{10};
constexpr std::int64_t kClockDifferenceMs = 1000;

// Null where no answer comes in time; then nothing more can be asked over this connection.
ResultHandle query(PGconn* connection, const char* sql) {
  const auto deadline = std::chrono::steady_clock::now() + kAnswerLimit;
  ResultHandle last;
  if (PQsendQuery(connection, sql) != 1) return nullptr;
  for (;;) {
    while (PQisBusy(connection) == 1) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return nullptr;
      pollfd wait{PQsocket(connection), POLLIN, 0};
      if (::poll(&wait, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) return nullptr;
      if (PQconsumeInput(connection) != 1) return nullptr;
    }
    ResultHandle next(PQgetResult(connection));
    if (!next) return last;
    last = std::move(next);
  }
}

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string one_line(std::string text) {
  if (text.empty()) return "no answer came in time.";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text)
    if (c == '\n' || c == '\t') c = ' ';
  return text;
}

// The primary where there is one; a lone standby is a finding, with a better message than libpq's.
ConnectionHandle connect(const std::string& conninfo, std::chrono::milliseconds limit) {
  const std::string timeout = std::to_string(std::max<long>(2, (limit.count() + 999) / 1000));
  const std::array keywords = {"connect_timeout", "target_session_attrs", "dbname",
                               "application_name", static_cast<const char*>(nullptr)};
  ConnectionHandle connection;
  for (const char* const wanted : {"primary", "any"}) {
    const std::array values = {timeout.c_str(), wanted, conninfo.c_str(),
                               "assent-participant check", static_cast<const char*>(nullptr)};
    connection.reset(PQconnectdbParams(keywords.data(), values.data(), 1));
    if (PQstatus(connection.get()) == CONNECTION_OK) break;
  }
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  return connection;
}

bool read_facts(PGconn* connection, const std::string& sql, Facts& facts, Findings& found) {
  const ResultHandle result = query(connection, sql.c_str());
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
    found.push_back(
        {Finding::Severity::error,
         "The server's settings cannot be read: " + one_line(PQerrorMessage(connection)),
         "Check that the server is PostgreSQL 14 or later."});
    return false;
  }
  for (int i = 0; i < PQnfields(result.get()); ++i)
    facts[PQfname(result.get(), i)] = PQgetvalue(result.get(), 0, i);
  return true;
}

void check_server(const Facts& facts, const DatabaseOptions& options, Findings& found) {
  using enum Finding::Severity;
  if (std::stoi(facts.at("version")) < 140000)
    found.push_back({error, "PostgreSQL " + facts.at("version_text") + " is too old.",
                     "Upgrade to PostgreSQL 14 or later."});
  if (facts.at("standby") == "t")
    found.push_back({error, "The server is a standby: branches can be prepared on a primary only.",
                     "Name the primary in the connection string; several hosts may be given."});

  const std::size_t slots = std::stoul(facts.at("slots"));
  const std::size_t wanted = 2 * (options.lanes + options.sessions);
  const std::string raise =
      "psql -d " + facts.at("database") + " -c \"alter system set max_prepared_transactions = " +
      std::to_string(std::max<std::size_t>(200, wanted)) + "\", then restart PostgreSQL.";
  if (slots == 0)
    found.push_back({error, "max_prepared_transactions is 0: no branch can be prepared.", raise});
  else if (slots < wanted)
    found.push_back({warning,
                     "max_prepared_transactions is " + std::to_string(slots) + ", but " +
                         std::to_string(wanted) +
                         " are wanted: two for each connection that prepares.",
                     raise});
  if (slots != 0 && std::stoul(facts.at("slots_taken")) >= slots)
    found.push_back({warning, "All slots for prepared transactions are taken.",
                     "End those in doubt (select * from pg_prepared_xacts), or: " + raise});
}

void check_durability(const Facts& facts, Findings& found) {
  using enum Finding::Severity;
  const auto want_on = [&](const char* setting, const char* why) {
    if (facts.at(setting) == "off")
      found.push_back({error, std::string(setting) + " is off: " + why,
                       "psql -c \"alter system reset " + std::string(setting) +
                           "\" -c \"select pg_reload_conf()\""});
  };
  want_on("fsync", "a crash can lose prepared and committed branches.");
  want_on("full_page_writes", "a crash can damage the database.");
  if (facts.at("synchronous_commit") == "off")
    found.push_back(
        {warning,
         "synchronous_commit is off: branches are durable all the same, but other transactions of "
         "this role are not.",
         "psql -c \"alter system reset synchronous_commit\" -c \"select pg_reload_conf()\""});
}

void check_standbys(const Facts& facts, Findings& found) {
  // Who may not see the standbys sees none.
  if (facts.at("sees_queries") != "t") return;
  if (facts.at("wants_standbys").empty() || facts.at("standbys") != "0") return;
  found.push_back({Finding::Severity::error,
                   "synchronous_standby_names is '" + facts.at("wants_standbys") +
                       "', and no synchronous standby is connected.",
                   "Start the standby, or, knowing what you give up: psql -c \"alter system reset "
                   "synchronous_standby_names\" -c \"select pg_reload_conf()\"",
                   "Every vote and every commit waits for one, for ever."});
}

// Those that have been prepared for so long.
std::string prepared_sql(const PreparedAges& ages) {
  const auto older = [](std::chrono::seconds age) {
    return "prepared <= clock_timestamp() - interval '" + std::to_string(age.count()) + " s'";
  };
  const std::string foreign =
      " filter (where gid not like 'assent1:%' and gid not like "
      "'assent-check:%' and " +
      older(ages.foreign) + ")";
  const std::string ours = " and database = current_database() and " + older(ages.doubt) + ")";
  return "select count(*)" + foreign + " as foreign_old, coalesce(min(gid)" + foreign +
         ", '') as foreign_gid, count(*) filter (where gid like 'assent1:%'" + ours +
         " as doubts, count(*) filter (where gid like 'assent-check:%'" + ours +
         " as trials from pg_prepared_xacts";
}

void check_prepared(PGconn* connection, const PreparedAges& ages, Findings& found) {
  using enum Finding::Severity;
  Facts facts;
  if (!read_facts(connection, prepared_sql(ages), facts, found)) return;
  const auto age = [](std::chrono::seconds limit) { return std::to_string(limit.count()) + " s"; };
  if (facts.at("foreign_old") != "0")
    found.push_back({warning,
                     facts.at("foreign_old") + " prepared transactions of others are older than " +
                         age(ages.foreign) + ", as '" + facts.at("foreign_gid") + "'.",
                     "They are their owner's to end: select gid, prepared, owner, database from "
                     "pg_prepared_xacts",
                     "They take slots, hold locks, and keep vacuum from its work."});
  if (facts.at("doubts") != "0")
    found.push_back(
        {warning,
         facts.at("doubts") + " branches have been prepared for more than " + age(ages.doubt) + ".",
         "assent blocking names what each waits for. Do not end them by hand.",
         "They hold their locks until the decision reaches them."});
  if (facts.at("trials") != "0")
    found.push_back({warning,
                     facts.at("trials") + " trial transactions of an earlier check are left.",
                     "rollback prepared 'assent-check:…', as in pg_prepared_xacts",
                     "They take slots, and keep vacuum from its work."});
}

void check_clock(const Facts& facts, std::int64_t before_ms, std::int64_t after_ms,
                 Findings& found) {
  const std::int64_t now = std::stoll(facts.at("now_ms"));
  const std::int64_t apart = now < before_ms ? before_ms - now : now - after_ms;
  if (apart < kClockDifferenceMs) return;
  found.push_back({Finding::Severity::warning,
                   "The clocks of the database's machine and of this one differ by " +
                       std::to_string(apart) + " ms.",
                   "Run a time service (chrony, ntpd, systemd-timesyncd) on both.",
                   "Ages and timelines are shown wrongly."});
}

void check_connections(const std::string& role, long limit, std::size_t needed, Findings& found) {
  if (limit >= 0 && static_cast<std::size_t>(limit) < needed)
    found.push_back({Finding::Severity::error,
                     "The role " + role + " may open " + std::to_string(limit) +
                         " connections, but " + std::to_string(needed) + " are needed.",
                     "psql -c \"alter role " + role + " connection limit -1\""});
}

void check_role(const Facts& facts, const DatabaseOptions& options, Findings& found) {
  using enum Finding::Severity;
  const std::string& role = facts.at("role");
  if (facts.at("superuser") == "t")
    found.push_back({warning,
                     "The role " + role + " is a superuser" +
                         (options.statements_role.empty() ? ": so is every statement of a client."
                                                          : ", which it needs for nothing."),
                     "Use a plain role: sql/participant.sql makes one."});
  if (facts.at("sees_queries") != "t")
    found.push_back({warning,
                     "The role " + role +
                         " may not see other users' queries: what sessions do that wait for a "
                         "branch in doubt stays hidden.",
                     "psql -c \"grant pg_read_all_stats to " + role + "\""});
  if (facts.at("acts_for_branches") != "t" && !facts.at("schema").empty())
    found.push_back({warning,
                     "The role " + role +
                         " is not a member of assent_branch: branches of external transactions, "
                         "which applications prepare in that role, cannot be ended.",
                     "psql -d " + facts.at("database") + " -v role=" + role +
                         " -f sql/participant.sql, as a superuser"});
  const std::size_t needed = options.lanes + options.sessions + options.finishers + 2;
  if (std::stoul(facts.at("connections")) < needed)
    found.push_back(
        {error,
         "max_connections leaves " + facts.at("connections") + " connections, but " +
             std::to_string(needed) + " are needed.",
         "psql -c \"alter system set max_connections = " + std::to_string(needed + 100) +
             "\", then restart PostgreSQL, or configure fewer lanes and sessions."});
  const std::size_t apart = options.statements_role.empty() ? 0 : options.lanes + options.sessions;
  check_connections(role, std::stol(facts.at("role_connections")), needed - apart, found);
}

void check_schema(PGconn* connection, const Facts& facts, Findings& found) {
  using enum Finding::Severity;
  const std::string install = "psql -d " + facts.at("database") + " -v role=" + facts.at("role") +
                              " -f sql/participant.sql, as a superuser";
  if (facts.at("usage") != "t" || facts.at("schema").empty()) {
    found.push_back({error,
                     "The schema assent is not installed in the database " + facts.at("database") +
                         ", or the role " + facts.at("role") + " may not use it.",
                     install});
    return;
  }
  const ResultHandle result = query(connection, "select assent.installed_version()");
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
    found.push_back({error,
                     "The schema assent cannot be used: " + one_line(PQerrorMessage(connection)),
                     install});
    return;
  }
  const std::string version = PQgetvalue(result.get(), 0, 0);
  if (version != std::to_string(kSchemaVersion))
    found.push_back({error,
                     "The schema assent has version " + version + "; this program needs " +
                         std::to_string(kSchemaVersion) + ".",
                     install});
}

// What keeps the role of clients' statements from being apart; none: it is.
std::optional<Finding> find_overlap(const Facts& seen, const std::string& role, const Facts& own) {
  const std::string& participant = own.at("role");
  const std::string of = "The role " + role + " of clients' statements ";
  const auto wrong = [](std::string what, std::string remedy) {
    return Finding{Finding::Severity::error, std::move(what), std::move(remedy)};
  };
  if (role == participant)
    return wrong("statements names the participant's own role, " + role +
                     ": nothing is kept from clients by it.",
                 "Name another role, or leave statements empty.");
  if (seen.at("superuser") == "t")
    return wrong(of + "is a superuser.", "psql -c \"alter role " + role + " nosuperuser\"");
  if (seen.at("is_participant") == "t")
    return wrong(of + "may act as " + participant + ", and so write outcomes.",
                 "psql -c \"revoke " + participant + " from " + role + "\"");
  if (seen.at("usage") == "t")
    return wrong(
        of + "may use the schema assent, and so write outcomes.",
        "psql -d " + own.at("database") + " -c \"revoke all on schema assent from " + role + "\"");
  return std::nullopt;
}

// The role of clients' statements, where it is another one: that it may not do what it is kept
// apart from, and that this participant may end what it prepares.
ConnectionHandle check_statements(PGconn* own, const Facts& facts, const DatabaseOptions& options,
                                  Findings& found) {
  using enum Finding::Severity;
  const std::string& role = options.statements_role;
  const std::string& participant = facts.at("role");
  ConnectionHandle connection = connect(options.statements_conninfo, options.connect_timeout);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    found.push_back({error,
                     "Clients' statements cannot connect as " + role + ": " +
                         one_line(PQerrorMessage(connection.get())),
                     "Check statements and pg_hba.conf. To make the role: psql -d " +
                         facts.at("database") + " -v role=" + participant + " -v clients=" + role +
                         " -f sql/participant.sql, as a superuser"});
    return connection;
  }
  Facts seen;
  const std::string sql =
      "select rolsuper as superuser, rolconnlimit as connections, pg_has_role(" +
      quote_literal(participant) +
      ", 'member') as is_participant, "
      "coalesce(has_schema_privilege((select oid from pg_namespace where "
      "nspname = 'assent'), 'usage'), false) as usage "
      "from pg_roles where rolname = current_user";
  if (!read_facts(connection.get(), sql, seen, found)) return connection;
  if (auto overlap = find_overlap(seen, role, facts)) found.push_back(std::move(*overlap));
  check_connections(role, std::stol(seen.at("connections")), options.lanes + options.sessions,
                    found);
  const ResultHandle assumed = query(own, ("set role " + quote_identifier(role)).c_str());
  const bool may_end = PQresultStatus(assumed.get()) == PGRES_COMMAND_OK;
  query(own, "reset role");
  Facts rights;
  if (!read_facts(own, "select pg_has_role(" + quote_literal(role) + ", 'usage') as inherits",
                  rights, found))
    return connection;
  if (!may_end || rights.at("inherits") != "t")
    found.push_back({error,
                     "The role " + participant + " may not act as " + role +
                         ": it could not end the branches, or the sessions, of clients' "
                         "statements.",
                     "psql -c \"grant " + role + " to " + participant + "\" -c \"alter role " +
                         participant + " inherit\""});
  return connection;
}

// A short trial: what the settings promise, done. `preparing` is where clients' statements run.
void try_prepare(PGconn* ending, PGconn* preparing, const DatabaseOptions& options,
                 Findings& found) {
  const std::string gid =
      "assent-check:" + options.participant + ":" + std::to_string(PQbackendPID(preparing));
  const std::string prepare = "prepare transaction " + quote_literal(gid);
  const std::string undo = "rollback prepared " + quote_literal(gid);
  // Not to wait for a standby, with a branch left behind if that never comes.
  for (PGconn* const each : {preparing, ending}) query(each, "set synchronous_commit = local");
  query(preparing, "begin");
  query(preparing, "select pg_catalog.pg_current_xact_id()");
  const ResultHandle prepared = query(preparing, prepare.c_str());
  if (!prepared || std::string(PQcmdStatus(prepared.get())) != "PREPARE TRANSACTION") {
    found.push_back({Finding::Severity::error,
                     "A trial PREPARE TRANSACTION failed: " + one_line(PQerrorMessage(preparing)),
                     "See the server's log."});
    return;
  }
  if (ending != preparing)
    query(ending, ("set role " + quote_identifier(options.statements_role)).c_str());
  const ResultHandle undone = query(ending, undo.c_str());
  if (PQresultStatus(undone.get()) != PGRES_COMMAND_OK)
    found.push_back({Finding::Severity::error,
                     "A trial ROLLBACK PREPARED failed: " + one_line(PQerrorMessage(ending)),
                     undo});
}

}  // namespace

Findings check_database(const DatabaseOptions& options, const PreparedAges& ages) {
  Findings found;
  const ConnectionHandle connection = connect(options.conninfo, options.connect_timeout);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    found.push_back(
        {Finding::Severity::error,
         "The database cannot be reached: " + one_line(PQerrorMessage(connection.get())),
         "Check the connection string, pg_hba.conf and that PostgreSQL runs."});
    return found;
  }
  Facts facts;
  const std::int64_t before_ms = wall_ms();
  if (!read_facts(connection.get(), facts_sql, facts, found)) return found;
  check_clock(facts, before_ms, wall_ms(), found);
  check_server(facts, options, found);
  check_durability(facts, found);
  check_standbys(facts, found);
  check_prepared(connection.get(), ages, found);
  check_role(facts, options, found);
  check_schema(connection.get(), facts, found);
  ConnectionHandle statements;
  if (!options.statements_role.empty())
    statements = check_statements(connection.get(), facts, options, found);
  if (found.empty())
    try_prepare(connection.get(), statements ? statements.get() : connection.get(), options, found);
  return found;
}

}  // namespace assent
