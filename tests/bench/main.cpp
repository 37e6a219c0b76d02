// assent-bench: how fast it is, here. What it measures and how to read it: docs/PERFORMANCE.md.
// Exit status 0: measured, and right, and everything asked for was met; 1: something was wrong or
// missed; 2: it could not be measured.
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "tests/bench/measures.hpp"
#include "tests/bench/null.hpp"
#include "tests/bench/transfer.hpp"

namespace {

using namespace assent::bench;

std::chrono::milliseconds millis(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

struct PaceFlags {
  double seconds = 5;
  double warm_up = 1;

  void add_to(CLI::App& command, Pace& pace) {
    command.add_option("--clients", pace.clients, "each with one transaction under way")
        ->check(CLI::Range(1, 4096));
    command.add_option("--seconds", seconds, "measured, in each turn")
        ->check(CLI::Range(0.1, 86400.0));
    command.add_option("--warm-up", warm_up, "seconds before that")->check(CLI::Range(0.0, 3600.0));
    command.add_option("--rate", pace.rate,
                       "transactions a second, whatever the answers (open loop); else closed loop");
  }
  void finish(Pace& pace) const {
    pace.measured = millis(seconds);
    pace.warm_up = millis(warm_up);
  }
};

struct NullFlags {
  NullOptions options;
  PaceFlags pace;
};

CLI::App* add_null(CLI::App& app, NullFlags& flags) {
  CLI::App* command =
      app.add_subcommand("null", "the coordinator with participants that touch no database");
  flags.pace.add_to(*command, flags.options.pace);
  command->add_option("--participants", flags.options.participants, "linked")
      ->check(CLI::Range(1, 1000));
  command->add_option("--branches", flags.options.branches, "participants in each transaction")
      ->check(CLI::Range(1, 64));
  return command;
}

struct TransferFlags {
  TransferOptions options;
  PaceFlags pace;
  std::string mode = "one_shot";
  std::string wait_for = "applied";
  std::string versus;
};

CLI::App* add_transfer(CLI::App& app, TransferFlags& flags) {
  CLI::App* command =
      app.add_subcommand("transfer", "moves money between throwaway databases, under load");
  TransferOptions& options = flags.options;
  flags.pace.add_to(*command, options.pace);
  command->add_option("--branches", options.branches, "databases that take part in each transfer")
      ->check(CLI::Range(1, 26));
  command->add_option("--statements", options.load.statements, "in each branch")
      ->check(CLI::Range(1, 1000));
  command->add_option("--turns", options.turns, "repetitions; figures are medians")
      ->check(CLI::Range(1, 1000));
  command->add_option("--accounts", options.accounts, "in each database")
      ->check(CLI::Range(1000, 10'000'000));
  command->add_option("--mode", flags.mode, "one_shot or interactive");
  command->add_option("--wait-for", flags.wait_for, "applied or decided");
  command->add_flag("--read-only", options.load.read_only, "reads balances instead");
  command->add_option("--vs", flags.versus, "raw: beside bare libpq programs, in turns");
  command->add_flag("--json", options.json, "nothing but one JSON object");
  return command;
}

struct BulkheadFlags {
  BulkheadOptions options;
  double seconds = 5;
};

CLI::App* add_bulkhead(CLI::App& app, BulkheadFlags& flags) {
  CLI::App* command =
      app.add_subcommand("bulkhead", "what one hanging database costs transactions without it");
  command->add_option("--turns", flags.options.turns, "repetitions; figures are medians")
      ->check(CLI::Range(1, 1000));
  command->add_option("--seconds", flags.seconds, "measured, on each side of a turn")
      ->check(CLI::Range(0.1, 3600.0));
  return command;
}

struct OverloadFlags {
  OverloadOptions options;
  double seconds = 10;
};

CLI::App* add_overload(CLI::App& app, OverloadFlags& flags) {
  CLI::App* command =
      app.add_subcommand("overload", "what thousands of slow connections cost honest clients");
  command->add_option("--slow", flags.options.slow, "connections that never finish a request")
      ->check(CLI::Range(1, 60'000));
  command->add_option("--rate", flags.options.rate, "transfers of the honest, a second")
      ->check(CLI::Range(1.0, 100'000.0));
  command->add_option("--turns", flags.options.turns, "repetitions; figures are medians")
      ->check(CLI::Range(1, 1000));
  command->add_option("--seconds", flags.seconds, "measured, on each side of a turn")
      ->check(CLI::Range(0.1, 3600.0));
  return command;
}

int print(const Report& report) {
  std::printf("%s\n", report.json().c_str());
  return report.all_met() ? 0 : 1;
}

// What CLI11 cannot judge. Says so by throwing.
void finish(TransferFlags& flags) {
  TransferOptions& options = flags.options;
  if (flags.mode == "interactive")
    options.load.mode = HttpLoad::Mode::interactive;
  else if (flags.mode == "external")
    throw CLI::ValidationError("--mode", "external transactions are not served by this version");
  else if (flags.mode != "one_shot")
    throw CLI::ValidationError("--mode", flags.mode + ": one_shot or interactive");
  if (flags.wait_for != "applied" && flags.wait_for != "decided")
    throw CLI::ValidationError("--wait-for", flags.wait_for + ": applied or decided");
  options.load.wait_for_decided = flags.wait_for == "decided";
  if (!flags.versus.empty() && flags.versus != "raw")
    throw CLI::ValidationError("--vs", flags.versus + ": the only other program is raw");
  options.versus_raw = !flags.versus.empty();
  if (options.versus_raw && (options.pace.rate > 0 || options.load.read_only))
    throw CLI::ValidationError("--vs",
                               "raw runs in a closed loop and writes: drop --rate and "
                               "--read-only");
  flags.pace.finish(options.pace);
}

const std::map<std::string, std::pair<void (*)(Report&), const char*>> kFigures = {
    {"restart", {measure_restart, "from a start to serving, with a ledger of 100 MB"}},
    {"in-doubt", {measure_in_doubt, "1,000 branches in doubt, until there is none"}},
    {"log", {measure_log, "the decision log alone: records made durable a second"}},
    {"memory", {measure_memory, "idle, and with 5,000 open transactions"}}};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Measures Assent on this machine."};
  app.require_subcommand(1);
  TransferFlags flags;
  CLI::App* const transfers = add_transfer(app, flags);
  NullFlags null_flags;
  CLI::App* const null = add_null(app, null_flags);
  BulkheadFlags bulkhead_flags;
  CLI::App* const bulkhead = add_bulkhead(app, bulkhead_flags);
  OverloadFlags overload_flags;
  CLI::App* const overload = add_overload(app, overload_flags);
  for (const auto& [name, figure] : kFigures) app.add_subcommand(name, figure.second);
  try {
    app.parse(argc, argv);
    if (transfers->parsed()) finish(flags);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    if (transfers->parsed()) return transfer(flags.options) ? 0 : 1;
    if (null->parsed()) {
      null_flags.pace.finish(null_flags.options.pace);
      measure_null(null_flags.options);
      return 0;
    }
    Report report;
    if (bulkhead->parsed()) {
      bulkhead_flags.options.measured = millis(bulkhead_flags.seconds);
      measure_bulkhead(bulkhead_flags.options, report);
      return print(report);
    }
    if (overload->parsed()) {
      overload_flags.options.measured = millis(overload_flags.seconds);
      measure_overload(overload_flags.options, report);
      return print(report);
    }
    kFigures.at(app.get_subcommands().front()->get_name()).first(report);
    return print(report);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "assent-bench: %s\n", error.what());
    return 2;
  }
}
