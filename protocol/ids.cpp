#include "protocol/ids.hpp"

#include <charconv>
#include <cstring>

namespace assent {
namespace {

constexpr std::string_view kGidPrefix = "assent1:";
constexpr std::size_t kUuidLength = 36;

bool is_dash_position(std::size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Decimal without sign, leading zeros or overflow: one spelling for each number.
std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string to_string(const Uuid& uuid) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(kUuidLength, '-');
  std::size_t at = 0;
  for (const std::uint8_t byte : uuid.bytes) {
    if (is_dash_position(at)) ++at;
    text[at++] = kDigits[byte >> 4];
    text[at++] = kDigits[byte & 0xf];
  }
  return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != kUuidLength) return std::nullopt;
  Uuid uuid;
  std::size_t byte = 0;
  for (std::size_t i = 0; i < kUuidLength;) {
    if (is_dash_position(i)) {
      if (text[i] != '-') return std::nullopt;
      ++i;
      continue;
    }
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    uuid.bytes[byte++] = static_cast<std::uint8_t>(high << 4 | low);
    i += 2;
  }
  return uuid;
}

Uuid make_uuid7(std::int64_t unix_ms, const std::array<std::uint8_t, 10>& random) {
  Uuid uuid;
  for (int i = 0; i < 6; ++i)
    uuid.bytes[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(unix_ms) >> (40 - 8 * i));
  std::memcpy(uuid.bytes.data() + 6, random.data(), random.size());
  uuid.bytes[6] = static_cast<std::uint8_t>(0x70 | (uuid.bytes[6] & 0x0f));  // version 7
  uuid.bytes[8] = static_cast<std::uint8_t>(0x80 | (uuid.bytes[8] & 0x3f));  // RFC 9562 variant
  return uuid;
}

std::optional<std::int64_t> uuid7_unix_ms(const Uuid& uuid) {
  if ((uuid.bytes[6] & 0xf0) != 0x70) return std::nullopt;
  std::int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | uuid.bytes[i];
  return ms;
}

bool is_participant_name(std::string_view name) {
  if (name.empty() || name.size() > 63 || name.front() < 'a' || name.front() > 'z') return false;
  for (const char c : name) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!allowed) return false;
  }
  return true;
}

std::string to_string(const Gid& gid) {
  std::string text(kGidPrefix);
  text += to_string(gid.ledger);
  text += ':';
  text += std::to_string(gid.epoch);
  text += ':';
  text += to_string(gid.tx);
  text += ':';
  text += gid.participant;
  return text;
}

std::optional<Gid> parse_gid(std::string_view text) {
  if (text.substr(0, kGidPrefix.size()) != kGidPrefix) return std::nullopt;
  text.remove_prefix(kGidPrefix.size());
  std::array<std::string_view, 3> parts;
  for (auto& part : parts) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    part = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  const auto ledger = parse_uuid(parts[0]);
  const auto epoch = parse_decimal(parts[1]);
  const auto tx = parse_uuid(parts[2]);
  if (!ledger || !epoch || *epoch == 0 || !tx || !is_participant_name(text)) return std::nullopt;
  return Gid{LedgerId{*ledger}, *epoch, TxId{*tx}, std::string(text)};
}

}  // namespace assent

std::size_t std::hash<assent::Uuid>::operator()(const assent::Uuid& uuid) const noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, uuid.bytes.data(), 8);
  std::memcpy(&low, uuid.bytes.data() + 8, 8);
  return static_cast<std::size_t>(high ^ (low * 0x9e3779b97f4a7c15ULL));
}
