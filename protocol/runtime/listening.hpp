// Where a daemon may listen, and how it is protected there. Beyond loopback it needs TLS and a file
// of callers; without both it is open to the network only when the operator says so by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/runtime/access.hpp"
#include "protocol/runtime/address.hpp"
#include "protocol/runtime/config.hpp"
#include "protocol/runtime/tls.hpp"

namespace assent {

// access_file, tls.certificate, tls.key, tls.client_ca, allow_open_network.
std::vector<ConfigKey> listening_keys();

// The address under `key`. ConfigError: it is malformed, or beyond loopback without TLS and callers
// and without `allow_open_network`.
Address listen_address(const Config& config, std::string_view key);

// What the listeners speak; null: plain HTTP. ConfigError: the keys do not fit together, or a file
// cannot be used.
TlsContext listening_tls(const Config& config);

// Who may call: everybody, where no file is named. ConfigError: the file cannot be used.
Access access_of(const Config& config);

}  // namespace assent
