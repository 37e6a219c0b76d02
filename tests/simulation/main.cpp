// assent-sim: runs the real machines in a simulated world and looks for a schedule that breaks an
// invariant.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <thread>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "tests/simulation/campaign.hpp"
#include "tests/simulation/plants.hpp"

namespace assent::simulation {
namespace {

enum Exit { kFine = 0, kSafety = 1, kLiveness = 2, kCrash = 3, kUsage = 64 };

// Says which seeds ran when the process died. Only what a signal handler may call.
extern "C" void died(int) {
  for (const auto& seed : seeds_running) {
    std::uint64_t value = seed;
    if (value == 0) continue;
    char text[64] = "crash: replay with --replay ";
    std::size_t length = std::char_traits<char>::length(text);
    char digits[24];
    std::size_t count = 0;
    for (; value != 0; value /= 10) digits[count++] = static_cast<char>('0' + value % 10);
    while (count != 0) text[length++] = digits[--count];
    text[length++] = '\n';
    if (write(STDERR_FILENO, text, length) < 0) break;
  }
  _exit(kCrash);
}

void print(const ScheduleReport& report, bool with_trace) {
  std::printf("seed %llu, trace %016llx\n", static_cast<unsigned long long>(report.seed),
              static_cast<unsigned long long>(report.trace_hash));
  for (const auto* violations : {&report.safety, &report.liveness})
    for (const Violation& each : *violations)
      std::printf("  %s: %s\n", each.invariant.c_str(), each.what.c_str());
  if (with_trace)
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
      << ",\"faults\":{";
  const char* comma = "";
  for (const auto& [kind, number] : result.faults) {
    out << comma << '"' << kind << "\":" << number;
    comma = ",";
  }
  out << "}}";
  return out.str();
}

int verdict(std::uint64_t unsafe, std::uint64_t stuck) {
  if (unsafe != 0) return kSafety;
  return stuck != 0 ? kLiveness : kFine;
}

int replay(std::uint64_t seed, Plant plant, bool trace) {
  const ScheduleReport report = Schedule(seed, plant, trace).run();
  print(report, !trace);
  return verdict(report.safety.size(), report.liveness.size());
}

// Every planted bug must be found; one that is not shows what the simulator cannot see.
int planted(CampaignOptions options) {
  std::string missed;
  std::size_t found = 0;
  options.stop_at_first = true;
  for (const PlantInfo& each : all_plants()) {
    options.plant = each.plant;
    const CampaignResult result = run_campaign(options, [](const ScheduleReport&) {});
    const bool seen = !result.first_invariant.empty();
    std::printf("%-24s %-8s by %-4s after %llu schedules: %s\n", std::string(each.name).c_str(),
                seen ? "found" : "MISSED", result.first_invariant.c_str(),
                static_cast<unsigned long long>(result.schedules),
                std::string(each.breaks).c_str());
    found += seen ? 1 : 0;
    if (!seen) missed += (missed.empty() ? "\"" : ",\"") + std::string(each.name) + '"';
  }
  std::printf("{\"planted\":%zu,\"found\":%zu,\"missed\":[%s]}\n", all_plants().size(), found,
              missed.c_str());
  return missed.empty() ? kFine : kSafety;
}

int campaign(const CampaignOptions& options, bool quiet) {
  std::uint64_t shown = 0;
  const CampaignResult result = run_campaign(options, [&](const ScheduleReport& report) {
    if (quiet || (report.safety.empty() && report.liveness.empty())) return;
    if (++shown > 200) return;
    print(report, shown == 1);
    std::fflush(stdout);
  });
  std::printf("%s\n", json(result).c_str());
  return verdict(result.unsafe, result.stuck);
}

int run(int argc, char** argv) {
  CLI::App app("Runs Assent's protocol in a simulated world and looks for what breaks it.");
  CampaignOptions options;
  options.jobs = std::clamp(std::thread::hardware_concurrency(), 1U, kMostJobs);
  std::uint64_t seed = 0;
  bool trace = false;
  bool quiet = false;
  bool all_planted = false;
  std::string plant;
  app.add_option("--schedules", options.schedules, "How many schedules to run");
  app.add_option("--seed", options.first_seed,
                 "Of the first schedule; the others count up from it");
  app.add_option("--minutes", options.minutes, "Begin no schedule after so many minutes");
  app.add_option("--jobs", options.jobs, "Schedules at a time")->check(CLI::Range(1U, kMostJobs));
  app.add_flag("--json", quiet, "Print the summary only");
  auto* again = app.add_option("--replay", seed, "Run the schedule of this seed again");
  app.add_flag("--trace", trace, "With --replay: print everything that happens")->needs(again);
  app.add_option("--plant", plant, "Run with this mistake made on purpose");
  app.add_flag("--planted", all_planted, "Run until every planted mistake is found");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kUsage;
  }
  if (!plant.empty()) {
    const auto known = parse_plant(plant);
    if (!known) {
      std::cerr << "--plant: there is no mistake named " << plant << "; there are:\n";
      for (const PlantInfo& each : all_plants())
        std::cerr << "  " << each.name << ": " << each.breaks << '\n';
      return kUsage;
    }
    options.plant = *known;
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS}) std::signal(signal, died);
  if (again->count() != 0) return replay(seed, options.plant, trace);
  return all_planted ? planted(options) : campaign(options, quiet);
}

}  // namespace
}  // namespace assent::simulation

int main(int argc, char** argv) {
  return assent::simulation::run(argc, argv);
}
