// Every disk that a crash may leave behind: what was done to a folder is remembered, and from any
// prefix of it follow the states in which the next process may find the folder.
//
// The model: a file's sync makes its earlier writes durable, the folder's sync its earlier names.
// Of everything else any part may have happened, in any order, together with any other part: of a
// write each sector of 512 bytes, of a file's growth any number of sectors, of names created,
// renamed and unlinked each one. A rename happens or does not; it is never seen half. Errors are
// not modelled: a history holds what succeeded.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/log/files.hpp"

namespace assent::test {

// The files of a folder, by name.
using DiskImage = std::map<std::string, std::string>;

struct DiskChange {
  enum class Kind : std::uint8_t { create, write, sync, rename, unlink, sync_folder };
  Kind kind{};
  std::size_t file = 0;  // which, but for sync_folder: counts creations, since names come and go
  std::string name;      // create, unlink; rename: the old one
  std::string to;        // rename
  std::uint64_t offset = 0;  // write
  std::string bytes;         // write
};
std::string_view to_string(DiskChange::Kind kind);

struct DiskHistory {
  DiskImage before;  // durable; file i of the changes is the i-th of these, then come the created
  std::vector<DiskChange> changes;
};

// Forwards everything to other files and remembers what changed them.
class RecordingFiles final : public Files {
 public:
  // Both outlive this. `history.before` and what its changes made of it is what `files` shows now.
  RecordingFiles(Files& files, DiskHistory& history);

  std::error_code lock(std::string& holder) override { return files_.lock(holder); }
  std::error_code list(std::vector<std::string>& names) override { return files_.list(names); }
  std::error_code read(const std::string& name, std::uint64_t limit, std::string& content,
                       std::uint64_t& size) override {
    return files_.read(name, limit, content, size);
  }
  std::error_code create(const std::string& name, Handle& handle) override;
  std::error_code pwrite(Handle handle, std::uint64_t offset, std::string_view bytes) override;
  std::error_code fdatasync(Handle handle) override;
  void close(Handle handle) override;
  std::error_code rename(const std::string& from, const std::string& to) override;
  std::error_code unlink(const std::string& name) override;
  std::error_code sync_folder() override;
  Place place() override { return files_.place(); }
  std::string path(const std::string& name) const override { return files_.path(name); }

 private:
  std::error_code remember(std::error_code error, DiskChange change);

  Files& files_;
  DiskHistory& history_;
  std::map<std::string, std::size_t> names_;
  std::map<Handle, std::size_t> open_;
  std::size_t next_file_;
};

// What a process sees after the first `changes`, and so the next one if only the process died. Of
// the last change, where it is a write, only the first `bytes`.
DiskImage seen_after(const DiskHistory& history, std::size_t changes, std::size_t bytes = ~0ul);

// What a loss of power may leave after the first `changes`, of which the last may be under way.
class CrashStates {
 public:
  CrashStates(const DiskHistory& history, std::size_t changes);

  // How many there are, some of them equal; no more than 2^62 are counted.
  std::uint64_t count() const { return count_; }
  // number < count(). 0: nothing that was not synced; the last one: all of it.
  DiskImage at(std::uint64_t number) const;
  // All of them, or where there are more than `limit`: the first, the last and a sample by `seed`.
  // Returns how many were looked at.
  std::uint64_t each(std::uint64_t limit, std::uint64_t seed,
                     const std::function<void(const DiskImage&)>& look) const;

 private:
  // What a file may hold: one of the sizes, and in each sector one of its versions.
  struct Content {
    std::string durable;
    std::string latest;
    std::vector<std::uint64_t> sizes;                         // durable first, latest last
    std::map<std::size_t, std::vector<std::string>> sectors;  // where there are several; likewise
  };
  void apply(const DiskChange& change);
  void write(Content& content, const DiskChange& change);

  std::vector<Content> files_;
  std::map<std::string, std::size_t> durable_names_;
  std::vector<DiskChange> names_in_doubt_;
  std::uint64_t count_ = 1;
};

}  // namespace assent::test
