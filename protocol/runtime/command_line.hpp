// The command line of a daemon: what was given, and the pages that teach it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "protocol/runtime/daemon.hpp"

namespace assent {

// The command line is not understood; ends the process with ExitCode::usage.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct CommandLine {
  // "--name=value", known names only, for POCO to take apart.
  std::vector<std::string> options;
  std::string command;
};

CommandLine read_command_line(const std::vector<std::string>& arguments, const DaemonSpec& spec);

std::string help_page(const DaemonSpec& spec);
// Every key, its value (but for secrets) and where that came from.
std::string config_page(const DaemonSpec& spec, const Config& config);

}  // namespace assent
