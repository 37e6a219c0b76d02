// A disk for the ledger that can be full: a small tmpfs where one may be mounted, else a library in
// the coordinator (disk_faults.cpp) that refuses room for the next segment.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace assent::lab {

class LedgerDisk {
 public:
  // To be made before the ledger is, on the thread that starts the coordinator: the mount is seen
  // by this thread and what it starts, and is gone with them.
  explicit LedgerDisk(std::filesystem::path ledger);
  // The coordinator must have ended. What the ledger holds stays behind in its folder.
  ~LedgerDisk();
  LedgerDisk(const LedgerDisk&) = delete;
  LedgerDisk& operator=(const LedgerDisk&) = delete;

  bool mounted() const { return mounted_; }
  // What it is, for the timeline.
  std::string kind() const;
  // Where it is no mount, the library reads it: while this file is there, the disk is full.
  std::filesystem::path control() const;
  void fill();
  void free();

 private:
  std::filesystem::path filler() const { return ledger_ / "filler"; }

  const std::filesystem::path ledger_;
  bool mounted_ = false;
};

}  // namespace assent::lab
