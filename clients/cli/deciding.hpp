// What an operator decides: `assent resolve` and `assent acknowledge`.
#pragma once

#include <functional>
#include <string>

#include "clients/cli/terminal.hpp"
#include "clients/cpp/client.hpp"

namespace CLI {
class App;
}

namespace assent::cli {

struct DecidingOptions {
  std::string id;
  bool commit = false;
  bool abort = false;
  std::string reason;
  bool preview = false;
  bool yes = false;
  bool json = false;
};

using Decide = int (*)(const DecidingOptions&, const Terminal&, client::Client);

// `chosen` is called with what is to be run when one of them is the command given.
void add_deciding_commands(CLI::App& app, DecidingOptions& options,
                           const std::function<void(Decide)>& chosen);

}  // namespace assent::cli
