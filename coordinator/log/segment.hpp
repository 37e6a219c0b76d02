// The bytes of a segment: a header, then records, then zeros. Pure: bytes to values and back.
// docs/LOG_FORMAT.md is the description; this is the code of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/ids.hpp"

namespace assent {

inline constexpr std::uint32_t kLogFormatVersion = 1;
inline constexpr std::size_t kHeaderBytes = 80;
inline constexpr std::size_t kFrameBytes = 13;  // around every payload
inline constexpr std::size_t kMaxPayloadBytes = 1 << 20;
inline constexpr std::uint64_t kMaxSegmentBytes = 1ull << 31;

struct SegmentHeader {
  LedgerId ledger;
  std::uint64_t number = 0;    // also its file's name; 1, 2, 3 …
  std::uint64_t previous = 0;  // the segment whose records come before; 0: this one stands alone
  std::uint64_t previous_end = 0;  // where that one's records end; what follows there is void
  std::uint64_t opening_end = 0;   // what is before this offset was on disk before the file's name
  std::uint64_t size = 0;          // of the file, zeros included
  bool operator==(const SegmentHeader&) const = default;
};

std::string encode(const SegmentHeader& header);
// Of the first bytes of a file; else what is wrong with them.
std::variant<SegmentHeader, std::string> decode_header(std::string_view file);

// "000000000000002a.log" and back; 0 for any other name.
std::string segment_name(std::uint64_t number);
std::uint64_t segment_number(std::string_view name);

// Makes and finds the frames of one segment. A frame's checksum covers the segment's identity and
// the frame's place in it, so that bytes from elsewhere are never taken for a record.
class Framing {
 public:
  explicit Framing(const SegmentHeader& header);

  // Appends a frame that will stand at `offset`. Whoever writes it knows by then that everything
  // before `durable` (<= offset) is on disk.
  void append(std::string& out, std::uint64_t offset, std::uint64_t durable, std::uint8_t kind,
              std::string_view payload) const;

  struct Frame {
    std::uint64_t offset = 0;
    std::uint64_t durable = 0;
    std::uint8_t kind = 0;
    std::string_view payload;
    std::uint64_t end() const { return offset + kFrameBytes + payload.size(); }
  };
  // The frame at `offset` of the file; nullopt where there is no whole, undamaged one.
  std::optional<Frame> at(std::string_view file, std::uint64_t offset) const;

 private:
  std::uint32_t checksum(std::uint64_t offset, std::string_view covered) const;

  std::uint32_t segment_;  // the checksum of the header
};

}  // namespace assent
