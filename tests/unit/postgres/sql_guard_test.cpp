#include "participant/postgres/sql_guard.hpp"

#include "tests/support/catch.hpp"

using namespace assent;
using namespace std::string_literals;

TEST_CASE("statements that a branch may run") {
  const auto sql = GENERATE(
      as<std::string>{}, "select 1", "SELECT 1;", "select 1 ; ; ", "-- begin\nselect 1",
      "/* commit /* nested */ */ update t set a = 1", "(select 1) union (select 2)",
      "with x as (select 1) select * from x", "insert into t values ('commit; rollback')",
      "select $$ ; commit $$", "select $a$ ; $$ ; $a$, $1", "select 'it''s; ' || e'\\'; commit'",
      "select a$b$c from t where a$b$c = 1",
      "merge into t using s on true "
      "when matched then delete",
      "do $$ begin perform 1; end $$", "set local work_mem = '1MB'",
      "set constraints all immediate", "select pg_advisory_xact_lock(1)",
      "select 'pg_advisory_lock(1)'", "select set_config('app.user', $1, true)", "lock table t",
      "create function f() returns int begin atomic select 1; select 2; end",
      "select \"begin\" from t", "select 1 as assent", "call p()");
  INFO(sql);
  CHECK_FALSE(refuse_sql(sql).has_value());
}

TEST_CASE("statements that end, replace or subdivide the transaction are refused") {
  const auto sql = GENERATE(
      as<std::string>{}, "begin", "BEGIN", "start transaction", "commit", "Commit and chain", "end",
      "abort", "rollback", "rollback to a", "savepoint a", "release a", "prepare transaction 'x'",
      "commit prepared 'x'", "rollback prepared 'x'", "  \t\r\n\fcommit", "/* hi */commit",
      "/* a /* b */ c */ commit", "-- x\ncommit", "-- x\rcommit", "(commit)",
      "\xEF\xBB\xBF"
      "commit",
      "\xC2\xA0"
      "commit",
      "/**/--\n/**/commit/**/");
  INFO(sql);
  const auto refusal = refuse_sql(sql);
  REQUIRE(refusal);
  CHECK_FALSE(refusal->empty());
}

TEST_CASE("statements that leave something behind in the session are refused") {
  const auto sql = GENERATE(
      as<std::string>{}, "set search_path = x", "set session work_mem = 1", "SET ROLE x",
      "set local role x", "set local session authorization x", "set session authorization x",
      "set session characteristics as transaction read only", "set transaction read only",
      "set local session_authorization = x", "reset all", "discard all", "load 'x'", "listen a",
      "unlisten a", "notify a", "copy t to program 'x'", "copy t from stdin",
      "declare c cursor with hold for select 1", "fetch c", "close c", "prepare p as select 1",
      "execute p", "deallocate all", "select pg_advisory_lock(1)",
      "select pg_catalog.pg_try_advisory_lock_shared(1)", "select \"pg_advisory_lock\"(1)",
      "select U&\"\\0070g_advisory_lock\"(1)", "select set_config('role', 'x', true)",
      "select set_config('ROLE', 'x', true)", "select set_config($1, 'x', true)",
      "select pg_catalog.set_config('rol' || 'e', 'x', true)", "delete from assent.mark",
      "select \"assent\" . raise_mark()", "vacuum", "checkpoint");
  INFO(sql);
  CHECK(refuse_sql(sql).has_value());
}

TEST_CASE("what is not one statement is refused") {
  const auto sql =
      GENERATE(as<std::string>{}, "", " ", ";", "-- only a comment", "/* open", "/* /* */ select 1",
               "select 'open", "select \"open", "select $a$ open $$", "select 1; select 2",
               "select 1; commit", "select e'\\'; commit", "select '\\'; commit -- '", "123",
               "'text'", "$1", "select 1\0"s);
  INFO(sql);
  CHECK(refuse_sql(sql).has_value());
}

TEST_CASE("a string that goes on in a later line is read by the rules it began with") {
  // To PostgreSQL the text ends before the lock; read as a new string it would end behind it.
  CHECK(refuse_sql("select e'a'\n'\\'' || pg_advisory_lock(1) --'").has_value());
  CHECK(refuse_sql("select e'a' -- b'\n\n '\\''; commit --'").has_value());
  CHECK(refuse_sql("select set_config('ro'\n'le', 'x', true)").has_value());
  CHECK_FALSE(refuse_sql("select e'a'\n'\\'; commit --'").has_value());
  CHECK_FALSE(refuse_sql("select 'a' -- '\n  'b' from t").has_value());
}

TEST_CASE("a dollar after a number begins a string") {
  CHECK(refuse_sql("select 1$$ '$$, pg_advisory_lock(1) --'").has_value());
  CHECK_FALSE(refuse_sql("select 1$$ ; commit $$").has_value());
}

TEST_CASE("how later statements are read is not for a statement to change") {
  CHECK(refuse_sql("set local standard_conforming_strings = off").has_value());
  CHECK(refuse_sql("set local \"client_encoding\" = 'SJIS'").has_value());
  CHECK(refuse_sql("set local names 'SJIS'").has_value());
  CHECK(refuse_sql("select set_config('Standard_Conforming_Strings', 'off', true)").has_value());
}

TEST_CASE("a refusal names the statement and the remedy") {
  CHECK(refuse_sql("commit")->find("COMMIT") != std::string::npos);
  CHECK(refuse_sql("commit")->find("API") != std::string::npos);
  CHECK(refuse_sql("set x = 1")->find("SET LOCAL") != std::string::npos);
  CHECK(refuse_sql("select pg_advisory_lock(1)")->find("pg_advisory_xact_lock") !=
        std::string::npos);
  CHECK(refuse_sql("prepare p as select 1")->find("prepared statements") != std::string::npos);
}

TEST_CASE("command tags of transaction control") {
  for (const char* tag : {"BEGIN", "COMMIT", "ROLLBACK", "PREPARE TRANSACTION", "SAVEPOINT"})
    CHECK(is_transaction_control(tag));
  for (const char* tag : {"SELECT", "INSERT", "SET", "PREPARE", ""})
    CHECK_FALSE(is_transaction_control(tag));
}

TEST_CASE("gids are quoted as literals") {
  CHECK(quote_literal("assent1:a") == "'assent1:a'");
  CHECK(quote_literal("it's") == "'it''s'");
  CHECK(quote_literal("a\\'b") == " E'a\\\\''b'");
}
