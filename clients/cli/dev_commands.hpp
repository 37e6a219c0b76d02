// The command line of `assent dev`.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "clients/cli/dev.hpp"

namespace CLI {
class App;
}

namespace assent::cli {

// What its options leave behind.
struct DevArguments {
  DevOptions start;
  std::filesystem::path folder;  // of one that runs
  std::string part;
  std::vector<std::string> for_psql;
};

// `run` is set when one of them is the command given.
void add_dev_commands(CLI::App& app, DevArguments& arguments, const Terminal& terminal,
                      std::function<int()>& run);

}  // namespace assent::cli
