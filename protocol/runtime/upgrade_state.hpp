// What an Upgrade carries: the stream and the request that asked. For sources of the runtime only.
#pragma once

#include "protocol/runtime/stream.hpp"
#include "protocol/runtime/upgrade.hpp"

namespace assent {

struct UpgradeState {
  Stream stream;
  http::request<http::string_body> request;
};

}  // namespace assent
