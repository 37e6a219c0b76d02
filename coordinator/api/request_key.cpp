#include "coordinator/api/request_key.hpp"

#include <algorithm>
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

}  // namespace assent
