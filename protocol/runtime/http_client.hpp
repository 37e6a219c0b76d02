// A blocking HTTP/1.1 client for one server, for tools and tests: keep-alive, time-outs, limits and
// failures that say what is known. One thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/runtime/tls.hpp"

namespace assent {

struct HttpCall {
  std::string method = "GET";
  std::string target = "/";  // path and query, percent-encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;                           // sent with a Content-Length unless empty
  std::chrono::milliseconds timeout{30'000};  // from connecting to the last byte of the answer
};

struct HttpAnswer {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  // Until the server's certificate expires; nullopt: it showed none.
  std::optional<std::chrono::seconds> certificate_left = std::nullopt;

  std::optional<std::string_view> header(std::string_view name) const;
};

struct HttpFailure {
  enum class Kind {
    unreachable,  // nobody there, or not who it should be: nothing was sent
    timed_out,
    closed,     // the server closed the connection instead of answering
    malformed,  // what came is not HTTP
    too_large,  // the answer exceeds the limit
  };
  Kind kind = Kind::unreachable;
  std::string message;  // one sentence, names the server
  bool sent = false;    // the server may have acted on the request
};

struct HttpClientOptions {
  std::size_t answer_bytes = 64 * 1024 * 1024;
  TlsClientFiles tls{};  // for https
  std::string token{};   // shown with every call; empty: none
};

class HttpClient {
 public:
  // "http://host:port", "https://host:port" or "host:port". Throws std::invalid_argument for
  // anything else, and for a token that would leave this machine in clear text; std::runtime_error
  // where a file of `tls` cannot be used.
  explicit HttpClient(std::string_view server, HttpClientOptions options = {});
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // A kept connection that turns out closed is replaced; a request that may have been acted on is
  // never repeated.
  std::variant<HttpAnswer, HttpFailure> call(const HttpCall& call);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent
