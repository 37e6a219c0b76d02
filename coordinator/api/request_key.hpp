// Idempotency keys: what a client says so that a repeated request is not a second transaction.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/records.hpp"

namespace assent {

inline constexpr std::size_t kMaxIdempotencyKey = 255;

// The first 16 bytes of the SHA-256. Throws std::runtime_error where OpenSSL cannot.
std::array<std::uint8_t, 16> short_sha256(std::string_view bytes);

// The key as the header gives it, bare or in double quotes, and the body byte for byte. The same
// key of another caller is another key; `caller` is empty where nobody is asked who they are.
// nullopt where the key is empty, longer than kMaxIdempotencyKey or not printable ASCII.
std::optional<RequestKey> request_key(std::string_view header, std::string_view body,
                                      std::string_view caller = {});

// An HTTP date as clients write it (RFC 9110, IMF-fixdate: "Mon, 30 Nov 2026 16:00:00 GMT"), in ms
// since 1970. nullopt: it is none, or none after 1970.
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace assent
