// `assent verify` and `assent groups`: whether the members of a group hold the same rows.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "clients/cli/terminal.hpp"
#include "clients/cpp/client.hpp"

namespace CLI {
class App;
}

namespace assent::cli {

struct VerifyOptions {
  std::string group;  // or participants, separated by commas
  std::vector<std::string> tables;
  bool lock = false;
  double lock_timeout_s = 10;
  std::uint64_t chunk = 10'000;
  std::size_t most = 100;
  bool json = false;
};

void add_verify_command(CLI::App& app, VerifyOptions& options, std::function<int()>& run,
                        std::function<int(VerifyOptions)> verify);

// Returns the exit code: 0 the same, 1 rows differ, 2 they cannot be compared as asked, 3 no
// coordinator answered, 4 not finished.
int verify(const VerifyOptions& options, const Terminal& terminal, client::Client client);

// The answer to GET /v1/groups.
void print_groups(const Terminal& terminal, const std::string& json);

}  // namespace assent::cli
