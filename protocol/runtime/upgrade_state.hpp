// What an Upgrade carries: the socket and the request that asked. For sources of the runtime only.
#pragma once

#include "protocol/runtime/asio.hpp"
#include "protocol/runtime/upgrade.hpp"

namespace assent {

struct UpgradeState {
  Socket socket;
  http::request<http::string_body> request;
};

}  // namespace assent
