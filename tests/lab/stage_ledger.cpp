// Steps that concern the ledger and what stands below it: its disk, the clock, copies of it.
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <map>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

#include "protocol/runtime/config.hpp"
#include "tests/lab/stage.hpp"

namespace assent::lab {
namespace {

constexpr std::chrono::seconds kStart{20};

std::filesystem::path copy_of(const std::filesystem::path& ledger) {
  return ledger.parent_path() / "ledger-copy";
}

std::string library(const char* name) {
  return (dev::executable_folder() / name).string();
}

}  // namespace

// Where nothing is to be moved or to fail, nothing is loaded.
test::Environment Stage::preloads(const Scenario& scenario, const std::string& daemon) const {
  bool disk = scenario.small_ledger && !disk_->mounted();
  bool clock = false;
  for (const Step& step : scenario.steps) {
    disk |= step.verb == Verb::fail_disk;
    const bool moves = step.verb == Verb::clock_forward || step.verb == Verb::clock_back;
    clock |= moves && step.words[0] == daemon;
  }
  test::Environment env;
  std::string libraries;
  if (disk && daemon == "coordinator") {
    libraries = library("assent-disk-faults.so");
    env.emplace_back("LAB_DISK_FAULTS", disk_control().string());
    if (disk_) env.emplace_back("LAB_DISK_FULL", disk_->control().string());
  }
  if (clock) {
    libraries += (libraries.empty() ? "" : ":") + library("assent-clock-faults.so");
    env.emplace_back("LAB_CLOCK", clock_control(daemon).string());
    if (!std::filesystem::exists(clock_control(daemon))) write_clock(daemon, 0);
  }
  if (libraries.empty()) return env;
  env.emplace_back("LD_PRELOAD", libraries);
  env.emplace_back("ASAN_OPTIONS", "verify_asan_link_order=0");
  return env;
}

void Stage::perform_ledger(const Step& step) {
  namespace fs = std::filesystem;
  const fs::path& ledger = own().ledger();
  switch (step.verb) {
    case Verb::fail_disk:
      return fail_disk(step);
    case Verb::fill_disk:
    case Verb::free_disk:
      return fill_disk(step);
    case Verb::clock_forward:
    case Verb::clock_back:
      return move_clock(step);
    default:
      timeline_.mark("coordinator", MarkKind::fault, step.text);
  }
  switch (step.verb) {
    case Verb::copy_ledger:
      fs::remove_all(copy_of(ledger));
      return fs::copy(ledger, copy_of(ledger), fs::copy_options::recursive);
    case Verb::put_back:
      fs::remove_all(ledger);
      return fs::copy(copy_of(ledger), ledger, fs::copy_options::recursive);
    case Verb::second:
      return start_second(ledger);
    case Verb::second_copy:
      return start_second(copy_of(ledger));
    case Verb::lead:
      if (!second_) throw std::runtime_error("there is no second coordinator");
      return proxy(step.words[0] + "-coordinator").lead_to(second_port_);
    default:
      return proxy(step.words[0] + "-coordinator").lead_to(own().port());
  }
}

void Stage::start_second(const std::filesystem::path& ledger) {
  second_port_ = dev::free_port();
  dev::ProcessOptions process;
  process.name = "second coordinator";
  process.argv = {(dev::executable_folder() / "assent-coordinator").string(),
                  "--ledger",
                  ledger.string(),
                  "--listen",
                  "127.0.0.1:" + std::to_string(second_port_),
                  "--admin-listen",
                  "127.0.0.1:" + std::to_string(dev::free_port()),
                  "--log-format",
                  "text"};
  process.log = folder_ / "second-coordinator.log";
  second_ = std::make_unique<dev::Process>(process);
  second_->wait_for_port(second_port_, kStart);
}

// Read by disk_faults.cpp, inside the daemon.
void Stage::fail_disk(const Step& step) {
  const std::map<std::string, int> errors = {{"EIO", EIO}, {"ENOSPC", ENOSPC}};
  const auto error = errors.find(step.words[2]);
  if (error == errors.end() || (step.words[0] != "pwrite" && step.words[0] != "fdatasync"))
    throw std::runtime_error("pwrite or fdatasync can fail, with EIO or ENOSPC");
  static_cast<void>(own());
  fault("coordinator", step.text);
  const std::filesystem::path control = disk_control();
  const std::filesystem::path whole = control.string() + ".new";
  std::ofstream(whole) << step.words[0] << ' ' << step.words[1] << ' ' << error->second << '\n';
  std::filesystem::rename(whole, control);
}

void Stage::fill_disk(const Step& step) {
  if (!disk_) throw std::runtime_error("only a `small ledger` can be filled");
  if (step.verb == Verb::free_disk) {
    timeline_.mark("coordinator", MarkKind::step, step.text);
    return disk_->free();
  }
  fault("coordinator", step.text + " (" + disk_->kind() + ")");
  disk_->fill();
}

// Mapped by clock_faults.cpp, inside the daemon: written over in place, never replaced.
void Stage::write_clock(const std::string& daemon, std::int64_t moved_us) const {
  const std::string file = clock_control(daemon).string();
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  const bool written = fd >= 0 && ::pwrite(fd, &moved_us, sizeof moved_us, 0) == sizeof moved_us;
  if (fd >= 0) ::close(fd);
  if (!written) throw std::runtime_error("cannot write " + file);
}

void Stage::move_clock(const Step& step) {
  static_cast<void>(own());
  const std::string& daemon = step.words[0];
  fault(daemon, step.text);
  const auto time = std::chrono::microseconds(parse_duration(step.words[1]).value());
  std::int64_t& moved_us = clocks_us_[daemon];
  moved_us += step.verb == Verb::clock_forward ? time.count() : -time.count();
  write_clock(daemon, moved_us);
}

}  // namespace assent::lab
