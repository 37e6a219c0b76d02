#include "tests/bench/processes.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include <unistd.h>

namespace assent::bench {
namespace {

std::ifstream proc(pid_t pid, const char* file) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/" + file);
  if (!in) throw std::runtime_error("process " + std::to_string(pid) + " is gone");
  return in;
}

// In clock ticks: user and system time, its own and that of its children that have ended.
std::vector<double> times_of(pid_t pid) {
  auto in = proc(pid, "stat");
  std::string text;
  std::getline(in, text);
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  std::vector<double> times(4);
  for (double& each : times) rest >> each;
  return times;
}

}  // namespace

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double load_average() {
  double minute = 0;
  std::ifstream("/proc/loadavg") >> minute;
  return minute;
}

double resident_mib(pid_t pid) {
  auto in = proc(pid, "status");
  for (std::string word; in >> word;) {
    if (word != "VmRSS:") continue;
    double kib = 0;
    in >> kib;
    return kib / 1024;
  }
  throw std::runtime_error("no VmRSS");
}

double cpu_seconds(pid_t pid) {
  const std::vector<double> times = times_of(pid);
  return (times[0] + times[1]) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double cpu_seconds_of_tree(pid_t pid) {
  const std::vector<double> own = times_of(pid);
  double ticks = own[0] + own[1] + own[2] + own[3];
  const std::string self = std::to_string(pid);
  std::ifstream children("/proc/" + self + "/task/" + self + "/children");
  for (pid_t child = 0; children >> child;) {
    try {
      const std::vector<double> times = times_of(child);
      ticks += times[0] + times[1];
    } catch (const std::runtime_error&) {  // it has ended since
    }
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void await(const std::string& what, std::chrono::milliseconds within,
           const std::function<bool()>& condition) {
  const auto until = Clock::now() + within;
  while (!condition()) {
    if (Clock::now() >= until) throw std::runtime_error("not in time: " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace assent::bench
