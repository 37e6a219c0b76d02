// The command line of a daemon: what was given, and the pages that teach it.
#pragma once

#include <array>
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
  std::map<std::string, std::string>
      command_options;  // its own, by name; "true" where none is taken
};

CommandLine read_command_line(const std::vector<std::string>& arguments, const DaemonSpec& spec);

struct ExitMeaning {
  int code;
  const char* meaning;
};
inline constexpr std::array<ExitMeaning, 5> kExitMeanings = {{
    {ExitCode::ok, "ended as asked; config check and log verify: nothing is wrong"},
    {ExitCode::usage, "the command line is not understood"},
    {ExitCode::internal, "a defect, or storage that failed"},
    {ExitCode::temporary, "something outside was missing: start again later"},
    {ExitCode::configuration, "the configuration or the data needs a person"},
}};

std::string help_page(const DaemonSpec& spec);
// The same as JSON: what manual pages, the reference, completion and configuration files are made
// from (--describe, which --help leaves out).
std::string description(const DaemonSpec& spec);

}  // namespace assent
