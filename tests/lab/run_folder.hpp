// One folder for everything that a run of the lab leaves on disk, and the promise that nothing of
// it outlives the run: no process, no folder, no shared memory, however the lab ends.
//
// Daemons die with the lab (process.hpp). A reaper, a small process of its own, watches for the end
// of the lab, also by kill -9, ends what servers are left in the folder, stopped ones too, and
// removes it. Make it before any thread is started. Runs side by side have folders of their own.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

namespace assent::lab {

class RunFolder {
 public:
  // Under $TMPDIR.
  RunFolder();
  // Waits for the reaper, so that all is gone when this returns.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // A folder in it that is not there yet.
  std::filesystem::path fresh(const std::string& name);
  // Leaves the folder behind, for whoever wants to know why, with the command that does the same
  // again in `repeat.sh`. The processes end all the same.
  void keep(const std::string& again);

 private:
  std::filesystem::path path_;
  int lifeline_ = -1;  // the reaper sees its end
  pid_t reaper_ = -1;
};

}  // namespace assent::lab
