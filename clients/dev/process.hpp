// Child processes under control: for throwaway servers, `assent dev`, tests and the failure lab.
//
// Not thread-safe. A child is told to die when the *thread* that started it ends (that is how Linux
// counts parents), so start children from a thread that outlives them: the main thread.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "clients/dev/machine.hpp"

namespace assent::dev {

using std::chrono::milliseconds;

struct ProcessOptions {
  std::string name{};               // in messages; empty: the program's file name
  std::vector<std::string> argv{};  // argv[0] without a slash is looked up in PATH
  std::vector<std::pair<std::string, std::string>> env{};  // added to ours, replacing equal names
  std::string without_env{};          // variables of ours whose names begin so are not passed on
  std::filesystem::path directory{};  // empty: ours
  std::filesystem::path input{};      // stdin; empty: /dev/null
  std::filesystem::path log{};        // stdout and stderr are appended here; empty: ours
  std::optional<Account> account{};   // needs root
  int death_signal = SIGKILL;         // what it gets when we die, however we die
};

struct ExitStatus {
  int code = -1;   // -1: ended by a signal
  int signal = 0;  // 0: ended by itself
  bool ok() const { return code == 0; }
};
std::string to_string(const ExitStatus& status);

class Process {
 public:
  // Starts it, in a process group of its own. Throws std::runtime_error when it cannot be executed.
  explicit Process(ProcessOptions options);
  // Kills its group and waits for it.
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  const std::string& name() const { return options_.name; }
  const ProcessOptions& options() const { return options_; }
  // Stays valid as a number after the end, but is then no longer ours: nothing is sent to it.
  pid_t pid() const { return pid_; }

  bool running();
  // nullopt while it runs.
  std::optional<ExitStatus> exit_status();
  // nullopt when it still runs after `timeout`.
  std::optional<ExitStatus> wait(milliseconds timeout);
  // To the process alone / to its whole group. Nothing happens once it has ended.
  void signal(int number);
  void signal_group(int number);
  // Signals, waits for `grace`, then kills the group.
  ExitStatus stop(milliseconds grace = std::chrono::seconds(10), int number = SIGTERM);

  // Polls until `ready` says true; false after `timeout`, or as soon as the process has ended.
  bool wait_until(const std::function<bool()>& ready, milliseconds timeout);
  // The first line this run has logged that contains `text`. Needs a log.
  std::optional<std::string> wait_for_line(std::string_view text, milliseconds timeout);
  // Until something accepts on 127.0.0.1:port.
  bool wait_for_port(std::uint16_t port, milliseconds timeout);
  // What this run has logged, and its last lines, for messages.
  std::string logged() const;
  std::string log_tail(std::size_t lines = 15) const;

 private:
  ProcessOptions options_;
  pid_t pid_ = -1;
  std::uintmax_t log_start_ = 0;
  std::optional<ExitStatus> status_;
};

// Runs a program to its end and returns what it wrote to stdout and stderr. Killed after `timeout`
// (its status then says so). Options as for Process; `log` is not used.
struct Finished {
  ExitStatus status;
  std::string output;
};
Finished run(ProcessOptions options, milliseconds timeout = std::chrono::seconds(60));

// Polls a condition; true as soon as it holds, false when it did not within `timeout`.
bool poll_until(const std::function<bool()>& condition, milliseconds timeout);

}  // namespace assent::dev
