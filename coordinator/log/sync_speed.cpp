#include "coordinator/log/sync_speed.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace assent {
namespace {

constexpr int kSyncs = 32;
constexpr std::size_t kPiece = 4096;

std::error_code last_error() {
  return {errno, std::generic_category()};
}

// Not every file system has files without a name.
int open_nameless(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string path = folder + "/sync-speed-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(path.c_str());
  return named;
}

bool put(int fd, const std::string& bytes, off_t offset) {
  return ::pwrite(fd, bytes.data(), bytes.size(), offset) == static_cast<ssize_t>(bytes.size()) &&
         ::fdatasync(fd) == 0;
}

}  // namespace

LogResult<SyncSpeed> measure_sync(const std::string& folder) {
  const int fd = open_nameless(folder);
  if (fd < 0) return log_error("write in", folder, last_error());
  bool done = put(fd, std::string(kSyncs * kPiece, '\0'), 0);
  std::vector<std::chrono::microseconds> took;
  for (int i = 0; done && i < kSyncs; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    done = put(fd, std::string(kPiece, 'x'), static_cast<off_t>(i * kPiece));
    took.push_back(std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - begun));
  }
  const std::error_code error = last_error();
  ::close(fd);
  if (!done) return log_error("write and sync in", folder, error);
  std::sort(took.begin(), took.end());
  return SyncSpeed{took[took.size() / 2], took.back(), kSyncs};
}

}  // namespace assent
