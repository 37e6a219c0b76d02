#include "tests/bench/processes.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <unistd.h>

namespace assent::bench {
namespace {

std::ifstream proc(pid_t pid, const char* file) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/" + file);
  if (!in) throw std::runtime_error("process " + std::to_string(pid) + " is gone");
  return in;
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
  auto in = proc(pid, "stat");
  std::string text;
  std::getline(in, text);
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
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
