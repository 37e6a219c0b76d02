// What was measured: a table for people as it comes, one JSON object for programs at the end.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace assent::bench {

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
