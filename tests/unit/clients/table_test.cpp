#include "clients/cli/table.hpp"

#include <cstdlib>
#include <sstream>

#include "tests/support/catch.hpp"

using namespace assent::cli;

namespace {

struct Paper {
  std::istringstream in;
  std::ostringstream out;
  Terminal plain{in, out, out, false};
  Terminal coloured{in, out, out, true};
};

}  // namespace

TEST_CASE("columns are as wide as their widest character count") {
  Table table({{"NAME"}, {"N", true}, {"LAST"}});
  table.add({"é", "7", ""});
  table.add({"longer", "1000", "x"});
  table.add({"short"});
  CHECK(table.text(Paper().plain) ==
        "NAME       N  LAST\n"
        "é          7\n"
        "longer  1000  x\n"
        "short\n");
}

TEST_CASE("colour does not change the alignment, and is absent where not wanted") {
  Table table({{"A"}, {"B"}});
  table.add({{"x", Colour::red}, "y"});
  CHECK(table.text(Paper().coloured, " ") ==
        " \x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n \x1b[31mx\x1b[0m  y\n");
  CHECK(table.text(Paper().plain, " ") == " A  B\n x  y\n");
}

TEST_CASE("text from a database cannot drive the terminal") {
  CHECK(printable("a\x1b[2Jb\r\n\t\x7f") == "a\\x1b[2Jb\\x0d\\n\\t\\x7f");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\x9b31m");
  CHECK(printable("größe €") == "größe €");
  Table table({{"A"}});
  table.add({"x\ny"});
  CHECK(table.text(Paper().plain) == "A\nx\\ny\n");
}

TEST_CASE("no colour without a terminal") {
  CHECK_FALSE(wants_colour(-1));
}
