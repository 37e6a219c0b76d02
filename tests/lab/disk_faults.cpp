// Loaded into a daemon by LD_PRELOAD: lets one call to the disk fail, as a failing disk does.
//
// LAB_DISK_FAULTS names a file. While it is there, holding for instance "fdatasync 2 5", the second
// call of fdatasync from then on fails with errno 5; the file is gone afterwards. Only files of a
// ledger are concerned. What the process has written before stays written.
//
// LAB_DISK_FULL names a file as well. While it is there, the disk is full: what was written ahead
// can be written over, and nothing can be added.
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

std::atomic<int> calls{0};

enum class File { other, of_ledger, spare };

// The spare is the next segment, still without a name, and made in the background: no record is in
// it yet.
File kind_of(int fd) {
  std::array<char, 64> link{};
  std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", fd);
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink(link.data(), path.data(), path.size() - 1);
  if (length <= 0 || std::strstr(path.data(), "/ledger/") == nullptr) return File::other;
  return std::strstr(path.data(), "/spare") == nullptr ? File::of_ledger : File::spare;
}

bool is_full() {
  const char* control = std::getenv("LAB_DISK_FULL");
  return control && ::access(control, F_OK) == 0;
}

// The errno to fail with; 0: the call goes through.
int failure_of(const char* call, int fd) {
  const char* control = std::getenv("LAB_DISK_FAULTS");
  std::FILE* file = control ? std::fopen(control, "re") : nullptr;
  if (!file) return 0;
  std::array<char, 32> name{};
  int number = 0;
  int error = 0;
  const int read = std::fscanf(file, "%31s %d %d", name.data(), &number, &error);
  std::fclose(file);
  if (read != 3 || std::strcmp(name.data(), call) != 0 || kind_of(fd) != File::of_ledger) return 0;
  if (++calls < number) return 0;
  calls = 0;
  std::remove(control);
  return error;
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

ssize_t write_or_fail(const char* symbol, int fd, const void* bytes, size_t count, off_t offset) {
  int error = failure_of("pwrite", fd);
  if (error == 0 && is_full() && kind_of(fd) == File::spare) error = ENOSPC;
  if (error != 0) {
    errno = error;
    return -1;
  }
  return next<ssize_t (*)(int, const void*, size_t, off_t)>(symbol)(fd, bytes, count, offset);
}

}  // namespace

extern "C" {

int fdatasync(int fd) {
  if (const int error = failure_of("fdatasync", fd)) {
    errno = error;
    return -1;
  }
  return next<int (*)(int)>("fdatasync")(fd);
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return write_or_fail("pwrite", fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off_t offset) {
  return write_or_fail("pwrite64", fd, bytes, count, offset);
}

}  // extern "C"
