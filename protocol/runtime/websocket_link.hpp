// An open (or opening) link over one WebSocket; both ends are the same but for the handshake.
//
// A WebSocket message carries one or more frames, each as a 4-byte big-endian length and its bytes:
// whatever was queued while a write was under way leaves in one message, hence in one write.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "protocol/runtime/address.hpp"
#include "protocol/runtime/link.hpp"
#include "protocol/runtime/stream.hpp"

namespace assent {

class WebSocketLink : public std::enable_shared_from_this<WebSocketLink> {
 public:
  WebSocketLink(Stream stream, LinkOptions options);

  // `done` gets an empty string, or why the handshake failed; it is not called after abandon().
  using Opened = std::function<void(std::string_view failure)>;
  void accept(std::shared_ptr<http::request<http::string_body>> request, Opened done);
  // To a server at `address` that expects to be asked for `path`; with `token`, unless it is empty.
  void connect(const Address& address, const std::string& path, const std::string& token,
               Opened done);
  // Once open: delivers frames and the end.
  void run(LinkCallbacks callbacks);

  void send(std::string frame);
  // What is queued still leaves, within a second.
  void close(std::string_view reason);
  // Closes at once, without callbacks.
  void abandon();
  std::string peer() const { return peer_; }

 private:
  enum class State { opening, open, closing, closed };

  void watch();
  void on_watch();
  void on_opened(const Error& error, const Opened& done, const std::string& why = {});
  void shake_hands(const std::string& host, const std::string& path, const Opened& done);
  void read();
  void on_read(Error error, std::size_t bytes);
  bool deliver();
  void write();
  std::string next_message();
  void say_goodbye();
  void end(std::string reason);

  websocket::stream<Stream, false> stream_;
  Timer watchdog_;
  LinkOptions options_;
  LinkCallbacks callbacks_;
  State state_ = State::opening;
  std::string peer_;
  beast::flat_buffer incoming_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::string outgoing_;  // the message being written
  bool writing_ = false;
  bool pinging_ = false;
  std::string close_reason_;
  SteadyTime heard_;
  SteadyTime pinged_;
  SteadyTime watched_;
  SteadyTime closing_since_;
};

// What callers hold: dropping it closes the connection.
std::shared_ptr<Link> hold(std::shared_ptr<WebSocketLink> link);

}  // namespace assent
