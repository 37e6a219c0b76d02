// Making a ledger, and starting one: everything between an unlocked folder and a log that takes
// records. Over Files, so that a simulated disk can stand in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "coordinator/log/files.hpp"
#include "coordinator/log/log_error.hpp"
#include "coordinator/log/log_writer.hpp"
#include "coordinator/log/segment.hpp"
#include "protocol/records.hpp"

namespace assent {

struct LedgerOpening {
  std::uint64_t segment_bytes = 16 << 20;  // 64 KiB … 1 GiB
  bool restored = false;                   // the operator says: put back from a copy
  std::int64_t wall_ms = 0;
  Uuid life;  // new for every start, random
  // Hears each record of the log as it is read, in order; of a ledger that is refused later, too.
  std::function<void(const LogRecord&)> take;
};

struct OpenedLedger {
  Recovered recovered;    // but for its records, which `take` has heard
  EpochRecord start;      // of this start, on disk
  SegmentHeader current;  // takes the next record at its opening_end
  std::unique_ptr<LogWriter> writer;
};

// An empty ledger in an empty folder. Nothing else ever creates one.
LogResult<LedgerId> init_ledger(Files& files, LedgerId id, std::uint64_t segment_bytes);

// Locks, reads, writes anew what cannot be trusted to be on disk, raises the epoch; all of it in
// the opening of one new segment, so that a crash leaves the old log or the new one.
LogResult<OpenedLedger> open_ledger(Files& files, const LedgerOpening& opening);

}  // namespace assent
