// assent-sim: runs the real machines in a simulated world and looks for a schedule that breaks an
// invariant.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "tests/simulation/campaign.hpp"
#include "tests/simulation/diagram.hpp"
#include "tests/simulation/explore_command.hpp"
#include "tests/simulation/plants.hpp"
#include "tests/simulation/report.hpp"
#include "tests/simulation/shrink.hpp"

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

int verdict(std::uint64_t unsafe, std::uint64_t stuck) {
  if (unsafe != 0) return kSafety;
  return stuck != 0 ? kLiveness : kFine;
}

struct Show {
  bool trace = false;
  bool shrink = false;
  bool diagram = false;
  std::string tx;
  std::size_t steps = 300;
};

int replay(ScheduleOptions options, const Show& show) {
  Diagram diagram(show.tx, show.steps);
  if (show.trace)
    options.listener = [](const Trace::Line& line) { std::puts(Trace::shown(line).c_str()); };
  if (show.diagram) options.listener = [&diagram](const Trace::Line& line) { diagram.add(line); };
  const ScheduleReport report = Schedule(options).run();
  if (show.diagram) {
    std::fputs(diagram.text().c_str(), stdout);
    return verdict(report.safety.size(), report.liveness.size());
  }
  print(report, !show.trace);
  if (show.shrink && report.failed()) {
    options.listener = nullptr;
    const Shrunk shrunk = shrink(options, report);
    std::printf("shrunk in %u runs to %u transactions, %u participants and these faults:\n",
                shrunk.tried, shrunk.report.jobs, shrunk.report.participants);
    for (unsigned number = 1; number <= shrunk.report.fault_kinds.size(); ++number)
      if (!shrunk.options.without_faults.count(number))
        std::printf("  fault %u: %s\n", number, shrunk.report.fault_kinds[number - 1].c_str());
    print(shrunk.report, false);
    std::printf("assent-sim %s --trace\n", arguments(shrunk.options).c_str());
  }
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

// With `quiet` nothing but the summary goes to standard output; how far it is, and what was found,
// to standard error.
int campaign(const CampaignOptions& options, bool quiet) {
  std::uint64_t done = 0;
  std::uint64_t shown = 0;
  const std::uint64_t hundredth = std::max<std::uint64_t>(options.schedules / 100, 1000);
  const CampaignResult result = run_campaign(options, [&](const ScheduleReport& report) {
    ++done;
    if (quiet && done % hundredth == 0)
      std::fprintf(stderr, "%llu schedules\n", static_cast<unsigned long long>(done));
    if (!report.failed() || ++shown > 200) return;
    if (quiet)
      std::fprintf(stderr, "seed %llu: %s: %s\n", static_cast<unsigned long long>(report.seed),
                   report.first().invariant.c_str(), report.first().what.c_str());
    else
      print(report, shown == 1);
    std::fflush(stdout);
  });
  std::printf("%s\n", json(result).c_str());
  return verdict(result.unsafe, result.stuck);
}

// False: there is none of that name; said which there are.
bool take_plant(const std::string& name, Plant& plant) {
  if (name.empty()) return true;
  if (const auto known = parse_plant(name)) {
    plant = *known;
    return true;
  }
  std::cerr << "--plant: there is no mistake named " << name << "; there are:\n";
  for (const PlantInfo& each : all_plants())
    std::cerr << "  " << each.name << ": " << each.breaks << '\n';
  return false;
}

constexpr const char* kFooter =
    "assent-sim --explore walks through every state of one transaction instead: --explore "
    "--help.\n"
    "Exit codes: 0 nothing was found, 1 safety was violated (or a planted mistake was missed),\n"
    "2 something did not come to rest after all faults had ended, 3 the process died of a bug,\n"
    "64 unusable arguments. The last line of a campaign is a JSON summary.";

int run(int argc, char** argv) {
  CLI::App app(
      "Runs Assent's protocol and its log in a simulated world and looks for what breaks.");
  app.footer(kFooter);
  CampaignOptions options;
  options.jobs = std::clamp(std::thread::hardware_concurrency(), 1U, kMostJobs);
  ScheduleOptions one;
  Show show;
  bool quiet = false;
  bool all_planted = false;
  std::string plant;
  std::vector<unsigned> without;
  auto* schedules = app.add_option("--schedules", options.schedules,
                                   "How many schedules to run (100), or for --planted the most "
                                   "that each mistake may take to be found (1000)");
  app.add_option("--seed", options.first_seed,
                 "Of the first schedule; the others count up from it");
  app.add_option("--minutes", options.minutes, "Begin no schedule after so many minutes");
  app.add_option("--jobs", options.jobs, "Schedules at a time")->check(CLI::Range(1U, kMostJobs));
  app.add_flag("--json", quiet, "Print the summary only, and progress to standard error");
  auto* again = app.add_option("--replay", one.seed, "Run the schedule of this seed again");
  app.add_flag("--trace", show.trace, "With --replay: print everything that happens")->needs(again);
  app.add_flag("--shrink", show.shrink, "With --replay: look for a shorter one that fails so too")
      ->needs(again);
  auto* diagram =
      app.add_flag("--diagram", show.diagram, "With --replay: print a Mermaid sequence diagram")
          ->needs(again);
  app.add_option("--tx", show.tx, "With --diagram: of this transaction only, such as T12")
      ->needs(diagram);
  app.add_option("--steps", show.steps, "With --diagram: the last so many steps (300)")
      ->needs(diagram);
  app.add_option("--transactions", one.transactions, "With --replay: only the first so many")
      ->needs(again);
  app.add_option("--participants", one.participants, "With --replay: no more than so many")
      ->needs(again)
      ->check(CLI::PositiveNumber);
  app.add_option("--without-faults", without, "With --replay: these do not happen (3,5)")
      ->needs(again)
      ->delimiter(',');
  app.add_option("--plant", plant, "Run with this mistake made on purpose");
  app.add_flag("--planted", all_planted, "Run until every planted mistake is found");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kUsage;
  }
  if (!take_plant(plant, options.plant)) return kUsage;
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS}) std::signal(signal, died);
  if (again->count() != 0) {
    one.plant = options.plant;
    one.without_faults.insert(without.begin(), without.end());
    return replay(one, show);
  }
  if (!all_planted) return campaign(options, quiet);
  if (schedules->count() == 0) options.schedules = 1000;
  return planted(options);
}

}  // namespace
}  // namespace assent::simulation

int main(int argc, char** argv) {
  if (assent::explore::is_asked_for(argc, argv)) return assent::explore::run_command(argc, argv);
  return assent::simulation::run(argc, argv);
}
