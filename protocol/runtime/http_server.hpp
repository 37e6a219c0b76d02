// An HTTP/1.1 server for one handler: limits, keep-alive, drain. It knows nothing of routes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/runtime/tls.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

class HttpStream;
class HttpWait;

struct HttpRequest {
  std::string method;                                        // as sent; HEAD comes as GET
  std::string path;                                          // percent-decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;    // percent-decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  // What the client has proved by its certificate; null: it has shown none.
  std::shared_ptr<const PeerCertificate> certificate = nullptr;

  // The first header of that (lower-case) name.
  std::optional<std::string_view> header(std::string_view name) const;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Set: what follows the header, without an end, in place of the body. Not for HEAD.
  std::shared_ptr<HttpStream> stream = nullptr;
  // Set: it says later what the response is, in place of all this.
  std::shared_ptr<HttpWait> wait = nullptr;
};

struct HttpLimits {
  std::size_t header_bytes = 16 * 1024;
  std::size_t body_bytes = 1024 * 1024;
  std::size_t connections = 4096;
  // Beyond that number, one from which no first request has come for so long makes room for
  // another.
  std::chrono::milliseconds patience{1000};
  std::size_t streams = 256;                         // endless responses; more are refused with 503
  std::size_t waits = 1024;                          // responses that wait; the same
  std::chrono::milliseconds header_timeout{10'000};  // to the whole header; and for TLS to begin
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};  // kept alive, nothing sent
  std::chrono::milliseconds write_timeout{30'000};
  std::chrono::milliseconds stream_heartbeat{15'000};
};

// A connection that asked for a WebSocket; see upgrade.hpp. Takes the socket over.
class Upgrade;

class HttpServer {
 public:
  // Called once, from the I/O thread, now or later. If the client has gone meanwhile, nothing
  // happens. Dropped uncalled: the client is answered 500. The next request of the same connection
  // is handled after this answer has been sent.
  using Respond = std::function<void(HttpResponse)>;
  // Runs on the I/O thread and must not block.
  using Handler = std::function<void(HttpRequest, Respond)>;
  // For requests with `Upgrade: websocket`. Takes the connection over, or leaves it and says how
  // the request is answered instead.
  using UpgradeHandler = std::function<std::optional<HttpResponse>(const HttpRequest&, Upgrade&)>;
  // What the server answers itself (malformed request, too large, too many connections, time-outs):
  // the body and content type for a status, so that these look like every other problem of this
  // API.
  using ProblemBody = std::function<HttpResponse(unsigned status, std::string_view what)>;

  HttpServer(boost::asio::io_context& io, HttpLimits limits, Handler handler, ProblemBody problem);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void on_upgrade(UpgradeHandler handler);
  // For connections accepted from now on; null: plain HTTP, as without this call.
  void use_tls(TlsContext context);
  // Listens on address:port (port 0: any) and returns the port. Throws std::runtime_error saying
  // what to do when the address cannot be had.
  std::uint16_t listen(const std::string& address, std::uint16_t port);
  // Stops listening; answers under way are finished with `Connection: close`, those that wait given
  // now, idle connections and streams closed.
  void drain();
  // Ends the endless responses, and those that wait: what their clients may do has changed.
  void close_streams();
  std::size_t connections() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace assent
