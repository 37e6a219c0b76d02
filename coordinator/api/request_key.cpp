#include "coordinator/api/request_key.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include <openssl/evp.h>

namespace assent {

std::array<std::uint8_t, 16> short_sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL cannot compute SHA-256");
  std::array<std::uint8_t, 16> out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

std::optional<RequestKey> request_key(std::string_view header, std::string_view body,
                                      std::string_view caller) {
  if (header.size() >= 2 && header.front() == '"' && header.back() == '"')
    header = header.substr(1, header.size() - 2);
  if (header.empty() || header.size() > kMaxIdempotencyKey) return std::nullopt;
  if (!std::all_of(header.begin(), header.end(), [](char c) { return c >= ' ' && c <= '~'; }))
    return std::nullopt;
  std::string key(header);
  if (!caller.empty()) key += '\n' + std::string(caller);  // a key has no line break
  return RequestKey{short_sha256(key), short_sha256(body)};
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  char day_name[4] = {};
  char month_name[4] = {};
  int day = 0, year = 0, hour = 0, minute = 0, second = 0, read = 0;
  if (std::sscanf(std::string(text).c_str(), "%3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n",
                  day_name, &day, month_name, &year, &hour, &minute, &second, &read) != 7 ||
      read != 29)
    return std::nullopt;
  using namespace std::chrono;
  const std::size_t month = kMonths.find(month_name);
  if (month == kMonths.npos || month % 3 != 0) return std::nullopt;
  const year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month) / 3 + 1),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
    return std::nullopt;
  const sys_days at(date);
  if (kDays.find(day_name) != weekday(at).c_encoding() * 3) return std::nullopt;
  const milliseconds since =
      (at + hours(hour) + minutes(minute) + seconds(second)).time_since_epoch();
  if (since.count() <= 0) return std::nullopt;
  return since.count();
}

}  // namespace assent
