#include "tests/lab/frames.hpp"

#include <algorithm>

namespace assent::lab {
namespace {

constexpr std::string_view kOpeningEnd = "\r\n\r\n";
constexpr unsigned kLastOfMessage = 0x80;
constexpr unsigned kKind = 0x0f;
constexpr unsigned kText = 1;
constexpr unsigned kBinary = 2;
constexpr unsigned kMasked = 0x80;
constexpr unsigned kLength = 0x7f;

unsigned byte(char c) {
  return static_cast<unsigned char>(c);
}

// How many bytes after the second tell the length.
std::size_t long_length(unsigned length) {
  if (length == 126) return 2;
  return length == 127 ? 8 : 0;
}

}  // namespace

std::string FrameDoubler::pass(std::string_view bytes, bool doubling) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    std::size_t taken = 1;
    if (part_ == Part::opening) {
      const bool goes_on = bytes.front() == kOpeningEnd[line_ends_];
      line_ends_ = goes_on ? line_ends_ + 1 : (bytes.front() == kOpeningEnd[0] ? 1 : 0);
      if (line_ends_ == kOpeningEnd.size()) part_ = Part::header;
      out += bytes.front();
    } else if (part_ == Part::header) {
      header_ += bytes.front();
      out += bytes.front();
      if (header_.size() == header_length()) begin_payload(doubling);
      if (part_ == Part::payload && left_ == 0) end_frame(out);
    } else {
      taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      out += bytes.substr(0, taken);
      if (copying_) copy_ += bytes.substr(0, taken);
      left_ -= taken;
      if (left_ == 0) end_frame(out);
    }
    bytes.remove_prefix(taken);
  }
  return out;
}

std::size_t FrameDoubler::header_length() const {
  if (header_.size() < 2) return 2;
  const unsigned second = byte(header_[1]);
  return 2 + long_length(second & kLength) + ((second & kMasked) != 0 ? 4 : 0);
}

void FrameDoubler::begin_payload(bool doubling) {
  const unsigned first = byte(header_[0]);
  const unsigned length = byte(header_[1]) & kLength;
  left_ = length;
  if (const std::size_t more = long_length(length); more > 0) {
    left_ = 0;
    for (std::size_t i = 0; i < more; ++i) left_ = left_ << 8 | byte(header_[2 + i]);
  }
  const unsigned kind = first & kKind;
  copying_ = doubling && (first & kLastOfMessage) != 0 && (kind == kText || kind == kBinary);
  copy_ = copying_ ? header_ : std::string();
  header_.clear();
  part_ = Part::payload;
}

void FrameDoubler::end_frame(std::string& out) {
  if (copying_) out += copy_;
  copy_.clear();
  part_ = Part::header;
}

}  // namespace assent::lab
