#include "tests/fuzz/folder.hpp"

#include <algorithm>

#include "coordinator/log/crc32c.hpp"
#include "coordinator/log/segment.hpp"

namespace assent::fuzz {
namespace {

std::uint32_t number_at(std::string_view bytes, std::size_t offset) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i)
    number |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[offset + i])) << (8 * i);
  return number;
}

void mend_header(std::string& file) {
  if (file.size() < kHeaderBytes) return;
  const std::uint32_t sum = crc32c(std::string_view(file).substr(0, kHeaderBytes - 4));
  for (std::size_t i = 0; i < 4; ++i)
    file[kHeaderBytes - 4 + i] = static_cast<char>(sum >> (8 * i) & 0xff);
}

void mend_frames(std::string& file) {
  const auto header = decode_header(file);
  if (!std::holds_alternative<SegmentHeader>(header)) return;
  const Framing framing(std::get<SegmentHeader>(header));
  std::size_t at = kHeaderBytes;
  while (file.size() - at >= kFrameBytes) {
    const std::uint32_t length = number_at(file, at + 4);
    const std::uint32_t durable = number_at(file, at + 8);
    const auto kind = static_cast<std::uint8_t>(file[at + 12]);
    if (length == 0 || length > file.size() - at - kFrameBytes) return;
    std::string frame;
    framing.append(frame, at, durable, kind, file.substr(at + kFrameBytes, length));
    file.replace(at, frame.size(), frame);
    at += frame.size();
  }
}

}  // namespace

std::map<std::string, std::string> read_folder(std::string_view bytes) {
  std::map<std::string, std::string> files;
  while (bytes.size() >= 5) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const std::size_t length = byte(3) + 256u * byte(4);
    std::string content(bytes.substr(5, length));
    content.append(64u * byte(2), '\0');
    if (byte(1) & 1) mend_header(content);
    if (byte(1) & 2) mend_frames(content);
    files[segment_name(std::max<std::uint64_t>(byte(0), 1))] = std::move(content);
    bytes.remove_prefix(std::min(bytes.size(), 5 + length));
  }
  return files;
}

std::string describe_folder(const std::map<std::string, std::string>& files) {
  std::string bytes;
  for (const auto& [name, file] : files) {
    const std::size_t length = file.find_last_not_of('\0') + 1;
    bytes += static_cast<char>(segment_number(name));
    bytes += '\3';
    bytes += static_cast<char>(std::min<std::size_t>((file.size() - length) / 64, 255));
    bytes += static_cast<char>(length & 0xff);
    bytes += static_cast<char>(length >> 8);
    bytes.append(file, 0, length);
  }
  return bytes;
}

}  // namespace assent::fuzz
