#include "tests/simulation/report.hpp"

#include <cinttypes>
#include <cstdio>
#include <sstream>

namespace assent::simulation {
namespace {

std::string hex(std::uint64_t number) {
  char text[20];
  std::snprintf(text, sizeof text, "%016" PRIx64, number);
  return text;
}

}  // namespace

void print(const ScheduleReport& report, bool last_lines) {
  std::printf("seed %" PRIu64 ", trace %s\n", report.seed, hex(report.trace_hash).c_str());
  for (const auto* violations : {&report.safety, &report.liveness})
    for (const Violation& each : *violations)
      std::printf("  %s: %s\n", each.invariant.c_str(), each.what.c_str());
  if (last_lines)
    for (const std::string& line : report.last_lines) std::printf("    %s\n", line.c_str());
}

std::string json(const CampaignResult& result) {
  std::ostringstream out;
  const double rate =
      result.seconds > 0 ? static_cast<double>(result.schedules) / result.seconds : 0;
  out << "{\"schedules\":" << result.schedules << ",\"violations\":" << result.unsafe + result.stuck
      << ",\"unsafe\":" << result.unsafe << ",\"stuck\":" << result.stuck
      << ",\"transactions\":" << result.transactions << ",\"committed\":" << result.committed
      << ",\"messages\":" << result.messages
      << ",\"simulated_seconds\":" << static_cast<std::uint64_t>(result.simulated_seconds)
      << ",\"seconds\":" << result.seconds << ",\"schedules_per_second\":" << rate
      << ",\"traces\":\"" << hex(result.trace_hash) << "\",\"faults\":{";
  const char* comma = "";
  for (const auto& [kind, number] : result.faults) {
    out << comma << '"' << kind << "\":" << number;
    comma = ",";
  }
  out << "}}";
  return out.str();
}

}  // namespace assent::simulation
