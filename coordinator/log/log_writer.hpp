// Everything a log does to its files once it knows what to write. One thread at a time; has no
// thread of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/log/files.hpp"
#include "coordinator/log/log_error.hpp"
#include "protocol/coordinator_machine.hpp"

namespace assent {

// ---- what is to be done, in this order

// Write into the current segment and sync it.
struct WriteBatch {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::string bytes;
  RecordNumber up_to = 0;
};
// Make the spare the current segment, beginning with these bytes; then delete the older ones but
// for the first `keep`.
struct OpenSegment {
  std::uint64_t segment = 0;
  std::string bytes;
  RecordNumber up_to = 0;  // 0: no record waits for it
  std::size_t keep = 0;
};
// Begin a file of zeros for the segment after this one, instead of the one there is, if any.
struct MakeSpare {
  std::uint64_t size = 0;
};
using LogJob = std::variant<WriteBatch, OpenSegment, MakeSpare>;

// ---- what has been done

struct LogProgress {
  RecordNumber up_to = 0;     // records on disk; 0: no news
  std::uint64_t segment = 0;  // of `end`
  std::uint64_t end = 0;      // what is before this offset is on disk
  std::uint64_t spare = 0;    // the size of the spare that has become ready; 0: none
};

class LogWriter {
 public:
  // `segments`: the files that make up the log now, oldest first.
  LogWriter(Files& files, std::vector<std::string> segments);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // An error is final: what is on disk is unknown, and no other call may follow.
  std::optional<LogError> perform(const LogJob& job, LogProgress& progress);

  // Writing zeros ahead goes in small steps, so that batches can go between them.
  enum class Spare : std::uint8_t {
    none,     // not asked for, or in use
    filling,  // fill_spare() has work to do
    ready,
    no_room,  // the disk is full: the spare was given up; fill_spare() tries anew
  };
  Spare spare() const { return spare_; }
  std::optional<LogError> fill_spare(LogProgress& progress);

 private:
  std::optional<LogError> write_batch(const WriteBatch& batch, LogProgress& progress);
  std::optional<LogError> open_segment(const OpenSegment& opening, LogProgress& progress);
  std::optional<LogError> make_spare(const MakeSpare& wish);
  std::optional<LogError> write_and_sync(Files::Handle handle, const std::string& name,
                                         std::uint64_t offset, std::string_view bytes);
  std::optional<LogError> delete_older(std::size_t keep);
  std::optional<LogError> drop_spare();

  Files& files_;
  std::vector<std::string> segments_;
  Files::Handle current_ = -1;
  Files::Handle spare_handle_ = -1;
  Spare spare_ = Spare::none;
  std::uint64_t spare_size_ = 0;
  std::uint64_t spare_filled_ = 0;
};

}  // namespace assent
