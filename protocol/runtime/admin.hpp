// What operators and their machinery ask a daemon: alive, ready, metrics. On a listener of its own,
// so that it answers when the API is full, and need not be where the API is.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/runtime/http_server.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

class Access;
class Metrics;

//   GET /livez    200 as long as the loop turns; depends on nothing else
//   GET /readyz   200, or 503 with the reasons: {"ready":false,"reasons":["…"]}
//   GET /metrics  Prometheus text
// Only in a process started with --enable-fault-injection:
//   GET /v1/faults               every crash point: its orders, passages, orders obeyed
//   GET /v1/faults/{point}       one of them
//   PUT /v1/faults/{point}       replaces its orders; the body as in crash_points.hpp: kill@2
//   DELETE /v1/faults/{point}    takes them back
class AdminServer {
 public:
  // `not_ready` gives the reasons, for people, why work should not be sent here; none: ready. It is
  // called on the I/O thread.
  AdminServer(boost::asio::io_context& io, Metrics& metrics,
              std::function<std::vector<std::string>()> not_ready);
  ~AdminServer();
  // Serves one more path, by GET: `handler` is called on the I/O thread and gives the JSON text to
  // `answer`, once, now or later.
  using Answer = std::function<void(std::string json)>;
  void on_get(std::string path, std::function<void(Answer answer)> handler);
  // Where the client asks for events, such a path answers with what `follow` gives.
  void on_follow(std::string path, std::function<HttpResponse()> follow);
  // Serves what this gives, by GET, where it is none of the paths: pages for a browser.
  using Pages = std::function<std::optional<HttpResponse>(const HttpRequest& request)>;
  void pages(Pages pages);
  // From now on all but /livez, /readyz and the pages are for viewers and operators, and orders at
  // crash points for operators. `access` outlives this.
  void ask_callers(const Access& access);
  // As of HttpServer.
  void use_tls(TlsContext context);
  void close_streams();
  std::uint16_t listen(const std::string& address, std::uint16_t port);

 private:
  struct Site;
  std::shared_ptr<Site> site_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace assent
