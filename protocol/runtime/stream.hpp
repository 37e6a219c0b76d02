// A connection's bytes: TCP, or TLS over it. One type for both, so that everything above is
// compiled once; models Beast's AsyncStream, for callbacks only. For sources of the runtime only:
// heavy.
#pragma once

#include <memory>
#include <utility>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "protocol/runtime/asio.hpp"

namespace assent {

namespace ssl = boost::asio::ssl;

class Stream {
 public:
  using executor_type = Executor;
  using Tls = ssl::stream<Socket>;

  explicit Stream(Socket socket) : plain_(std::move(socket)) {}
  // TLS begins with async_handshake. The context may be let go afterwards.
  Stream(Socket socket, ssl::context& context)
      : plain_(socket.get_executor()), tls_(std::make_unique<Tls>(std::move(socket), context)) {}

  executor_type get_executor() noexcept { return plain_.get_executor(); }
  Socket& socket() { return tls_ ? tls_->next_layer() : plain_; }
  const Socket& socket() const { return tls_ ? tls_->next_layer() : plain_; }
  Socket& next_layer() { return socket(); }  // as Beast looks for the lowest layer
  const Socket& next_layer() const { return socket(); }
  Tls* tls() { return tls_.get(); }  // null: there is no TLS

  template <class Handler>
  void async_handshake(ssl::stream_base::handshake_type side, Handler&& handler) {
    tls_->async_handshake(side, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) return tls_->async_read_some(buffers, std::forward<Handler>(handler));
    plain_.async_read_some(buffers, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) return tls_->async_write_some(buffers, std::forward<Handler>(handler));
    plain_.async_write_some(buffers, std::forward<Handler>(handler));
  }

 private:
  Socket plain_;  // unused under TLS
  std::unique_ptr<Tls> tls_;
};

// How Beast ends a WebSocket's connection; found by the stream's type.
template <class Handler>
void async_teardown(beast::role_type role, Stream& stream, Handler&& handler) {
  if (stream.tls()) return stream.tls()->async_shutdown(std::forward<Handler>(handler));
  websocket::async_teardown(role, stream.socket(), std::forward<Handler>(handler));
}

}  // namespace assent
