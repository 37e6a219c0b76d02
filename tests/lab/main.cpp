// assent-lab: what a failure does to transactions, shown and checked with real processes.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "clients/dev/machine.hpp"
#include "protocol/runtime/suggestion.hpp"
#include "tests/lab/campaign.hpp"
#include "tests/lab/points.hpp"
#include "tests/lab/report.hpp"
#include "tests/lab/run_folder.hpp"
#include "tests/lab/scenario_run.hpp"

namespace {

using namespace assent;
using namespace assent::lab;
namespace fs = std::filesystem;

enum Exit : int { kOk = 0, kViolated = 1, kUsage = 2, kBroken = 3 };

// As chosen, as installed by the package, or in the tree it was built from.
fs::path scenario_folder() {
  if (const char* chosen = std::getenv("ASSENT_LAB_SCENARIOS")) return chosen;
  const fs::path installed = dev::executable_folder().parent_path() / "share" / "assent" / "lab";
  return fs::exists(installed) ? installed : fs::path(ASSENT_SOURCE_SCENARIOS);
}

std::vector<fs::path> lessons() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(scenario_folder()))
    if (entry.path().extension() == ".lab") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

fs::path find_scenario(const std::string& name) {
  if (name.find('/') != name.npos || name.ends_with(".lab")) return name;
  const fs::path file = scenario_folder() / (name + ".lab");
  if (fs::exists(file)) return file;
  std::vector<std::string> names;
  for (const fs::path& lesson : lessons()) names.push_back(lesson.stem());
  throw ScenarioError("there is no scenario " + name +
                      " (`assent-lab list` shows them; the name of a file of your own ends with "
                      ".lab)" +
                      suggestion(name, names));
}

struct RunOptions {
  std::vector<std::string> names;
  bool all = false;
  bool json = false;
  bool quiet = false;
  std::string at;
  std::string report;
  std::string junit;
};

void write(const std::string& file, const std::string& text) {
  if (file.empty()) return;
  std::ofstream stream(file);
  stream << text;
  if (!stream.flush()) throw std::runtime_error("cannot write " + file);
}

// Leaves the folder behind, and says how to do the same again.
void keep(RunFolder& folder, const std::string& again) {
  folder.keep("assent-lab " + again);
  std::cerr << "kept: " << folder.path().string() << "\nto repeat: assent-lab " << again << '\n';
}

int run(const RunOptions& options) {
  std::optional<Addresses> existing;
  if (!options.at.empty()) existing = read_addresses(options.at);
  const auto names = existing ? existing->names() : std::vector<std::string>();
  std::vector<std::pair<std::string, Scenario>> scenarios;  // by what they are called for
  if (options.all)
    for (const fs::path& file : lessons())
      scenarios.emplace_back(file.stem(), read_scenario(file, names));
  for (const std::string& name : options.names)
    scenarios.emplace_back(name, read_scenario(find_scenario(name), names));
  if (scenarios.empty())
    throw ScenarioError("name a scenario, or give --all; `assent-lab list` shows them");

  RunFolder folder;
  std::vector<ScenarioRun> runs;
  std::string failed;
  for (const auto& [name, scenario] : scenarios) {
    runs.push_back(
        run_scenario(scenario, folder.fresh(scenario.name), existing ? &*existing : nullptr));
    const ScenarioRun& done = runs.back();
    if (!done.ok()) failed += " " + name;
    if (!options.json && !options.quiet) print_run(std::cout, done, ::isatty(STDOUT_FILENO) == 1);
    if (options.quiet)
      std::cout << (done.ok() ? "ok      " : "FAILED  ") << scenario.name
                << (done.ok() ? "" : ": " + done.failure) << std::endl;
  }
  write(options.report, html_report(runs));
  write(options.junit, junit_report(runs));
  if (!failed.empty())
    keep(folder, "run" + (options.at.empty() ? "" : " --at " + options.at) + failed);
  std::cout << json_report(runs) << std::endl;
  return failed.empty() ? kOk : kViolated;
}

// Carries a campaign out and tells what it found. The summary comes whatever happens.
int campaign(const std::string& name, const std::string& options,
             const std::function<CampaignResult(const fs::path&)>& run) {
  RunFolder folder;
  const fs::path place = folder.fresh(name);
  CampaignResult result;
  bool broken = false;
  try {
    result = run(place);
  } catch (const ScenarioError&) {
    throw;
  } catch (const std::exception& error) {
    broken = true;
    result.campaign = name;
    result.violations.push_back(std::string("it could not begin: ") + error.what());
  }
  for (const std::string& sentence : result.violations)
    std::cerr << "violation: " << sentence << '\n';
  if (!result.violations.empty() && !fs::is_empty(place)) keep(folder, name + options);
  std::cout << summary(result) << std::endl;
  if (broken) return kBroken;
  return result.violations.empty() ? kOk : kViolated;
}

struct CampaignOptions {
  std::string point;
  std::size_t cycles = 200;
  double minutes = 30;
  double rate = 50;
  std::uint64_t seed = 0;
};

int crash_points(const CampaignOptions& options) {
  std::vector<std::string> all = coordinator_points();
  all.insert(all.end(), participant_points().begin(), participant_points().end());
  if (std::none_of(all.begin(), all.end(), [&](const std::string& point) {
        return point.find(options.point) != point.npos;
      }))
    throw ScenarioError("no crash point's name contains " + options.point +
                        " (--list-crash-points of each daemon prints them)" +
                        suggestion(options.point, all));
  return campaign("crash-points", options.point.empty() ? "" : " --point '" + options.point + "'",
                  [&](const fs::path& folder) { return run_crash_points(folder, options.point); });
}

int kill_loop(const CampaignOptions& options) {
  return campaign(
      "kill-loop",
      " --cycles " + std::to_string(options.cycles) + " --seed " + std::to_string(options.seed),
      [&](const fs::path& folder) { return run_kill_loop(folder, options.cycles, options.seed); });
}

int soak(const CampaignOptions& options) {
  std::ostringstream minutes;
  minutes << options.minutes;
  return campaign(
      "soak", " --minutes " + minutes.str() + " --seed " + std::to_string(options.seed),
      [&](const fs::path& folder) { return run_soak(folder, options.minutes, options.seed); });
}

int traffic(const CampaignOptions& options) {
  std::ostringstream flags;
  flags << " --minutes " << options.minutes << " --rate " << options.rate << " --seed "
        << options.seed;
  return campaign("traffic", flags.str(), [&](const fs::path& folder) {
    return run_traffic(folder, options.minutes, options.rate, options.seed);
  });
}

int isolation() {
  return campaign("isolation", "", [](const fs::path& folder) { return run_isolation(folder); });
}

int list() {
  for (const fs::path& file : lessons()) {
    const Scenario scenario = read_scenario(file);
    std::string name = scenario.name;
    name.resize(std::max<std::size_t>(name.size(), 28), ' ');
    std::cout << name << "  " << scenario.title << '\n';
  }
  return kOk;
}

int explain(const std::string& name) {
  const fs::path file = find_scenario(name);
  const Scenario scenario = read_scenario(file);
  std::cout << scenario.title << "\n\n";
  for (const std::string& sentence : scenario.watch) std::cout << "- " << sentence << '\n';
  std::cout << '\n';
  for (const Step& step : scenario.steps) {
    std::cout << "    " << step.text << '\n';
    for (const auto& [database, sql] : step.branches)
      std::cout << "      " << database << ": " << sql << '\n';
  }
  std::cout << "\nassent-lab run " << name << '\n';
  return kOk;
}

int language() {
  const auto print = [](std::string_view form, std::string_view help) {
    std::cout << form << '\n';
    if (!help.empty()) std::cout << "    " << help << '\n';
  };
  for (const VerbForm& form : kVerbs) print(form.form, form.help);
  std::cout << "\nCONDITION is one of\n";
  for (const SeenForm& form : kConditions) print(form.form, form.help);
  std::cout << "\nWhat the words in capitals stand for\n";
  for (const PlaceForm& form : kPlaces) print(form.place, form.help);
  return kOk;
}

// CLI11 says of an unknown one only that one is required.
void check_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return;
  throw ScenarioError("there is no command " + std::string(argv[1]) +
                      " (assent-lab --help lists them)" + suggestion(argv[1], names));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Failure-injection harness of Assent: real processes, real PostgreSQL.");
  app.require_subcommand(1);
  RunOptions options;
  std::string name;
  app.add_subcommand("list", "the scenarios there are");
  app.add_subcommand("language", "every sentence a scenario may hold");
  auto* running = app.add_subcommand("run", "run scenarios, by name or file");
  running->add_option("scenario", options.names, "names or files");
  running->add_flag("--all", options.all, "every lesson");
  running->add_option("--at", options.at,
                      "on a deployment that is there: a file of its addresses (docs/LAB.md)");
  running->add_flag("--json", options.json, "nothing but the summary, as JSON");
  running->add_flag("--quiet", options.quiet, "one line for each");
  running->add_option("--report", options.report, "write a page for the browser here");
  running->add_option("--junit", options.junit, "write JUnit's XML here");
  auto* explaining = app.add_subcommand("explain", "what a scenario is about, and its steps");
  explaining->add_option("scenario", name, "name or file")->required();
  CampaignOptions campaign;
  campaign.seed = std::random_device{}();
  auto* points =
      app.add_subcommand("crash-points", "every crash point, each with kill, error, delay");
  points->add_option("--point", campaign.point, "only those whose name contains this");
  auto* kills = app.add_subcommand("kill-loop", "kill -9 of random processes under load");
  kills->add_option("--cycles", campaign.cycles, "how often")->capture_default_str();
  kills->add_option("--seed", campaign.seed, "of the choices that are made");
  auto* soaking = app.add_subcommand("soak", "continuous faults, and what grows");
  soaking->add_option("--minutes", campaign.minutes, "how long")->capture_default_str();
  soaking->add_option("--seed", campaign.seed, "of the choices that are made");
  auto* visiting = app.add_subcommand("traffic", "good and bad requests, and what grows");
  visiting->add_option("--minutes", campaign.minutes, "how long")->capture_default_str();
  visiting->add_option("--rate", campaign.rate, "requests a second")
      ->check(CLI::Range(1.0, 10'000.0))
      ->capture_default_str();
  visiting->add_option("--seed", campaign.seed, "of the choices that are made");
  app.add_subcommand("isolation",
                     "anomalies across databases: shown by plain reads, not by locking");
  try {
    check_command(app, argc, argv);
    app.parse(argc, argv);

    if (app.got_subcommand("list")) return list();
    if (app.got_subcommand("language")) return language();
    if (app.got_subcommand(explaining)) return explain(name);
    if (app.got_subcommand(points)) return crash_points(campaign);
    if (app.got_subcommand(kills)) return kill_loop(campaign);
    if (app.got_subcommand(soaking)) return soak(campaign);
    if (app.got_subcommand(visiting)) return traffic(campaign);
    if (app.got_subcommand("isolation")) return isolation();
    return run(options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  } catch (const ScenarioError& error) {
    std::cerr << error.what() << '\n';
    return kUsage;
  } catch (const std::exception& error) {
    std::cerr << "assent-lab: " << error.what() << '\n';
    return kBroken;
  }
}
