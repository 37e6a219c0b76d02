// Whether something grows: a straight line through readings taken at equal distances of time. Two
// readings alone say little where each is off by chance.
#pragma once

#include <vector>

namespace assent::lab {

struct Trend {
  double begin = 0;  // where the line is at the first reading …
  double end = 0;    // … and at the last
  // What it rises meanwhile, as a part of where it begins; from nothing: where it ends.
  double growth() const;
};

// By least squares. At least one reading.
Trend trend_of(const std::vector<double>& readings);

}  // namespace assent::lab
