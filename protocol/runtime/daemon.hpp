// What a daemon needs around its loop: options, configuration, logging, signals, exit codes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "protocol/runtime/config.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

// What the process ends with; after sysexits.h, so that a service manager can tell what to do.
struct ExitCode {
  static constexpr int ok = 0;
  static constexpr int usage = 64;          // the command line: restarting does not help
  static constexpr int internal = 70;       // a defect, or a disk that failed
  static constexpr int temporary = 75;      // something outside was missing: restart later
  static constexpr int configuration = 78;  // the configuration or the data: a person must look
};

struct DaemonCommand {
  std::string name;  // the first argument that is not an option
  std::string help;  // one line
};

struct DaemonSpec {
  std::string name;  // of the program
  std::string version;
  std::string summary;                  // one line
  std::vector<DaemonCommand> commands;  // the first is done when none is given; may be empty
  std::vector<ConfigKey> keys;          // log.level and log.format are added
  std::vector<std::string> crash_points;
  std::string example;  // a few lines of shell, for --help
};

// Something outside is missing that may come back: the process ends with ExitCode::temporary.
class TemporaryError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct DaemonRun {
  std::string command;  // one of the spec's, or empty when it has none
  Config config;
  // Reads options, environment and file again. Throws ConfigError.
  std::function<Config()> reload;
};

// Reads options, environment (ASSENT_…) and the file (--config FILE or ASSENT_CONFIG), in this
// order of precedence, sets up logging, arms crash points, ignores SIGPIPE and runs `body`, whose
// result is the exit code. --help, --version, --print-config and --list-crash-points are answered
// here. Unknown options, keys and variables are refused by name. What `body` throws is logged:
// ConfigError, TemporaryError and others end with their ExitCode.
int run_daemon(int argc, char** argv, const DaemonSpec& spec,
               const std::function<int(const DaemonRun&)>& body);

// SIGTERM and SIGINT while it lives: the first calls `drain` on the loop, a second ends the process
// at once. It keeps the loop running until it is destroyed or cancelled.
class TerminationSignals {
 public:
  TerminationSignals(boost::asio::io_context& io, std::function<void()> drain);
  ~TerminationSignals();
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace assent
