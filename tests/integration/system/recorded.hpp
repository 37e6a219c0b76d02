// The way to the coordinator for tests. Where the variable RECORD_TRAFFIC names a folder, it keeps
// there what was asked and answered, for tests/integration/api/traffic.py to hold against
// docs/openapi.yaml.
#pragma once

#include <memory>
#include <string>

#include "clients/cpp/transport.hpp"

namespace assent::test {

// To the REST API, not to an admin listener. Throws as make_http_transport.
std::unique_ptr<client::Transport> transport_to(const std::string& url,
                                                const HttpClientOptions& options = {});

}  // namespace assent::test
