#include "tests/bench/report.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <utility>

#include "tests/bench/processes.hpp"

namespace assent::bench {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.3f", value);
  return text;
}

std::string joined(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ", ") + number(value);
  return text;
}

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double ratio_of_turns(const std::vector<double>& of, const std::vector<double>& over) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < of.size(); ++i) ratios.push_back(of[i] / over[i]);
  return median(std::move(ratios));
}

void Report::add(Figure figure) {
  Line line{std::move(figure), load_average(), true};
  const Figure& shown = line.figure;
  if (shown.limit)
    line.met = std::all_of(shown.values.begin(), shown.values.end(),
                           [&](double value) { return value <= *shown.limit; });
  std::string asked = "-";
  if (shown.limit)
    asked = (line.met ? "met: " : "MISSED: ") + number(*shown.limit) + " " + shown.unit;
  std::printf("%-38s %-28s %-4s %-18s load %.1f  %s\n", shown.name.c_str(),
              joined(shown.values).c_str(), shown.unit.c_str(), asked.c_str(), line.load,
              shown.remark.c_str());
  std::fflush(stdout);
  lines_.push_back(std::move(line));
}

std::string Report::json() const {
  std::ostringstream out;
  out << "{";
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const auto& [figure, load, met] = lines_[i];
    out << (i == 0 ? "" : ",") << "\"" << figure.name << "\":{\"values\":[" << joined(figure.values)
        << "],\"unit\":\"" << figure.unit << "\"";
    if (figure.limit)
      out << ",\"limit\":" << number(*figure.limit) << ",\"met\":" << (met ? "true" : "false");
    out << ",\"load\":" << number(load) << "}";
  }
  out << "}";
  return out.str();
}

bool Report::all_met() const {
  return std::all_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.met; });
}

}  // namespace assent::bench
