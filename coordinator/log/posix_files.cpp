#include "coordinator/log/posix_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coordinator/log/segment.hpp"

namespace assent {
namespace {

constexpr const char* kLockName = "LOCK";

std::error_code last_error() {
  return {errno, std::generic_category()};
}

std::error_code outcome(int result) {
  return result < 0 ? last_error() : std::error_code{};
}

std::string first_line(int fd) {
  std::array<char, 64> text{};
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  const std::string_view all(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  return std::string(all.substr(0, all.find('\n')));
}

constexpr std::uint64_t kPiece = 1 << 20;

bool only_zeros(std::string_view bytes) {
  return bytes.front() == 0 && bytes.substr(1) == bytes.substr(0, bytes.size() - 1);
}

std::string machine_id() {
  const int fd = ::open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string id = first_line(fd);
  ::close(fd);
  return id;
}

}  // namespace

PosixFiles::PosixFiles(std::string folder)
    : folder_(std::move(folder)),
      folder_fd_(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (folder_fd_ < 0) folder_error_ = last_error();
}

PosixFiles::~PosixFiles() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
  if (folder_fd_ >= 0) ::close(folder_fd_);
}

std::error_code PosixFiles::lock(std::string& holder) {
  const int fd = ::openat(folder_fd_, kLockName, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return last_error();
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const std::error_code error = last_error();
    holder = first_line(fd);
    ::close(fd);
    return error;
  }
  lock_fd_ = fd;
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0) return last_error();
  // Only a courtesy to whoever is refused: on a full disk the lock holds without it.
  if (::pwrite(fd, pid.data(), pid.size(), 0) < 0 && !is_no_room(last_error())) return last_error();
  return {};
}

std::error_code PosixFiles::list(std::vector<std::string>& names) {
  names.clear();
  if (folder_error_) return folder_error_;
  const int fd = ::openat(folder_fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return last_error();
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd), ::closedir);
  if (!stream) return last_error();
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return {errno, std::generic_category()};
}

// Most of a segment may be zeros yet to be written over: pieces of nothing else take no memory
// unless something follows them.
std::error_code PosixFiles::read(const std::string& name, std::uint64_t limit, std::string& content,
                                 std::uint64_t& size) {
  content.clear();
  const int fd = ::openat(folder_fd_, name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return last_error();
  struct stat status {};
  std::error_code error = outcome(::fstat(fd, &status));
  size = static_cast<std::uint64_t>(status.st_size);
  const std::uint64_t wanted = std::min(limit, size);
  if (wanted > kMaxSegmentBytes) error = std::make_error_code(std::errc::file_too_large);
  if (!error) content.reserve(wanted);
  std::string piece(std::min(wanted, kPiece), '\0');
  std::uint64_t done = 0;
  while (!error && done < wanted) {
    const auto length = static_cast<std::size_t>(std::min(wanted - done, kPiece));
    const ssize_t got = ::pread(fd, piece.data(), length, static_cast<off_t>(done));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) error = last_error();
    if (got <= 0) continue;
    const std::string_view read(piece.data(), static_cast<std::size_t>(got));
    if (!only_zeros(read)) {
      content.resize(done);
      content += read;
    }
    done += read.size();
  }
  ::close(fd);
  return error;
}

std::error_code PosixFiles::create(const std::string& name, Handle& handle) {
  handle = ::openat(folder_fd_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  return outcome(handle);
}

std::error_code PosixFiles::pwrite(Handle handle, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(handle, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return last_error();
    if (put == 0) return std::make_error_code(std::errc::io_error);
    offset += static_cast<std::uint64_t>(put);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

// Not repeated on EINTR either: an interrupted sync may have dropped what it was to write.
std::error_code PosixFiles::fdatasync(Handle handle) {
  return outcome(::fdatasync(handle));
}

void PosixFiles::close(Handle handle) {
  ::close(handle);
}

std::error_code PosixFiles::rename(const std::string& from, const std::string& to) {
  return outcome(::renameat(folder_fd_, from.c_str(), folder_fd_, to.c_str()));
}

std::error_code PosixFiles::unlink(const std::string& name) {
  return outcome(::unlinkat(folder_fd_, name.c_str(), 0));
}

std::error_code PosixFiles::sync_folder() {
  return outcome(::fsync(folder_fd_));
}

Place PosixFiles::place() {
  struct stat status {};
  if (::fstat(folder_fd_, &status) != 0) return {};
  return {machine_id(), static_cast<std::uint64_t>(status.st_dev),
          static_cast<std::uint64_t>(status.st_ino)};
}

std::string PosixFiles::path(const std::string& name) const {
  return name.empty() ? folder_ : folder_ + "/" + name;
}

}  // namespace assent
