// A link between a participant and the coordinator: WebSocket, binary frames, pings. It knows up,
// down and message, and nothing of transactions. Everything here belongs to the I/O thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/runtime/tls.hpp"
#include "protocol/runtime/upgrade.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

struct LinkOptions {
  std::size_t frame_bytes = 64 * 1024 * 1024;    // a larger frame closes the link
  std::size_t unsent_bytes = 256 * 1024 * 1024;  // more waiting to be sent closes the link
  std::chrono::milliseconds ping_interval{2000};
  std::chrono::milliseconds silence{6000};  // nothing heard for so long closes the link
};

// One end of an open link. Kept alive by whoever holds it; destroying it closes the connection at
// once and silently: no callback comes after.
class Link {
 public:
  virtual ~Link() = default;
  // Sends one frame. Frames given in one turn of the loop, or while a write is under way, leave
  // together, in order. After the link was closed: nothing happens.
  virtual void send(std::string frame) = 0;
  // Closes once what was sent before has left, within a second; nothing is delivered any more, and
  // `on_closed` is called later, once. The peer is told the reason (its first 120 bytes).
  virtual void close(std::string_view reason) = 0;
  virtual std::string peer() const = 0;  // address:port, for people
};

struct LinkCallbacks {
  std::function<void(std::string_view frame)> on_frame;
  std::function<void(std::string_view reason)> on_closed;  // once; the Link must not be used after
};

// Coordinator's side: turns an upgraded HTTP connection into a link. `opened` gets the link, or
// nothing is called when the handshake fails. A handshake under way is nobody's: it ends after the
// server that began it, so what is given here must not assume that anything else is still there.
void accept_link(Upgrade upgrade, LinkOptions options, LinkCallbacks callbacks,
                 std::function<void(std::shared_ptr<Link>)> opened);

// Participant's side: dials the addresses in turn until one answers, and again, with jittered
// back-off, each time the link is lost.
class LinkDialer {
 public:
  struct Callbacks {
    std::function<void(std::shared_ptr<Link>)> on_up;  // the dialer holds the link as well
    std::function<void(std::string_view frame)> on_frame;
    std::function<void(std::string_view reason)> on_down;    // after on_up, when it is lost
    std::function<void(std::string_view reason)> on_failed;  // an attempt that came to nothing
  };
  struct Backoff {
    std::chrono::milliseconds first{50};
    std::chrono::milliseconds longest{2000};
  };
  // Addresses: "host:port"; std::runtime_error for anything else. `path` is the resource asked for,
  // such as /v1/link. An attempt may take as long as `options.silence`.
  LinkDialer(boost::asio::io_context& io, std::vector<std::string> addresses, std::string path,
             LinkOptions options, Backoff backoff, Callbacks callbacks);
  ~LinkDialer();
  // For attempts from now on: TLS, where `tls` is not null, with the certificate checked against
  // the address's host; and the bearer token to show, unless it is empty.
  void secure(TlsContext tls, std::string token);
  void start();
  void stop();  // closes the link; no callback comes after it returns

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace assent
