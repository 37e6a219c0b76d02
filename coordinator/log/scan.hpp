// Reads the records of one segment, and tells a torn tail from damage. Pure: over bytes in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/log/segment.hpp"
#include "protocol/records.hpp"

namespace assent {

struct SegmentScan {
  std::uint64_t end = kHeaderBytes;  // of the last whole record
  // What is before this offset was on disk when a later record was written: it can be trusted even
  // where an earlier process may have died of a failed sync.
  std::uint64_t durable = kHeaderBytes;
  Tail tail = Tail::clean;
  // Why these bytes cannot be what a crash leaves: a record that had been synced is damaged at
  // `end`.
  std::optional<std::string> damage;
};

// `file` is followed by nothing but zeros up to `file_size`, and long enough to hold its last
// record whole. Calls `take` for each record in order. `sealed_at`: where the records end, as the
// next segment says; nullopt for the last segment, which may be torn.
SegmentScan scan_segment(std::string_view file, std::uint64_t file_size,
                         const SegmentHeader& header, std::optional<std::uint64_t> sealed_at,
                         const std::function<void(const Framing::Frame&)>& take);

}  // namespace assent
