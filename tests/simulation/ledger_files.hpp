// The files of a ledger as one coordinator's process sees them: those of the simulated disk. Where
// a mistake is made on purpose, they lie about it, so that production code needs no switch for it.
#pragma once

#include <string>

#include "tests/simulation/world.hpp"
#include "tests/support/memory_files.hpp"

namespace assent::simulation {

class LedgerFiles final : public Files {
 public:
  LedgerFiles(test::MemoryDisk& disk, Plant plant) : disk_(disk), files_(disk), plant_(plant) {}

  std::error_code lock(std::string& holder) override { return files_.lock(holder); }
  std::error_code list(std::vector<std::string>& names) override { return files_.list(names); }
  std::error_code read(const std::string& name, std::uint64_t limit, std::string& content,
                       std::uint64_t& size) override;
  std::error_code create(const std::string& name, Handle& handle) override {
    return files_.create(name, handle);
  }
  std::error_code pwrite(Handle handle, std::uint64_t offset, std::string_view bytes) override;
  std::error_code fdatasync(Handle handle) override;
  void close(Handle handle) override { files_.close(handle); }
  std::error_code rename(const std::string& from, const std::string& to) override;
  std::error_code unlink(const std::string& name) override { return files_.unlink(name); }
  std::error_code sync_folder() override;
  Place place() override;
  std::string path(const std::string& name) const override { return files_.path(name); }

  // The segment in use.
  const std::string& current() const { return current_; }

 private:
  void delete_all_segments();

  test::MemoryDisk& disk_;
  test::MemoryFiles files_;
  Plant plant_;
  std::string current_;
  bool stands_alone_ = false;  // the last opening written needs no segment before it
};

// The segments' names among those of a folder, oldest first.
std::vector<std::string> segments_of(test::MemoryDisk& disk);
// Where the whole, undamaged records of a segment's file end, and where the last of them begins
// (its end, where there is none).
struct Records {
  std::uint64_t last = 0;
  std::uint64_t end = 0;
};
Records records_of(std::string_view file);

}  // namespace assent::simulation
