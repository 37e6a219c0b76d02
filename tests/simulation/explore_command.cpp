#include "tests/simulation/explore_command.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string_view>

#include <CLI/CLI.hpp>

#include "tests/simulation/explore.hpp"
#include "tests/simulation/plants.hpp"

namespace assent::explore {
namespace {

enum Exit { kFine = 0, kSafety = 1, kLiveness = 2, kIncomplete = 4, kUsage = 64 };

// Those that the explorer's own hosts can make.
constexpr Plant kPlants[] = {Plant::logged_before_durable, Plant::inquiry_presumes_abort,
                             Plant::applied_for_all,       Plant::dropped_with_link,
                             Plant::lost_reply_is_done,    Plant::prepared_without_tag,
                             Plant::yes_called_read_only};

bool parse_plant(const std::string& name, Plant& plant) {
  const auto known = simulation::parse_plant(name);
  if (known && std::count(std::begin(kPlants), std::end(kPlants), *known) != 0) {
    plant = *known;
    return true;
  }
  std::cerr << "--plant: the explorer makes no mistake named " << name << "; it makes:\n";
  for (const simulation::PlantInfo& each : simulation::all_plants())
    if (std::count(std::begin(kPlants), std::end(kPlants), each.plant) != 0)
      std::cerr << "  " << each.name << ": " << each.breaks << '\n';
  return false;
}

int report(const Bounds& bounds, const Exploration& result) {
  for (const std::string& line : result.path) std::printf("%s\n", line.c_str());
  for (const Violation& each : result.violations)
    std::printf("  %s: %s\n", each.invariant.c_str(), each.what.c_str());
  const auto counted = [&](unsigned number) {
    return bounds.unreliable ? "\"any\"" : std::to_string(number);
  };
  std::printf(
      "{\"complete\":%s,\"states\":%llu,\"transitions\":%llu,\"at_rest\":%llu,\"depth\":%u,"
      "\"violations\":%zu,\"participants\":%zu,\"crashes\":%u,\"losses\":%s,\"duplicates\":%s,"
      "\"breaks\":%u,\"sweeps\":%u,\"sound_databases\":%s,\"seconds\":%.1f}\n",
      result.complete ? "true" : "false", static_cast<unsigned long long>(result.states),
      static_cast<unsigned long long>(result.transitions),
      static_cast<unsigned long long>(result.at_rest), result.depth, result.violations.size(),
      bounds.participants, bounds.crashes, counted(bounds.losses).c_str(),
      counted(bounds.duplicates).c_str(), bounds.breaks, bounds.sweeps,
      bounds.sound_databases ? "true" : "false", result.seconds);
  if (!result.violations.empty()) return result.stuck ? kLiveness : kSafety;
  return result.complete ? kFine : kIncomplete;
}

}  // namespace

bool is_asked_for(int argc, char** argv) {
  return std::any_of(argv, argv + argc, [](std::string_view each) { return each == "--explore"; });
}

int run_command(int argc, char** argv) {
  CLI::App app("Walks through every state of one transaction, in every order of events.");
  Bounds bounds;
  bool explore_asked = false;
  bool quiet = false;
  std::string plant;
  std::uint64_t most_states = 30'000'000;
  app.add_flag("--explore", explore_asked, "This");
  app.add_option("--participants", bounds.participants)
      ->check(CLI::Range(std::size_t{1}, kMostParticipants));
  app.add_option("--crashes", bounds.crashes, "Of coordinator, participants and databases")
      ->check(CLI::Range(0U, 9U));
  const CLI::Option* losses =
      app.add_option("--losses", bounds.losses, "Messages that are lost; otherwise any number")
          ->check(CLI::Range(0U, 9U));
  const CLI::Option* duplicates =
      app.add_option("--duplicates", bounds.duplicates,
                     "Messages that arrive twice; otherwise any number, any number of times")
          ->check(CLI::Range(0U, 9U));
  app.add_flag("--sound-databases", bounds.sound_databases,
               "Databases do not crash, and keep their connections");
  app.add_option("--breaks", bounds.breaks, "Of links, and of the room in the log")
      ->check(CLI::Range(0U, 9U));
  app.add_option("--sweeps", bounds.sweeps, "Lists of what a database holds prepared")
      ->check(CLI::Range(0U, 9U));
  app.add_option("--states", most_states, "Give up when more are known; 100 bytes each");
  app.add_option("--plant", plant, "Explore with this mistake made on purpose");
  app.add_flag("--json", quiet, "Print what was found and the summary only");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kUsage;
  }
  bounds.unreliable = losses->count() == 0 && duplicates->count() == 0;
  if (!plant.empty() && !parse_plant(plant, bounds.plant)) return kUsage;
  return report(bounds, explore(bounds, most_states, quiet ? nullptr : &std::cout));
}

}  // namespace assent::explore
