// A disk in memory that forgets, on demand, what was not synced: for tests and the simulator.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "coordinator/log/files.hpp"

namespace assent::test {

// Thrown out of the operation at which the simulated machine or process dies.
struct SimulatedCrash {};

// What outlives a process: the page cache and the platter. MemoryFiles is one process's view of it.
class MemoryDisk {
 public:
  // The process dies; the operating system goes on. Nothing is lost, not even what only looks
  // written after a failed sync.
  void kill() { locked_ = false; }
  // The machine dies: each 512-byte sector that was not synced is there or not, names created,
  // renamed and unlinked since the last sync_folder() survive up to some point, as chance has it.
  void power_off(std::mt19937_64& chance);
  // Nothing that was not synced survives.
  void power_off();

  // Of the page cache: what a process reads now. For damaging files, and for looking at them.
  std::map<std::string, std::string> content() const;
  // The file is there, under this name and with this content, whatever happens to the machine.
  bool is_durable(const std::string& name) const;
  void put(const std::string& name, std::string content);  // durable at once
  void remove(const std::string& name);                    // likewise

  // Each operation that changes something counts, from 1. At number `crash_at` the process dies in
  // the middle of it: half of what a pwrite was to write is in the page cache, any other operation
  // is not done, or done when `crash_after` is set.
  std::uint64_t operations = 0;
  std::uint64_t crash_at = 0;
  bool crash_after = false;
  // Asked before each of them; an error is what the operation answers. `what` is the name of the
  // function. A failed fdatasync drops what it was to write, as Linux does: a later one succeeds
  // and writes nothing of it.
  std::function<std::error_code(const std::string& what, const std::string& name)> fault;
  // How much the files may hold together; beyond it pwrite answers "no space".
  std::uint64_t room = ~0ull;
  Place place{"0123456789abcdef0123456789abcdef", 1, 2};

 private:
  friend class MemoryFiles;
  struct File {
    std::string cache;     // what is read
    std::string believed;  // what the kernel holds for synced
    std::string platter;   // what is there after the power comes back
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  void lose_power(const std::function<bool()>& survives);
  std::uint64_t used() const;

  Names names_;
  std::vector<Names> unsynced_names_;  // after each change since the last sync, in order
  Names durable_names_;
  bool locked_ = false;
};

class MemoryFiles final : public Files {
 public:
  explicit MemoryFiles(MemoryDisk& disk) : disk_(disk) {}
  ~MemoryFiles() override {
    if (holds_lock_) disk_.locked_ = false;
  }

  std::error_code lock(std::string& holder) override;
  std::error_code list(std::vector<std::string>& names) override;
  std::error_code read(const std::string& name, std::uint64_t limit, std::string& content,
                       std::uint64_t& size) override;
  std::error_code create(const std::string& name, Handle& handle) override;
  std::error_code pwrite(Handle handle, std::uint64_t offset, std::string_view bytes) override;
  std::error_code fdatasync(Handle handle) override;
  void close(Handle handle) override;
  std::error_code rename(const std::string& from, const std::string& to) override;
  std::error_code unlink(const std::string& name) override;
  std::error_code sync_folder() override;
  Place place() override { return disk_.place; }
  std::string path(const std::string& name) const override { return "/disk/" + name; }

 private:
  struct Open {
    std::string name;
    std::shared_ptr<MemoryDisk::File> file;
  };
  // Counts the operation, asks for its fault, does it, and dies before, in or after it.
  std::error_code operate(const std::string& what, const std::string& name,
                          const std::function<std::error_code(bool half)>& act);
  void name_changed() { disk_.unsynced_names_.push_back(disk_.names_); }

  MemoryDisk& disk_;
  std::map<Handle, Open> open_;
  Handle next_ = 3;
  bool holds_lock_ = false;
};

}  // namespace assent::test
