#include "clients/dev/process.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace assent::dev {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kPollInterval{5};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

// A file descriptor closed with its scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void close() { ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

// Everything the child needs, made before fork(): between fork and exec only system calls are safe.
struct Launch {
  std::vector<char*> argv;
  std::vector<std::string> env_text;
  std::vector<char*> env;
  std::string program;
  int input = -1;
  int log = -1;    // -1: keep ours
  int error = -1;  // a pipe that carries errno back when exec fails
  pid_t parent = 0;
};

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
  throw std::runtime_error("there is no program '" + name + "' in PATH");
}

std::vector<std::string> environment(const ProcessOptions& options) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    const bool withheld = !options.without_env.empty() && text.starts_with(options.without_env);
    if (equals != text.npos && !withheld)
      all[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : options.env) all[name] = value;
  std::vector<std::string> result;
  for (const auto& [name, value] : all) result.push_back(name + "=" + value);
  return result;
}

// Runs in the child. Async-signal-safe calls only.
[[noreturn]] void become(const ProcessOptions& options, const Launch& launch) {
  const auto give_up = [&] {
    const int reason = errno;
    [[maybe_unused]] const auto written = ::write(launch.error, &reason, sizeof reason);
    ::_exit(127);
  };
  ::setpgid(0, 0);
  if (::dup2(launch.input, STDIN_FILENO) < 0) give_up();
  if (launch.log >= 0)
    if (::dup2(launch.log, STDOUT_FILENO) < 0 || ::dup2(launch.log, STDERR_FILENO) < 0) give_up();
  if (options.account) {
    const Account& account = *options.account;
    if (::setgroups(0, nullptr) != 0 || ::setgid(account.gid) != 0 || ::setuid(account.uid) != 0)
      give_up();
  }
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) give_up();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::signal(number, SIG_DFL);
  // After setuid, which clears it. A parent that died before this line is noticed by the second.
  ::prctl(PR_SET_PDEATHSIG, options.death_signal);
  if (::getppid() != launch.parent) ::_exit(127);
  ::execve(launch.program.c_str(), launch.argv.data(), launch.env.data());
  give_up();
  ::_exit(127);
}

ExitStatus decode(int status) {
  if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

std::uintmax_t size_of(const fs::path& file) {
  std::error_code ignored;
  const auto size = fs::file_size(file, ignored);
  return ignored ? 0 : size;
}

}  // namespace

std::string to_string(const ExitStatus& status) {
  if (status.signal != 0)
    return "ended by signal " + std::to_string(status.signal) + " (" + ::strsignal(status.signal) +
           ")";
  return "ended with status " + std::to_string(status.code);
}

Process::Process(ProcessOptions options) : options_(std::move(options)) {
  if (options_.argv.empty()) throw std::logic_error("a process needs an argv[0]");
  Launch launch;
  launch.program = find_program(options_.argv.front());
  if (options_.name.empty()) options_.name = fs::path(launch.program).filename().string();
  for (std::string& argument : options_.argv) launch.argv.push_back(argument.data());
  launch.argv.push_back(nullptr);
  launch.env_text = environment(options_);
  for (std::string& entry : launch.env_text) launch.env.push_back(entry.data());
  launch.env.push_back(nullptr);

  const std::string input = options_.input.empty() ? "/dev/null" : options_.input.string();
  Descriptor in(::open(input.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) fail("cannot read " + input);
  launch.input = in.get();
  Descriptor log(-1);
  if (!options_.log.empty()) {
    log_start_ = size_of(options_.log);
    launch.log = ::open(options_.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (launch.log < 0) fail("cannot write the log " + options_.log.string());
  }
  Descriptor log_guard(launch.log);
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) fail("cannot make a pipe");
  Descriptor reader(pipe[0]);
  Descriptor writer(pipe[1]);
  launch.error = writer.get();
  launch.parent = ::getpid();

  pid_ = ::fork();
  if (pid_ < 0) fail("cannot start " + options_.name);
  if (pid_ == 0) become(options_, launch);
  ::setpgid(pid_, pid_);  // both sides, so that the group exists before either goes on
  writer.close();
  int reason = 0;
  ssize_t got = 0;
  do got = ::read(reader.get(), &reason, sizeof reason);
  while (got < 0 && errno == EINTR);
  if (got > 0) {
    ::waitpid(pid_, nullptr, 0);
    throw std::runtime_error("cannot run " + launch.program + ": " + std::strerror(reason));
  }
}

Process::~Process() {
  if (pid_ < 0 || !running()) return;
  signal_group(SIGKILL);
  wait(std::chrono::seconds(10));
}

Process::Process(Process&& other) noexcept
    : options_(std::move(other.options_)),
      pid_(std::exchange(other.pid_, -1)),
      log_start_(other.log_start_),
      status_(other.status_) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(options_, other.options_);
  std::swap(pid_, other.pid_);
  std::swap(log_start_, other.log_start_);
  std::swap(status_, other.status_);
  return *this;
}

std::optional<ExitStatus> Process::exit_status() {
  if (!status_ && pid_ > 0) {
    int status = 0;
    pid_t got = 0;
    do got = ::waitpid(pid_, &status, WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == pid_) status_ = decode(status);
  }
  return status_;
}

bool Process::running() {
  return pid_ > 0 && !exit_status();
}

std::optional<ExitStatus> Process::wait(milliseconds timeout) {
  poll_until([this] { return !running(); }, timeout);
  return status_;
}

void Process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

void Process::signal_group(int number) {
  if (running()) ::kill(-pid_, number);
}

ExitStatus Process::stop(milliseconds grace, int number) {
  signal(number);
  if (!wait(grace)) {
    signal_group(SIGKILL);
    wait(std::chrono::seconds(10));
  }
  return status_.value_or(ExitStatus{-1, SIGKILL});
}

bool Process::wait_until(const std::function<bool()>& ready, milliseconds timeout) {
  bool is_ready = false;
  poll_until([&] { return (is_ready = ready()) || !running(); }, timeout);
  // It may have become ready between the last look and its end.
  return is_ready || (!running() && ready());
}

std::optional<std::string> Process::wait_for_line(std::string_view text, milliseconds timeout) {
  std::optional<std::string> found;
  wait_until(
      [&] {
        std::istringstream lines(logged());
        for (std::string line; std::getline(lines, line);) {
          // The last line counts once it is complete.
          if (lines.eof() || line.find(text) == std::string::npos) continue;
          found = line;
          return true;
        }
        return false;
      },
      timeout);
  return found;
}

bool Process::wait_for_port(std::uint16_t port, milliseconds timeout) {
  return wait_until([port] { return accepts(port); }, timeout);
}

std::string Process::logged() const {
  std::ifstream file(options_.log);
  file.seekg(static_cast<std::streamoff>(log_start_));
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

std::string Process::log_tail(std::size_t lines) const {
  const std::string all = logged();
  std::size_t from = all.size();
  for (std::size_t count = 0; from > 0; --from)
    if (all[from - 1] == '\n' && from != all.size() && ++count == lines) break;
  return all.substr(from);
}

Finished run(ProcessOptions options, milliseconds timeout) {
  Descriptor memory(::memfd_create("output", MFD_CLOEXEC));
  if (memory.get() < 0) fail("cannot make a buffer");
  options.log = "/proc/self/fd/" + std::to_string(memory.get());
  Process process(std::move(options));
  process.wait(timeout);
  const ExitStatus status = process.stop(milliseconds(0), SIGKILL);
  return {status, process.logged()};
}

bool poll_until(const std::function<bool()>& condition, milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

}  // namespace assent::dev
