// What can be done to the processes of a deployment that others have started, and how it is left.
#include <csignal>
#include <stdexcept>

#include "tests/lab/points.hpp"
#include "tests/lab/stage.hpp"

namespace assent::lab {

using namespace std::chrono_literals;

void Stage::signal_existing(const std::string& daemon, int number) {
  if (daemon.find('.') != std::string::npos)
    throw std::runtime_error(daemon +
                             " is not the lab's: of PostgreSQL servers that others have "
                             "started, backends can be terminated, slots and connections taken");
  if (number == SIGCONT) {
    if (const auto stopped = stopped_.find(daemon); stopped != stopped_.end())
      ::kill(stopped->second, SIGCONT);
    stopped_.erase(daemon);
    return;
  }
  const bool leads = daemon == "coordinator";
  const pid_t pid = listener(admin_of(daemon), leads ? "assent-coordinator" : "assent-participant");
  if (number == SIGSTOP) stopped_[daemon] = pid;
  ::kill(pid, number);
}

// Whoever watches over it may have started it again when this returns.
void Stage::kill_existing(const std::string& daemon) {
  signal_existing(daemon, SIGKILL);
  stopped_.erase(daemon);
}

// Nothing of this may throw: it is how the stage ends.
void Stage::leave_existing() {
  const auto quietly = [](const auto& undo) {
    try {
      undo();
    } catch (const std::exception&) {
      // Who cannot be reached is left as he is.
    }
  };
  for (const auto& [daemon, pid] : stopped_) ::kill(pid, SIGCONT);
  for (const auto& [daemon, point] : ordered_)
    quietly([&, at = to_string(admin_of(daemon)), name = point] { order_at(at, name, ""); });
  crowds_.clear();
  for (const std::string& name : slots_taken_) quietly([&] { give_slots_back(conninfo(name)); });
  for (const std::string& name : at_.names())
    quietly([&] {
      dev::query(conninfo(name), "set lock_timeout = '10s'; drop table if exists lab_mark");
    });
}

}  // namespace assent::lab
