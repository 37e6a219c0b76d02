// What the client stands on: HTTP and time. An interface, so that tests can lose replies and wait
// for nothing.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/runtime/http_client.hpp"

namespace assent::client {

using std::chrono::milliseconds;
using Exchange = std::variant<HttpAnswer, HttpFailure>;

// Used from one thread.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Exchange call(const HttpCall& call) = 0;
  virtual std::chrono::steady_clock::time_point now() const = 0;
  virtual void wait(milliseconds time) = 0;
};

// Over HTTP/1.1 to http://host:port or https://host:port. Throws as HttpClient.
std::unique_ptr<Transport> make_http_transport(const std::string& url,
                                               const HttpClientOptions& options = {});

// For a path segment or a query value.
std::string percent_encoded(std::string_view text);

}  // namespace assent::client
