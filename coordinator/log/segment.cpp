#include "coordinator/log/segment.hpp"

#include <array>
#include <cstdio>

#include "coordinator/log/crc32c.hpp"

namespace assent {
namespace {

constexpr std::string_view kMagic = "assentlg";

// All numbers are little-endian, whatever the machine.
template <typename Number>
void put(std::string& out, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i)
    out.push_back(static_cast<char>(number >> (8 * i) & 0xff));
}

template <typename Number>
Number get(std::string_view bytes, std::size_t offset) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i)
    number |= static_cast<Number>(static_cast<unsigned char>(bytes[offset + i])) << (8 * i);
  return number;
}

}  // namespace

std::string encode(const SegmentHeader& header) {
  std::string out(kMagic);
  put(out, kLogFormatVersion);
  put(out, static_cast<std::uint32_t>(kHeaderBytes));
  out.append(header.ledger.uuid.bytes.begin(), header.ledger.uuid.bytes.end());
  put(out, header.number);
  put(out, header.previous);
  put(out, header.previous_end);
  put(out, header.opening_end);
  put(out, header.size);
  put(out, std::uint32_t{0});
  put(out, crc32c(out));
  return out;
}

std::variant<SegmentHeader, std::string> decode_header(std::string_view file) {
  if (file.size() < kHeaderBytes) return "it is too short for a segment's header";
  if (file.substr(0, kMagic.size()) != kMagic) return "it does not begin as a segment does";
  if (get<std::uint32_t>(file, kHeaderBytes - 4) != crc32c(file.substr(0, kHeaderBytes - 4)))
    return "its header is damaged (checksum)";
  if (const auto version = get<std::uint32_t>(file, 8); version != kLogFormatVersion)
    return "its format version is " + std::to_string(version) + ", this release reads " +
           std::to_string(kLogFormatVersion);
  SegmentHeader header;
  for (std::size_t i = 0; i < 16; ++i)
    header.ledger.uuid.bytes[i] = static_cast<std::uint8_t>(file[16 + i]);
  header.number = get<std::uint64_t>(file, 32);
  header.previous = get<std::uint64_t>(file, 40);
  header.previous_end = get<std::uint64_t>(file, 48);
  header.opening_end = get<std::uint64_t>(file, 56);
  header.size = get<std::uint64_t>(file, 64);
  return header;
}

std::string segment_name(std::uint64_t number) {
  std::array<char, 21> name{};
  std::snprintf(name.data(), name.size(), "%016llx.log", static_cast<unsigned long long>(number));
  return name.data();
}

std::uint64_t segment_number(std::string_view name) {
  std::uint64_t number = 0;
  if (name.size() != 20) return 0;
  for (const char c : name.substr(0, 16)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return 0;
    number = number << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return name.substr(16) == ".log" ? number : 0;
}

// Without the header's own checksum: over both, a CRC is the same for every header.
Framing::Framing(const SegmentHeader& header)
    : segment_(crc32c(std::string_view(encode(header)).substr(0, kHeaderBytes - 4))) {}

std::uint32_t Framing::checksum(std::uint64_t offset, std::string_view covered) const {
  std::array<char, 12> place;
  for (std::size_t i = 0; i < 4; ++i) place[i] = static_cast<char>(segment_ >> (8 * i) & 0xff);
  for (std::size_t i = 0; i < 8; ++i) place[4 + i] = static_cast<char>(offset >> (8 * i) & 0xff);
  return crc32c({place.data(), place.size()}, covered);
}

void Framing::append(std::string& out, std::uint64_t offset, std::uint64_t durable,
                     std::uint8_t kind, std::string_view payload) const {
  const std::size_t begin = out.size();
  put(out, std::uint32_t{0});
  put(out, static_cast<std::uint32_t>(payload.size()));
  put(out, static_cast<std::uint32_t>(durable));
  put(out, kind);
  out.append(payload);
  const std::uint32_t sum = checksum(offset, std::string_view(out).substr(begin + 4));
  for (std::size_t i = 0; i < 4; ++i) out[begin + i] = static_cast<char>(sum >> (8 * i) & 0xff);
}

std::optional<Framing::Frame> Framing::at(std::string_view file, std::uint64_t offset) const {
  if (offset > file.size() || file.size() - offset < kFrameBytes) return {};
  const auto length = get<std::uint32_t>(file, offset + 4);
  if (length == 0 || length > kMaxPayloadBytes) return {};
  if (file.size() - offset - kFrameBytes < length) return {};
  Frame frame;
  frame.offset = offset;
  frame.durable = get<std::uint32_t>(file, offset + 8);
  frame.kind = static_cast<std::uint8_t>(file[offset + 12]);
  frame.payload = file.substr(offset + kFrameBytes, length);
  if (frame.kind == 0 || frame.durable > offset) return {};
  const std::string_view covered = file.substr(offset + 4, kFrameBytes - 4 + length);
  if (get<std::uint32_t>(file, offset) != checksum(offset, covered)) return {};
  return frame;
}

}  // namespace assent
