// The commands that show what blocks: `assent blocking` and `assent watch`.
#pragma once

#include <functional>

#include "clients/cli/blocking.hpp"

namespace CLI {
class App;
}

namespace assent::cli {

using ShowBlocking = int (*)(const BlockingOptions&, const Terminal&, const Connect&);

// `chosen` is called with what is to be run when one of them is the command given.
void add_blocking_commands(CLI::App& app, BlockingOptions& options,
                           const std::function<void(ShowBlocking)>& chosen);

}  // namespace assent::cli
