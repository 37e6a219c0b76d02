#include "tests/lab/trend.hpp"

namespace assent::lab {

double Trend::growth() const {
  return begin > 0 ? (end - begin) / begin : end;
}

Trend trend_of(const std::vector<double>& readings) {
  const double count = static_cast<double>(readings.size());
  const double middle = (count - 1) / 2;
  double mean = 0;
  for (const double reading : readings) mean += reading / count;
  double together = 0;
  double apart = 0;
  double at = -middle;
  for (const double reading : readings) {
    together += at * (reading - mean);
    apart += at * at;
    ++at;
  }
  const double slope = apart > 0 ? together / apart : 0;
  return {mean - slope * middle, mean + slope * middle};
}

}  // namespace assent::lab
