// What a daemon needs around its loop: options, configuration, logging, signals, exit codes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/runtime/config.hpp"
#include "protocol/runtime/finding.hpp"

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

// An option of one command, beside the keys: "--online", or "--to FOLDER".
struct CommandOption {
  std::string name;   // with its dashes
  std::string value;  // what it takes, as FOLDER; empty: nothing
  std::string help;   // one line
  bool required = false;
};

struct DaemonCommand {
  std::string name;  // the arguments that are no options: "serve", "log verify"
  std::string help;  // one line
  std::vector<CommandOption> options = {};
};

struct DaemonSpec {
  std::string name;  // of the program
  std::string version;
  std::string summary;                  // one line
  std::vector<DaemonCommand> commands;  // the first is done when none is given; config … are added
  std::vector<ConfigKey> keys;          // log.level and log.format are added
  std::vector<std::string> crash_points;
  std::string example;  // a few lines of shell, for --help
  // For `config check`: all that is wrong beyond each key by itself, without touching anything, and
  // what is wrong outside, with --online. Both may meet defaults in place of keys that are wrong.
  std::function<Findings(const Config&)> check;
  std::function<Findings(const Config&)> check_online;
  std::string online_help = "look outside as well";  // what that is, one line
};

// Something outside is missing that may come back: the process ends with ExitCode::temporary.
class TemporaryError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct DaemonRun {
  std::string command;  // one of the spec's
  Config config;
  std::map<std::string, std::string> options;  // those given of the command's own, by name
  // Reads options, environment and file again. Throws ConfigError.
  std::function<Config()> reload;
};

// Reads options, environment (ASSENT_…) and the file (--config FILE or ASSENT_CONFIG), in this
// order of precedence, sets up logging, arms crash points, ignores SIGPIPE and runs `body`, whose
// result is the exit code. --help, --version, --list-crash-points and the commands `config check`,
// `config show` and `config sample` are answered here. Unknown options, keys and variables are
// refused by name. What `body` throws is logged: ConfigError, TemporaryError and others end with
// their ExitCode.
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
