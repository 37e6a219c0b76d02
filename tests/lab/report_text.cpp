#include <algorithm>
#include <cstdio>
#include <ostream>
#include <utility>

#include "tests/lab/report.hpp"

namespace assent::lab {
namespace {

constexpr const char* kReset = "\x1b[0m";

const char* colour_of(MarkKind kind) {
  switch (kind) {
    case MarkKind::fault:
    case MarkKind::death:
      return "\x1b[33m";
    case MarkKind::failure:
      return "\x1b[31m";
    case MarkKind::check:
      return "\x1b[32m";
    case MarkKind::message:
      return "\x1b[2m";
    default:
      return "";
  }
}

std::string at(double ms) {
  char text[32];
  std::snprintf(text, sizeof text, "%8.3f s", ms / 1000);
  return text;
}

}  // namespace

void print_run(std::ostream& out, const ScenarioRun& run, bool colour) {
  out << run.scenario.name << ": " << run.scenario.title << '\n';
  for (const std::string& sentence : run.scenario.watch) out << "  " << sentence << '\n';
  const double begin = run.timeline->begin_ms();
  for (const Mark& mark : run.timeline->marks()) {
    const char* paint = colour ? colour_of(mark.kind) : "";
    std::string lane = mark.lane;
    lane.resize(std::max<std::size_t>(lane.size(), 12), ' ');
    out << at(mark.at_ms - begin) << "  " << lane << " " << paint << mark.text
        << (*paint ? kReset : "") << '\n';
  }
  bool any = false;
  for (const Span& span : run.timeline->spans()) {
    if (span.kind == SpanKind::sync) continue;
    if (!std::exchange(any, true)) out << "  What lasted:\n";
    char length[32];
    std::snprintf(length, sizeof length, "%.0f ms", span.to_ms - span.from_ms);
    const bool named = span.kind == SpanKind::in_doubt;
    out << at(std::max(0.0, span.from_ms - begin)) << "  " << span.lane << ": " << span.text
        << (named ? " in doubt for " : " for ") << length << '\n';
  }
  if (!run.ok()) out << run.scenario.name << ":" << run.failed_line << ": " << run.failure << '\n';
  out << (run.ok() ? "as expected" : "FAILED") << ", " << at(run.seconds * 1000) << "\n\n";
}

}  // namespace assent::lab
