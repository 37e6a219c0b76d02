// The half of a log that lives on the I/O thread: gives every record its place, gathers records
// into batches, and decides when the next segment opens. No thread, no file.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "coordinator/log/log_writer.hpp"
#include "coordinator/log/segment.hpp"
#include "protocol/record_codec.hpp"

namespace assent {

// How large a segment must be that opens with so many bytes: they may take up half of it at most,
// since else the log would soon be repeating itself more than recording.
std::uint64_t segment_size(std::uint64_t configured, std::uint64_t opening);

// The beginning of a segment: its header and the records it repeats. `header.opening_end` is set.
std::string opening_bytes(SegmentHeader& header, const std::vector<LogRecord>& records,
                          RecordCodec& codec);

class GroupCommit {
 public:
  using Snapshot = std::function<std::vector<LogRecord>()>;

  // `current`: the segment in use, with nothing in it beyond its opening.
  GroupCommit(const SegmentHeader& current, std::uint64_t configured_size);

  // Once, before anything else: the first work.
  void begin(std::deque<LogJob>& queue) const;

  // See DecisionLog. False where the rest of the segment is too short: flush() opens the next one
  // long before, unless the disk has no room for it.
  bool append(RecordNumber number, const LogRecord& record);

  // Adds what was appended to the work at the back of `queue`, which nobody has begun.
  void flush(std::deque<LogJob>& queue, const Snapshot& snapshot);

  void done(const LogProgress& progress);

 private:
  bool due() const { return end_ >= current_.size / 4 * 3; }
  // Of the segment after the current one. After a small one it is larger only by and by: until all
  // its zeros are on disk, the current one must do.
  std::uint64_t next_size(std::uint64_t opening) const;
  void hand_over(std::deque<LogJob>& queue);
  void open_next(std::deque<LogJob>& queue, const std::vector<LogRecord>& records);

  RecordCodec codec_;
  const std::uint64_t configured_size_;
  SegmentHeader current_;
  Framing framing_;
  std::uint64_t end_;        // where the next record goes
  std::uint64_t durable_;    // what is before this is known to be on disk
  std::uint64_t spare_ = 0;  // the size of the next segment's file; 0: not ready
  std::string batch_;        // since the last flush; ends at end_
  std::string payload_;      // for append alone, kept for its memory
  RecordNumber last_ = 0;    // taken
};

}  // namespace assent
