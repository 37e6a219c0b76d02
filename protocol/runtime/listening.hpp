// Where a daemon may listen. There is neither TLS nor authentication yet, so nothing is open beyond
// loopback unless the operator says so by name.
#pragma once

#include <string_view>
#include <vector>

#include "protocol/runtime/address.hpp"
#include "protocol/runtime/config.hpp"

namespace assent {

// The key that opens the network, for the table of a daemon's keys.
ConfigKey allow_open_network_key();

// The address under `key`. ConfigError: it is malformed, or beyond loopback without
// `allow_open_network`.
Address listen_address(const Config& config, std::string_view key);

}  // namespace assent
