// `assent doctor`: what is not as it should be in the whole deployment, and what to do about it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "clients/cli/command_line.hpp"
#include "clients/cli/terminal.hpp"

namespace CLI {
class App;
}

namespace assent::cli {

struct DoctorOptions {
  std::string coordinator;                // its URL
  std::vector<std::string> participants;  // URLs of their admin listeners
  bool json = false;
};

// `examine` is called for the command with what was given for it.
void add_doctor_command(CLI::App& app, DoctorOptions& options, std::function<int()>& run,
                        std::function<int(DoctorOptions)> examine);

// Returns kRefused where there is a finding of severity error. `connect` shows who is calling;
// `anonymous` does not: for addresses that a participant has named, which must not learn a token
// from that.
int examine(const DoctorOptions& options, const Terminal& terminal, const Connect& connect,
            const Connect& anonymous);

}  // namespace assent::cli
