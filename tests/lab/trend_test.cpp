// A campaign that judges growth must see a leak, and must not see one in chance.
#include "tests/lab/trend.hpp"

#include <cmath>

#include "tests/support/catch.hpp"

using namespace assent::lab;

namespace {

bool near(double one, double other) {
  return std::abs(one - other) < 1e-9;
}

}  // namespace

TEST_CASE("a trend: what is steady does not grow, whatever single readings say") {
  CHECK(near(trend_of({7}).growth(), 0));
  CHECK(near(trend_of({0, 0, 0}).growth(), 0));
  CHECK(near(trend_of({100, 100, 100, 100}).growth(), 0));
  CHECK(trend_of({100, 112, 90, 100, 111, 89, 101, 100}).growth() < 0.05);
}

TEST_CASE("a trend: a leak is seen, also among chance, and from nothing") {
  const Trend leak = trend_of({100, 101, 102, 103, 104, 105, 106});
  CHECK(near(leak.begin, 100));
  CHECK(near(leak.end, 106));
  CHECK(near(leak.growth(), 0.06));
  CHECK(trend_of({100, 99, 105, 101, 107, 103, 110}).growth() > 0.05);
  CHECK(trend_of({106, 104, 102, 100}).growth() < 0);
  CHECK(trend_of({0, 0, 0, 1}).growth() > 0.05);
}
