// assent-lab: what a failure does to transactions, shown and checked with real processes.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "tests/lab/campaign.hpp"
#include "tests/lab/report.hpp"
#include "tests/lab/run_folder.hpp"
#include "tests/lab/scenario_run.hpp"

namespace {

using namespace assent;
using namespace assent::lab;
namespace fs = std::filesystem;

enum Exit : int { kOk = 0, kViolated = 1, kUsage = 2, kBroken = 3 };

fs::path scenario_folder() {
  const char* chosen = std::getenv("ASSENT_LAB_SCENARIOS");
  return chosen ? chosen : ASSENT_SOURCE_SCENARIOS;
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
  throw ScenarioError("there is no scenario " + name + "; `assent-lab list` shows them");
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

int run(const RunOptions& options) {
  std::optional<Addresses> existing;
  if (!options.at.empty()) existing = read_addresses(options.at);
  const auto names = existing ? existing->names() : std::vector<std::string>();
  std::vector<Scenario> scenarios;
  if (options.all)
    for (const fs::path& file : lessons()) scenarios.push_back(read_scenario(file, names));
  for (const std::string& name : options.names)
    scenarios.push_back(read_scenario(find_scenario(name), names));
  if (scenarios.empty()) throw ScenarioError("name a scenario, or --all");

  RunFolder folder;
  std::vector<ScenarioRun> runs;
  std::string failed;
  for (const Scenario& scenario : scenarios) {
    runs.push_back(
        run_scenario(scenario, folder.fresh(scenario.name), existing ? &*existing : nullptr));
    const ScenarioRun& done = runs.back();
    if (!done.ok()) failed += " " + scenario.name;
    if (!options.json && !options.quiet) print_run(std::cout, done, ::isatty(STDOUT_FILENO) == 1);
    if (options.quiet)
      std::cout << (done.ok() ? "ok      " : "FAILED  ") << scenario.name
                << (done.ok() ? "" : ": " + done.failure) << std::endl;
  }
  write(options.report, html_report(runs));
  write(options.junit, junit_report(runs));
  if (!failed.empty()) {
    folder.keep();
    std::cerr << "kept: " << folder.path().string() << "\nto repeat: assent-lab run"
              << (options.at.empty() ? "" : " --at " + options.at) << failed << '\n';
  }
  std::cout << json_report(runs) << std::endl;
  return failed.empty() ? kOk : kViolated;
}

// Shows what a campaign found; its folder stays behind when something is wrong.
int conclude(RunFolder& folder, const CampaignResult& result, const std::string& again) {
  for (const std::string& sentence : result.violations)
    std::cerr << "violation: " << sentence << '\n';
  if (!result.violations.empty()) {
    folder.keep();
    std::cerr << "kept: " << folder.path().string() << "\nto repeat: assent-lab " << again << '\n';
  }
  std::cout << summary(result) << std::endl;
  return result.violations.empty() ? kOk : kViolated;
}

struct CampaignOptions {
  std::string point;
  std::size_t cycles = 200;
  double minutes = 30;
  std::uint64_t seed = 0;
};

int crash_points(const CampaignOptions& options) {
  RunFolder folder;
  return conclude(folder, run_crash_points(folder.fresh("crash-points"), options.point),
                  "crash-points --point '" + options.point + "'");
}

int kill_loop(const CampaignOptions& options) {
  RunFolder folder;
  return conclude(folder, run_kill_loop(folder.fresh("kill-loop"), options.cycles, options.seed),
                  "kill-loop --cycles " + std::to_string(options.cycles) + " --seed " +
                      std::to_string(options.seed));
}

int soak(const CampaignOptions& options) {
  RunFolder folder;
  return conclude(folder, run_soak(folder.fresh("soak"), options.minutes, options.seed),
                  "soak --minutes " + std::to_string(options.minutes) + " --seed " +
                      std::to_string(options.seed));
}

int isolation() {
  RunFolder folder;
  return conclude(folder, run_isolation(folder.fresh("isolation")), "isolation");
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
  app.add_subcommand("isolation",
                     "anomalies across databases: shown by plain reads, not by locking");
  CLI11_PARSE(app, argc, argv);
  try {
    if (app.got_subcommand("list")) return list();
    if (app.got_subcommand("language")) return language();
    if (app.got_subcommand(explaining)) return explain(name);
    if (app.got_subcommand(points)) return crash_points(campaign);
    if (app.got_subcommand(kills)) return kill_loop(campaign);
    if (app.got_subcommand(soaking)) return soak(campaign);
    if (app.got_subcommand("isolation")) return isolation();
    return run(options);
  } catch (const ScenarioError& error) {
    std::cerr << error.what() << '\n';
    return kUsage;
  } catch (const std::exception& error) {
    std::cerr << "assent-lab: " << error.what() << '\n';
    return kBroken;
  }
}
