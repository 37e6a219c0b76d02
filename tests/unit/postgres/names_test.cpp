#include "participant/postgres/control.hpp"
#include "participant/postgres/session.hpp"
#include "tests/support/catch.hpp"

using namespace assent;

TEST_CASE("an application name fits PostgreSQL's 63 bytes and belongs to one participant") {
  CHECK(application_prefix("stock") == "assent/stock/");
  const std::string one = application_prefix(std::string(62, 'a') + "b");
  const std::string other = application_prefix(std::string(62, 'a') + "c");
  CHECK(one != other);
  CHECK((one + "01234567/finisher").size() <= 63);
  CHECK((application_prefix(std::string(38, 'a')) + "01234567/finisher").size() <= 63);
  CHECK_FALSE(application_prefix("stock").starts_with(application_prefix("sto")));
}

TEST_CASE("the advisory lock's key is the same in every version") {
  CHECK(advisory_key("stock") == advisory_key("stock"));
  CHECK(advisory_key("stock") != advisory_key("orders"));
}

TEST_CASE("the low half of an xid is widened by what is current") {
  CHECK(widen_xid(700, 750) == 700);
  CHECK(widen_xid(750, 750) == 750);
  CHECK(widen_xid(760, 750) == 760);  // begun, while later ones have not ended
  CHECK(widen_xid(0xFFFFFFF0u, 0x300000010u) == 0x2FFFFFFF0u);
  CHECK(widen_xid(0x10u, 0x2FFFFFFF0u) == 0x300000010u);
}
