// "host:port", as people write addresses of services.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assent {

struct Address {
  std::string host;  // a name or a number; IPv6 without its brackets
  std::uint16_t port = 0;
  bool operator==(const Address&) const = default;
};

// host:port or [IPv6]:port; the port is needed, the host may not be empty.
std::optional<Address> parse_address(std::string_view text);
std::string to_string(const Address& address);

// 127.0.0.1, ::1 and the like, or "localhost": nobody else is on the way there. Another name may
// stand for any address.
bool is_loopback(const std::string& host);

}  // namespace assent
