#include "tests/simulation/shrink.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/simulation/plants.hpp"

namespace assent::simulation {
namespace {

class Shrinker {
 public:
  Shrinker(const ScheduleOptions& options, const ScheduleReport& report)
      : best_{options, report, 0}, invariant_(report.first().invariant) {}

  Shrunk run() {
    for (bool shorter = true; shorter;) {
      shorter = fewer_faults();
      shorter = fewer_transactions() || shorter;
      shorter = fewer_participants() || shorter;
    }
    return best_;
  }

 private:
  // True: this one fails in the same way, and is the best so far.
  bool try_one(const ScheduleOptions& options) {
    ++best_.tried;
    ScheduleReport report = Schedule(options).run();
    if (!report.failed() || report.first().invariant != invariant_) return false;
    best_.options = options;
    best_.report = std::move(report);
    return true;
  }

  // Delta debugging: half of them, then quarters, down to one by one.
  bool fewer_faults() {
    bool any = false;
    for (std::size_t chunk = std::max<std::size_t>(kept().size() / 2, 1); chunk > 0; chunk /= 2)
      for (std::size_t from = 0; from < kept().size();) {
        const std::vector<unsigned> all = kept();
        ScheduleOptions options = best_.options;
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(from);
        const auto size = std::min(chunk, all.size() - from);
        options.without_faults.insert(begin, begin + static_cast<std::ptrdiff_t>(size));
        if (try_one(options))
          any = true;
        else
          from += chunk;
      }
    return any;
  }

  std::vector<unsigned> kept() const {
    std::vector<unsigned> numbers;
    for (unsigned number = 1; number <= best_.report.fault_kinds.size(); ++number)
      if (!best_.options.without_faults.count(number)) numbers.push_back(number);
    return numbers;
  }

  bool fewer_transactions() {
    ScheduleOptions options = best_.options;
    for (unsigned step = 1; step < best_.report.jobs; step *= 2) {
      options.transactions = step;
      if (!try_one(options)) continue;
      while (step > 1) {  // … and from there one by one
        options.transactions = --step;
        if (!try_one(options)) break;
      }
      return true;
    }
    options.transactions = best_.report.jobs - 1;
    return best_.report.jobs > 1 && try_one(options);
  }

  bool fewer_participants() {
    ScheduleOptions options = best_.options;
    for (unsigned few = 1; few < best_.report.participants; ++few) {
      options.participants = few;
      if (try_one(options)) return true;
    }
    return false;
  }

  Shrunk best_;
  std::string invariant_;
};

}  // namespace

Shrunk shrink(const ScheduleOptions& options, const ScheduleReport& report) {
  return Shrinker(options, report).run();
}

std::string arguments(const ScheduleOptions& options) {
  std::string text = "--replay " + std::to_string(options.seed);
  for (const PlantInfo& each : all_plants())
    if (each.plant == options.plant) text += " --plant " + std::string(each.name);
  const char* before = " --without-faults ";
  for (const unsigned number : options.without_faults) {
    text += before + std::to_string(number);
    before = ",";
  }
  if (options.transactions) text += " --transactions " + std::to_string(*options.transactions);
  if (options.participants) text += " --participants " + std::to_string(*options.participants);
  return text;
}

}  // namespace assent::simulation
