#include "coordinator/log/inspection.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "coordinator/log/posix_files.hpp"

namespace assent {
namespace {

namespace fs = std::filesystem;

// The coordinator deletes segments that are not needed any more; so often is a reading begun anew.
constexpr int kReadings = 20;

// nullopt: a segment went away meanwhile.
using Copied = std::optional<LogResult<std::uint64_t>>;

Copied copy_segment(Files& from, Files& to, const LedgerSegment& segment) {
  const std::string name = segment_name(segment.header.number);
  std::string bytes;
  std::uint64_t size = 0;
  const auto unread = from.read(name, segment.end, bytes, size);
  if (unread == std::errc::no_such_file_or_directory) return std::nullopt;
  if (unread) return log_error("read", from.path(name), unread);
  bytes.resize(segment.end);
  Files::Handle handle = -1;
  auto error = to.create(name, handle);
  if (error) return log_error("create", to.path(name), error);
  error = to.pwrite(handle, 0, bytes);
  // The file is as long as it says, of which only the used part takes room.
  if (!error && segment.header.size > segment.end)
    error = to.pwrite(handle, segment.header.size - 1, std::string_view("\0", 1));
  if (!error) error = to.fdatasync(handle);
  to.close(handle);
  if (error) return log_error("write", to.path(name), error);
  return segment.end;
}

std::optional<LogError> clear(Files& files) {
  std::vector<std::string> names;
  auto error = files.list(names);
  for (const std::string& name : names)
    if (!error) error = files.unlink(name);
  if (error) return log_error("clear", files.path({}), error);
  return {};
}

bool same_chain(const LedgerContents& one, const LedgerContents& other) {
  if (one.chain.size() != other.chain.size() || one.records != other.records) return false;
  for (std::size_t i = 0; i < one.chain.size(); ++i)
    if (one.chain[i].header != other.chain[i].header || one.chain[i].end != other.chain[i].end)
      return false;
  return other.tail == Tail::clean;
}

}  // namespace

LogResult<LedgerContents> inspect_ledger(Files& files, const std::function<void()>& begin,
                                         const RecordSeen& seen) {
  std::string before;
  for (int reading = 1;; ++reading) {
    if (begin) begin();
    auto contents = read_ledger(files, seen);
    if (contents || contents.error().message == before || reading == kReadings) return contents;
    before = contents.error().message;
  }
}

LogResult<LedgerContents> verify_log(const std::string& folder, const std::function<void()>& begin,
                                     const RecordSeen& seen) {
  PosixFiles files(folder);
  return inspect_ledger(files, begin, seen);
}

LogResult<LedgerContents> copy_ledger(Files& from, Files& to) {
  for (int attempt = 1; attempt <= kReadings; ++attempt) {
    auto original = inspect_ledger(from);
    if (!original) return original;
    if (auto error = clear(to)) return *std::move(error);
    bool gone = false;
    for (const LedgerSegment& segment : original->chain) {
      const Copied copied = copy_segment(from, to, segment);
      gone = gone || !copied;
      if (copied && !*copied) return copied->error();
    }
    if (gone) continue;
    if (const auto error = to.sync_folder()) return log_error("sync", to.path({}), error);
    auto copy = read_ledger(to);
    if (!copy || same_chain(*original, *copy)) return copy;
    return LogError{"the copy in " + to.path({}) + " does not hold what was read from " +
                    from.path({}) + ": do not use it, and look for what is wrong with that disk"};
  }
  return LogError{from.path({}) +
                  " changes faster than it can be copied: try again, or copy an "
                  "atomic snapshot of the volume"};
}

LogResult<LedgerContents> backup_log(const std::string& folder, const std::string& to) {
  // As given it may end in a slash.
  const fs::path target = fs::absolute(to).lexically_normal() / "";
  const fs::path whole = target.parent_path();
  const fs::path unfinished = whole.string() + ".unfinished";
  std::error_code error;
  for (const fs::path& path : {whole, unfinished})
    if (fs::symlink_status(path, error).type() != fs::file_type::not_found)
      return LogError{path.string() + " exists already: a backup is made in a new folder only" +
                      (path == whole ? "" : "; this is one that did not end: remove it")};
  if (::mkdir(unfinished.c_str(), 0700) != 0)
    return log_error("make the folder", unfinished.string(), {errno, std::generic_category()});
  PosixFiles from(folder);
  PosixFiles files(unfinished.string());
  auto copy = copy_ledger(from, files);
  if (!copy) {
    fs::remove_all(unfinished, error);
    return copy;
  }
  // Not onto a folder that has come to be meanwhile, not even an empty one.
  if (::renameat2(AT_FDCWD, unfinished.c_str(), AT_FDCWD, whole.c_str(), RENAME_NOREPLACE) != 0)
    return log_error("give the finished copy its name,", whole.string(),
                     {errno, std::generic_category()});
  PosixFiles parent(whole.parent_path().string());
  if (const auto unsynced = parent.sync_folder())
    return log_error("sync", parent.path({}), unsynced);
  return copy;
}

// From the kernel's list of locks: "1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF".
std::optional<std::string> user_of_ledger(const std::string& folder) {
  struct stat file {};
  const std::string path = folder + "/LOCK";
  if (::stat(path.c_str(), &file) != 0) return std::nullopt;
  std::string said;  // by whoever took it last
  std::getline(std::ifstream(path), said);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, mode, pid, place;
    if (!(words >> number >> kind >> advisory >> mode >> pid >> place) || kind != "FLOCK") continue;
    unsigned major = 0;
    unsigned minor = 0;
    unsigned long long inode = 0;
    if (std::sscanf(place.c_str(), "%x:%x:%llu", &major, &minor, &inode) != 3) continue;
    // Some file systems show another device here than to whoever asks for the file.
    const bool same_device = major == ::major(file.st_dev) && minor == ::minor(file.st_dev);
    if (inode == file.st_ino && (same_device || pid == said)) return pid;
  }
  return std::nullopt;
}

}  // namespace assent
