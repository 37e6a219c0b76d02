#include "clients/cli/dev.hpp"

#include <csignal>
#include <map>
#include <ostream>

#include "clients/cli/command_line.hpp"
#include "clients/cli/dev_installation.hpp"

namespace assent::cli {

const char* const kDevFooter = R"(
Starts PostgreSQL servers with a demo bank (table account), a participant beside each, and a
coordinator; prints their addresses; and removes everything at Ctrl-C. What dies is started again.
The servers trust whoever connects from this machine: not for data that matters.

To see what a crash does, from another terminal:
  assent dev kill coordinator      kill -9, and it stays down
  assent dev psql bank_a -- -c 'select * from pg_prepared_xacts'
  assent dev start coordinator

Parts: coordinator; bank_a, bank_b … (participants); bank_a.db, bank_b.db … (PostgreSQL).
)";

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// SIGINT, SIGTERM and SIGHUP are blocked and asked for, so that nothing is ever half done.
class Interruption {
 public:
  Interruption() {
    sigemptyset(&signals_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, number);
    ::sigprocmask(SIG_BLOCK, &signals_, &before_);
  }
  ~Interruption() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // Waits up to `time` for one of them; once there was one, true without waiting.
  bool wait(std::chrono::milliseconds time) {
    const timespec limit{time.count() / 1000, (time.count() % 1000) * 1'000'000};
    if (!came_) came_ = ::sigtimedwait(&signals_, nullptr, &limit) > 0;
    return came_;
  }

 private:
  sigset_t signals_{};
  sigset_t before_{};
  bool came_ = false;
};

// Makes what runs agree with what is wanted.
class Keeper {
 public:
  Keeper(Installation& installation, bool restart, const Terminal& terminal)
      : installation_(installation), restart_(restart), terminal_(terminal) {
    for (const auto& part : installation.parts()) seen_running_[part.get()] = true;
  }

  void look() {
    bool changed = false;
    for (const auto& part : installation_.parts()) changed |= look(*part);
    if (changed) installation_.write_state();
  }

 private:
  static constexpr int kQuickDeaths = 5;  // in a row, and it is left down
  static constexpr auto kQuick = 5s;

  bool look(Part& part) {
    const bool down = installation_.wanted_down(part);
    if (part.running()) {
      if (!down) return false;
      part.kill();
      say(part, "killed; it stays down until: assent dev start " + part.name());
      seen_running_[&part] = false;
      return true;
    }
    const bool died = std::exchange(seen_running_[&part], false);
    if (died) {
      const bool quick = Clock::now() - started_[&part] < kQuick;
      quick_deaths_[&part] = quick ? quick_deaths_[&part] + 1 : 0;
      const bool give_up = !restart_ || quick_deaths_[&part] >= kQuickDeaths;
      if (give_up && !down) installation_.want_down(part);
      say(part, part.ended() + (give_up || down ? "; to start it: assent dev start " + part.name()
                                                : "; starting it again"));
      if (give_up) return true;
    }
    if (down) return died;
    start(part);
    return true;
  }

  void start(Part& part) {
    started_[&part] = Clock::now();
    try {
      part.start();
      seen_running_[&part] = true;
      say(part, "running again, pid " + std::to_string(part.pid()));
    } catch (const std::exception& error) {
      installation_.want_down(part);
      say(part, std::string(error.what()) + "\nto try again: assent dev start " + part.name());
    }
  }

  void say(const Part& part, const std::string& what) const {
    terminal_.err << terminal_.paint(part.name(), Colour::bold) << ": " << what << std::endl;
  }

  Installation& installation_;
  bool restart_;
  const Terminal& terminal_;
  std::map<const Part*, bool> seen_running_;
  std::map<const Part*, Clock::time_point> started_;
  std::map<const Part*, int> quick_deaths_;
};

std::string transfer(const std::vector<std::string>& participants) {
  const auto statement = [](const char* sign, const char* id) {
    return std::string("{\"sql\": \"update account set balance = balance ") + sign +
           " 100 where id = " + id + "\", \"expect\": {\"rows\": 1}}";
  };
  const auto branch = [](const std::string& participant, const std::string& statements) {
    return " {\"participant\": \"" + participant + "\", \"statements\": [\n   " + statements + "]}";
  };
  const std::string& from = participants.front();
  if (participants.size() == 1)
    return "{\"branches\": [\n" +
           branch(from, statement("-", "1") + ",\n   " + statement("+", "2")) + "]}\n";
  return "{\"branches\": [\n" + branch(from, statement("-", "1")) + ",\n" +
         branch(participants[1], statement("+", "1")) + "]}\n";
}

void greet(const Installation& installation, bool keep, const Terminal& terminal) {
  std::ostream& out = terminal.out;
  const std::string url = installation.url();
  const std::string at = url == "http://127.0.0.1:7400" ? std::string() : "ASSENT_URL=" + url + " ";
  const auto& names = installation.participants();
  out << '\n'
      << terminal.paint("Assent is ready", Colour::green) << " at "
      << terminal.paint(url, Colour::bold) << "  (folder " << installation.folder().string()
      << ")\n\n";
  for (const std::string& name : names)
    out << "  " << name << "  " << installation.psql(name) << '\n';
  // Not indented: these lines are for copying, and the shell wants END at the beginning of its
  // line.
  out << "\nMove 100 from one account to another, and see it:\n\n"
      << at << "assent run - <<'END'\n"
      << transfer(names) << "END\n"
      << at << "assent list\n\nCtrl-C stops everything"
      << (keep ? "; the folder is kept." : " and removes it.") << std::endl;
}

}  // namespace

int run_dev(const DevOptions& options, const Terminal& terminal) {
  Interruption interruption;
  try {
    Installation installation(options);
    while (!interruption.wait(0ms) && installation.start_next(terminal)) continue;
    const bool ready = !interruption.wait(0ms) &&
                       installation.wait_until_ready([&] { return interruption.wait(0ms); });
    if (ready) {
      installation.write_state();
      greet(installation, !options.folder.empty(), terminal);
      Keeper keeper(installation, !options.no_restart, terminal);
      while (!interruption.wait(50ms)) keeper.look();
    }
    terminal.err << "stopping" << std::endl;
    return kDone;
  } catch (const std::exception& error) {
    terminal.err << "error: " << error.what() << '\n';
    return kBroken;
  }
}

}  // namespace assent::cli
