// Bearer tokens: 256 random bits that a caller shows. Who checks them keeps only their SHA-256:
// what is random has nothing to guess, so a slow hash, as passwords need, would protect nothing
// more.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assent {

using TokenDigest = std::array<std::uint8_t, 32>;

// "assent_" and 64 hexadecimal digits.
std::string new_token();
TokenDigest digest_of(std::string_view token);
std::string to_hex(const TokenDigest& digest);
// nullopt: not 64 hexadecimal digits in lower case.
std::optional<TokenDigest> parse_digest(std::string_view text);
// Takes as long for every pair.
bool same(const TokenDigest& left, const TokenDigest& right);

// The token in a file: its only line, but for blanks around it. Throws std::runtime_error, which
// names the file and never its content.
std::string read_token_file(const std::string& path);

}  // namespace assent
