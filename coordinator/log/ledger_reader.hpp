// Reads a ledger's folder: which segments make up the log, and what they say. Changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "coordinator/log/files.hpp"
#include "coordinator/log/log_error.hpp"
#include "coordinator/log/segment.hpp"
#include "protocol/records.hpp"

namespace assent {

struct LedgerSegment {
  SegmentHeader header;
  std::uint64_t end = 0;           // of its last record that counts
  std::uint64_t durable = 0;       // what is before this was certainly on disk (see SegmentScan)
  std::size_t first_record = 0;    // index into LedgerContents::records, of those that are there
  std::size_t first_doubtful = 0;  // of the first record at or after `durable`
};

struct LedgerContents {
  LedgerId ledger;
  std::vector<LedgerSegment> chain;     // oldest first; never empty
  std::vector<std::string> superseded;  // segments of which nothing is needed any more
  // In order, all that a new segment may have to repeat; see `keep_bytes`.
  std::vector<LogRecord> records;
  Tail tail = Tail::clean;
};

// Where a record stands: the file's path, and the offset of its frame.
using RecordSeen =
    std::function<void(const std::string& path, std::uint64_t offset, const LogRecord& record)>;

// Refuses what no crash can have left, naming file and offset: a damaged record that had been
// synced, a damaged header, a segment that is missing, renamed or of another ledger. `seen` hears
// of every record. Of a segment longer than `keep_bytes`, only the records that were perhaps never
// synced are kept, and none of the segments before it: memory is bounded, however long the log.
LogResult<LedgerContents> read_ledger(
    Files& files, const RecordSeen& seen = {},
    std::uint64_t keep_bytes = std::numeric_limits<std::uint64_t>::max());

}  // namespace assent
