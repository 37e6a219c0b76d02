#include "coordinator/log/scan.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace assent {
namespace {

// file.size() where only zeros follow.
std::uint64_t first_nonzero(std::string_view file, std::uint64_t from) {
  constexpr std::uint64_t kBlock = 4096;
  static const std::array<char, kBlock> kZeros{};
  for (; file.size() - from >= kBlock; from += kBlock)
    if (std::memcmp(file.data() + from, kZeros.data(), kBlock) != 0) break;
  while (from < file.size() && file[from] == 0) ++from;
  return from;
}

// A batch is written only after the one before it was synced, and a record says how far the log was
// on disk when it was made. So a whole record that says "synced beyond `bad`" proves that the bytes
// at `bad` were once good; a crash cannot have left them so. A whole record that does not say so
// may be of the very batch that was torn: the disk is free to write its sectors in any order.
std::optional<std::uint64_t> witness_of_damage(std::string_view file, const Framing& framing,
                                               std::uint64_t bad) {
  constexpr std::uint64_t kNotAllZero = 8;  // the first bytes of a frame: they hold its length
  std::uint64_t next = bad;
  for (std::uint64_t offset = bad; offset < file.size(); ++offset) {
    if (next <= offset) next = first_nonzero(file, offset);
    if (next == file.size()) break;
    if (next >= offset + kNotAllZero) offset = next - kNotAllZero + 1;
    const auto frame = framing.at(file, offset);
    if (frame && frame->durable > bad) return offset;
  }
  return {};
}

}  // namespace

SegmentScan scan_segment(std::string_view file, std::uint64_t file_size,
                         const SegmentHeader& header, std::optional<std::uint64_t> sealed_at,
                         const std::function<void(const Framing::Frame&)>& take) {
  const Framing framing(header);
  SegmentScan scan;
  scan.durable = header.opening_end;
  while (!sealed_at || scan.end < *sealed_at) {
    const auto frame = framing.at(file, scan.end);
    if (!frame) break;
    take(*frame);
    scan.durable = std::max(scan.durable, frame->durable);
    scan.end = frame->end();
  }
  if (sealed_at) {
    if (scan.end != *sealed_at)
      scan.damage =
          "the next segment says that records go on to offset " + std::to_string(*sealed_at);
    return scan;
  }
  const bool only_zeros = first_nonzero(file, scan.end) == file.size();
  if (scan.end < header.opening_end)
    scan.damage = "the segment was on disk up to offset " + std::to_string(header.opening_end) +
                  " before it got its name";
  else if (only_zeros)  // looked at once: it may be most of the file
    scan.tail = file_size < header.size ? Tail::torn : Tail::clean;
  else if (const auto later = witness_of_damage(file, framing, scan.end))
    scan.damage = "the record at offset " + std::to_string(*later) + " was written after it";
  else
    scan.tail = Tail::torn;
  return scan;
}

}  // namespace assent
