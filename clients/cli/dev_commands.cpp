#include "clients/cli/dev_commands.hpp"

#include <CLI/CLI.hpp>

namespace assent::cli {
namespace {

void add_start_options(CLI::App& dev, DevOptions& options) {
  dev.add_option("--participants", options.participants, "How many databases")
      ->check(CLI::Range(1, 26))
      ->capture_default_str();
  dev.add_option("--keep", options.folder,
                 "Keep everything in this folder; start what is in it already");
  dev.add_option("--port", options.port, "Of the REST API; by default 7400, or a free one")
      ->check(CLI::Range(1, 65535));
  dev.add_flag("--no-restart", options.no_restart,
               "Leave what dies down, until `assent dev start`");
  dev.footer(kDevFooter);
}

}  // namespace

void add_dev_commands(CLI::App& app, DevArguments& arguments, const Terminal& terminal,
                      std::function<int()>& run) {
  CLI::App* dev =
      app.add_subcommand("dev", "Start a whole installation to try, and remove it again");
  dev->callback([dev, &arguments, &terminal, &run] {
    if (dev->get_subcommands().empty())
      run = [&arguments, &terminal] { return run_dev(arguments.start, terminal); };
  });
  add_start_options(*dev, arguments.start);

  const auto add_control = [&](const char* name, const char* what,
                               int (*control)(const DevArguments&, const Terminal&)) {
    CLI::App* sub = dev->add_subcommand(name, what);
    sub->add_option("PART", arguments.part,
                    "coordinator; bank_a … (a participant); bank_a.db … (its PostgreSQL)")
        ->required();
    sub->add_option("--dir", arguments.folder, "The folder of the installation")
        ->envname("ASSENT_DEV");
    sub->callback([&arguments, &terminal, &run, control] {
      run = [&arguments, &terminal, control] { return control(arguments, terminal); };
    });
    return sub;
  };
  add_control("kill", "kill -9 a part and leave it down", [](const auto& given, const auto& to) {
    return dev_kill(given.folder, given.part, to);
  });
  add_control("start", "Start a part that is down", [](const auto& given, const auto& to) {
    return dev_start(given.folder, given.part, to);
  });
  add_control("psql", "Open psql on a database; arguments after -- are psql's",
              [](const auto& given, const auto& to) {
                return dev_psql(given.folder, given.part, given.for_psql, to);
              })
      ->add_option("ARGUMENTS", arguments.for_psql, "For psql");
}

}  // namespace assent::cli
