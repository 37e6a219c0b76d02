// assent-figures [restart] [in-doubt] [memory] [transfers]: measures what docs/PERFORMANCE.md
// states. Exit status 0: everything asked for was met; 1: something was missed; 2: it could not be
// measured.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/measures.hpp"

namespace {

using namespace assent::bench;

const std::vector<std::pair<std::string, void (*)(Report&)>> kMeasures = {
    {"restart", measure_restart},
    {"in-doubt", measure_in_doubt},
    {"memory", measure_memory},
    {"transfers", measure_transfers}};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  for (const std::string& name : wanted)
    if (std::none_of(kMeasures.begin(), kMeasures.end(),
                     [&](const auto& each) { return each.first == name; })) {
      std::fprintf(stderr, "usage: assent-figures [restart] [in-doubt] [memory] [transfers]\n");
      return 2;
    }
  Report report;
  try {
    for (const auto& [name, measure] : kMeasures)
      if (wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end())
        measure(report);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "assent-figures: %s\n", error.what());
    return 2;
  }
  std::printf("%s\n", report.json().c_str());
  return report.all_met() ? 0 : 1;
}
