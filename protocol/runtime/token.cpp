#include "protocol/runtime/token.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace assent {
namespace {

constexpr std::string_view kPrefix = "assent_";
constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kLongest = 4096;

}  // namespace

std::string to_hex(const TokenDigest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string new_token() {
  TokenDigest random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    throw std::runtime_error("OpenSSL has no random numbers");
  return std::string(kPrefix) + to_hex(random);
}

TokenDigest digest_of(std::string_view token) {
  TokenDigest digest{};
  if (EVP_Digest(token.data(), token.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL cannot compute SHA-256");
  return digest;
}

std::optional<TokenDigest> parse_digest(std::string_view text) {
  TokenDigest digest{};
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto value = kDigits.find(text[i]);
    if (value == kDigits.npos) return std::nullopt;
    digest[i / 2] = static_cast<std::uint8_t>((digest[i / 2] << 4) | value);
  }
  return digest;
}

bool same(const TokenDigest& left, const TokenDigest& right) {
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string read_token_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kLongest, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || file.gcount() == 0)
    throw std::runtime_error(path +
                             ": the token cannot be read; check the path, and that this "
                             "process's user may");
  text.resize(static_cast<std::size_t>(file.gcount()));
  const auto begin = text.find_first_not_of(" \t\r\n");
  const auto end = text.find_last_not_of(" \t\r\n");
  text = begin == text.npos ? "" : text.substr(begin, end - begin + 1);
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
  if (text.empty() || text.size() == kLongest || !plain)
    throw std::runtime_error(path + ": a token is one line of printable characters without blanks");
  return text;
}

}  // namespace assent
