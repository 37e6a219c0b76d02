#include "clients/cli/blocking_commands.hpp"

#include <CLI/CLI.hpp>

#include "clients/cli/watch.hpp"

namespace assent::cli {

void add_blocking_commands(CLI::App& app, BlockingOptions& options,
                           const std::function<void(ShowBlocking)>& chosen) {
  const auto add = [&](const char* name, const char* what, const char* footer, ShowBlocking show) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->callback([chosen, show] { chosen(show); });
    sub->add_option("--participant", options.participants,
                    "A participant's admin listener, asked when the coordinator does not answer")
        ->delimiter(',')
        ->envname("ASSENT_PARTICIPANTS");
    sub->footer(footer);
    return sub;
  };
  add("blocking", "Show what is blocked, by what, and what frees it", kBlockingFooter,
      show_blocking)
      ->add_flag("--watch", options.watch, "Again every second, until Ctrl-C");
  add("watch", "Watch transactions and what blocks, until Ctrl-C", kWatchFooter, show_watch);
}

}  // namespace assent::cli
