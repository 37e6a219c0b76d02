#include "participant/postgres/conninfo.hpp"

#include "tests/support/catch.hpp"

using namespace assent;
using Catch::Matchers::Contains;

TEST_CASE("clients' statements connect where the participant does, as somebody else") {
  const auto made = statements_conninfo(
      "host=/run/pg port=5433 dbname=shop user=assent "
      "password=secret sslmode=require",
      "user=shop_clients passfile=/etc/assent/pass");
  CHECK(made.role == "shop_clients");
  CHECK(made.conninfo ==
        "dbname='shop' host='/run/pg' passfile='/etc/assent/pass' port='5433' "
        "sslmode='require' user='shop_clients'");
  CHECK(statements_conninfo("postgresql://me@a:5433/shop", "user=you").conninfo ==
        "dbname='shop' host='a' port='5433' user='you'");
}

TEST_CASE("a value goes through as it is") {
  const auto made = statements_conninfo("dbname=shop", "user='o\\'k' password='a b\\\\c'");
  CHECK(made.role == "o'k");
  CHECK(made.conninfo == "dbname='shop' password='a b\\\\c' user='o\\'k'");
}

TEST_CASE("what is not for the role of clients' statements is refused by name") {
  for (const char* keyword : {"host", "hostaddr", "port", "dbname", "options", "service"})
    CHECK_THROWS_WITH(
        statements_conninfo("dbname=shop", "user=a " + std::string(keyword) + "=5433"),
        Contains(std::string(keyword) + " is not for it"));
  CHECK_THROWS_WITH(statements_conninfo("dbname=shop", "passfile=/x"), Contains("names no user"));
  CHECK_THROWS_WITH(statements_conninfo("dbname=shop", "user="), Contains("names no user"));
  CHECK_THROWS_WITH(statements_conninfo("dbname=shop", "secret"),
                    Contains("no libpq connection string") && !Contains("secret"));
  CHECK_THROWS_WITH(statements_conninfo("secret", "user=a"),
                    Contains("database is no libpq") && !Contains("secret"));
}
