// What a log needs of a disk: one folder of files. PosixFiles is the real one; tests bring one that
// forgets what was not synced.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "protocol/records.hpp"

namespace assent {

// Names are plain file names within the folder. Every call says how it went; after a failed write
// or sync the content of the file is unknown, and so it stays.
class Files {
 public:
  using Handle = int;

  virtual ~Files() = default;

  // Takes the folder for this process alone, until the end of the process or of this object. When
  // another one has it: `holder` is its process id, as far as known.
  virtual std::error_code lock(std::string& holder) = 0;
  virtual std::error_code list(std::vector<std::string>& names) = 0;
  // The first `limit` bytes, or as many as there are; but zeros at their end may be left out.
  // `size`: of the file.
  virtual std::error_code read(const std::string& name, std::uint64_t limit, std::string& content,
                               std::uint64_t& size) = 0;
  // A new, empty file, open for writing; an error if there is one of that name.
  virtual std::error_code create(const std::string& name, Handle& handle) = 0;
  // All of the bytes, or an error.
  virtual std::error_code pwrite(Handle handle, std::uint64_t offset, std::string_view bytes) = 0;
  virtual std::error_code fdatasync(Handle handle) = 0;
  virtual void close(Handle handle) = 0;
  virtual std::error_code rename(const std::string& from, const std::string& to) = 0;
  virtual std::error_code unlink(const std::string& name) = 0;
  // Makes created, renamed and unlinked names durable.
  virtual std::error_code sync_folder() = 0;

  virtual Place place() = 0;
  // For messages: the path of a file, or of the folder (empty name).
  virtual std::string path(const std::string& name) const = 0;
};

// The disk has no room: the one error of writing ahead that time can heal.
inline bool is_no_room(std::error_code error) {
  return error == std::errc::no_space_on_device || error.value() == 122;  // EDQUOT
}

}  // namespace assent
