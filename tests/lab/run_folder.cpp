#include "tests/lab/run_folder.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace assent::lab {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKeep = "repeat.sh";  // where it is, the folder stays

// Whether that process is a PostgreSQL server in this folder, and not another one that has got its
// number since.
bool serves(pid_t pid, const fs::path& data) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
  std::string command;
  std::getline(file, command);
  return command.find(data.string()) != std::string::npos;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::ifstream file("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
                     "/children");
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

// Its first line is the server's process id; the seventh, "key id", its shared memory.
void end_server(const fs::path& data) {
  std::ifstream file(data / "postmaster.pid");
  pid_t pid = 0;
  int shared_memory = -1;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::istringstream words(line);
    long key = 0;
    if (number == 1) words >> pid;
    if (number == 7) words >> key >> shared_memory;
  }
  if (pid > 0 && serves(pid, data)) {
    const std::vector<pid_t> children = children_of(pid);
    ::kill(pid, SIGKILL);
    for (const pid_t child : children) ::kill(child, SIGKILL);
  }
  if (shared_memory >= 0) ::shmctl(shared_memory, IPC_RMID, nullptr);
}

void end_servers(const fs::path& folder) {
  std::error_code ignored;
  const auto quiet = fs::directory_options::skip_permission_denied;
  std::vector<fs::path> found;
  for (fs::recursive_directory_iterator at(folder, quiet, ignored), end; at != end;
       at.increment(ignored)) {
    if (ignored) break;
    if (at->path().filename() == "postmaster.pid") found.push_back(at->path().parent_path());
    if (at.depth() > 4) at.disable_recursion_pending();
  }
  for (const fs::path& data : found) end_server(data);
}

[[noreturn]] void reap(int lifeline, const fs::path& folder) {
  ::setsid();  // Ctrl-C is not for us
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_IGN);
  char nothing = 0;
  ssize_t got = 0;
  do got = ::read(lifeline, &nothing, 1);
  while (got < 0 && errno == EINTR);
  end_servers(folder);
  if (!fs::exists(folder / kKeep)) {
    // Whoever is still dying may write once more.
    std::error_code failed;
    for (int attempt = 0; attempt < 50 && fs::exists(folder); ++attempt) {
      fs::remove_all(folder, failed);
      if (failed) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  ::_exit(0);
}

}  // namespace

RunFolder::RunFolder() {
  std::string name = (fs::temp_directory_path() / "assent-lab-XXXXXX").string();
  if (!::mkdtemp(name.data()))
    throw std::runtime_error("cannot make the folder " + name + ": " + std::strerror(errno));
  path_ = name;
  ::chmod(name.c_str(), 0711);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  reaper_ = ::fork();
  if (reaper_ < 0) throw std::runtime_error("cannot start the reaper");
  if (reaper_ == 0) {
    ::close(ends[1]);
    reap(ends[0], path_);
  }
  ::close(ends[0]);
  lifeline_ = ends[1];
}

RunFolder::~RunFolder() {
  ::close(lifeline_);
  ::waitpid(reaper_, nullptr, 0);
}

fs::path RunFolder::fresh(const std::string& name) {
  fs::path folder = path_ / name;
  for (int number = 2; fs::exists(folder); ++number)
    folder = path_ / (name + "-" + std::to_string(number));
  fs::create_directories(folder);
  return folder;
}

void RunFolder::keep(const std::string& again) {
  std::ofstream(path_ / kKeep) << "#!/bin/sh\n" << again << '\n';
  fs::permissions(path_ / kKeep, fs::perms::owner_all);
}

}  // namespace assent::lab
