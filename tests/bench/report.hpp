// What was measured: a table for people as it comes, one JSON object for programs at the end.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace assent::bench {

double median(std::vector<double> values);
// Each beside what was measured in its own turn, then the median of these: whatever else wants the
// machine comes and goes, and was there for both.
double ratio_of_turns(const std::vector<double>& of, const std::vector<double>& over);

struct Figure {
  std::string name;             // "restart-100mb"
  std::vector<double> values;   // one for each repetition
  std::string unit;             // "s", "MiB", "1/s", "ms", "us"
  std::optional<double> limit;  // what is asked for, where something is: values stay below it
  std::string remark;           // exactly what was measured, where the name does not say it
};

class Report {
 public:
  // Prints it, beside the machine's load average of the last minute.
  void add(Figure figure);
  // One JSON object, on one line.
  std::string json() const;
  bool all_met() const;

 private:
  struct Line {
    Figure figure;
    double load = 0;
    bool met = true;
  };
  std::vector<Line> lines_;
};

}  // namespace assent::bench
