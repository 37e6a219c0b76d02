#include "protocol/runtime/websocket_link.hpp"

#include <algorithm>
#include <array>

namespace assent {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kLengthBytes = 4;
// Frames are joined up to this size; a larger frame travels alone.
constexpr std::size_t kBatchBytes = 1024 * 1024;
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kBufferKept = 4 * 1024 * 1024;
constexpr std::chrono::seconds kFarewell{1};

void append_length(std::string& out, std::size_t length) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((length >> shift) & 0xff));
  }
}

std::size_t read_length(std::string_view text) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length = (length << 8) | static_cast<unsigned char>(text[i]);
  }
  return length;
}

std::string peer_of(const Socket& socket) {
  Error error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return "unknown";
  const bool v6 = endpoint.address().is_v6();
  const std::string host = endpoint.address().to_string();
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

// What an answer in place of the upgrade means.
std::string refusal(const websocket::response_type& answer) {
  switch (answer.result_int()) {
    case 401:
      return "answered 401: it takes neither the token nor the certificate shown to it";
    case 403:
      return "answered 403: the token or certificate is not a participant's";
    default:
      return "answered " + std::to_string(answer.result_int());
  }
}

class HeldLink final : public Link {
 public:
  explicit HeldLink(std::shared_ptr<WebSocketLink> link) : link_(std::move(link)) {}
  ~HeldLink() override { link_->abandon(); }
  void send(std::string frame) override { link_->send(std::move(frame)); }
  void close(std::string_view reason) override { link_->close(reason); }
  std::string peer() const override { return link_->peer(); }

 private:
  std::shared_ptr<WebSocketLink> link_;
};

}  // namespace

std::shared_ptr<Link> hold(std::shared_ptr<WebSocketLink> link) {
  return std::make_shared<HeldLink>(std::move(link));
}

WebSocketLink::WebSocketLink(Stream stream, LinkOptions options)
    : stream_(std::move(stream)), watchdog_(stream_.get_executor()), options_(options) {
  Error ignored;
  stream_.next_layer().socket().set_option(Tcp::no_delay(true), ignored);
  peer_ = peer_of(stream_.next_layer().socket());
  stream_.set_option(websocket::stream_base::timeout{websocket::stream_base::none(),
                                                     websocket::stream_base::none(), false});
  stream_.binary(true);
  stream_.auto_fragment(false);
  stream_.write_buffer_bytes(kReadBytes);
  stream_.read_message_max(std::max(options_.frame_bytes, kBatchBytes) + kLengthBytes);
  heard_ = pinged_ = watched_ = steady_clock::now();
}

void WebSocketLink::accept(std::shared_ptr<http::request<http::string_body>> request, Opened done) {
  watch();
  stream_.async_accept(*request, [self = shared_from_this(), request, done](Error error) {
    self->on_opened(error, done);
  });
}

void WebSocketLink::connect(const Address& address, const std::string& path,
                            const std::string& token, Opened done) {
  watch();
  if (!token.empty())
    stream_.set_option(websocket::stream_base::decorator([token](websocket::request_type& request) {
      request.set(http::field::authorization, "Bearer " + token);
    }));
  const std::string host = to_string(address);
  ssl::stream<Socket>* const tls = stream_.next_layer().tls();
  if (!tls) return shake_hands(host, path, done);
  expect_server(tls->native_handle(), address.host);
  stream_.next_layer().async_handshake(
      ssl::stream_base::client, [self = shared_from_this(), tls, host, path, done](Error error) {
        if (self->state_ == State::closed) return;
        if (error)
          return self->on_opened(error, done, unaccepted_certificate(tls->native_handle()));
        self->shake_hands(host, path, done);
      });
}

void WebSocketLink::shake_hands(const std::string& host, const std::string& path,
                                const Opened& done) {
  const auto answer = std::make_shared<websocket::response_type>();
  stream_.async_handshake(*answer, host, path,
                          [self = shared_from_this(), answer, done](Error error) {
                            const bool declined = error == websocket::error::upgrade_declined;
                            self->on_opened(error, done, declined ? refusal(*answer) : "");
                          });
}

void WebSocketLink::on_opened(const Error& error, const Opened& done, const std::string& why) {
  if (state_ == State::closed) return;
  if (!error) {
    state_ = State::open;
    heard_ = steady_clock::now();
    return done({});
  }
  abandon();
  done(error == net::error::operation_aborted
           ? "the handshake was not answered in time"
           : "handshake failed: " + (why.empty() ? error.message() : why));
}

void WebSocketLink::run(LinkCallbacks callbacks) {
  callbacks_ = std::move(callbacks);
  // Any control frame is a sign of life, whatever it says.
  stream_.control_callback(
      [this](websocket::frame_type, beast::string_view) { heard_ = steady_clock::now(); });
  read();
}

void WebSocketLink::watch() {
  const auto period = state_ == State::closing
                          ? std::chrono::milliseconds(kFarewell)
                          : std::min(options_.ping_interval, options_.silence / 4);
  watchdog_.expires_after(std::max(period, std::chrono::milliseconds(1)));
  watchdog_.async_wait([self = shared_from_this()](Error error) {
    if (!error && self->state_ != State::closed) self->on_watch();
  });
}

void WebSocketLink::on_watch() {
  const auto now = steady_clock::now();
  // When it was we who stood still, what the peer sent waits unread: that is not its silence.
  const bool late = now - watched_ > options_.silence / 2;
  watched_ = now;
  if (state_ == State::closing && now - closing_since_ >= kFarewell) return end({});
  if (!late && now - heard_ >= options_.silence) {
    if (state_ != State::opening) {
      return end("nothing heard for " + std::to_string(options_.silence.count()) + " ms");
    }
    Error ignored;
    stream_.next_layer().socket().close(ignored);  // the handshake ends with operation_aborted
    return;
  }
  if (state_ == State::open && !pinging_ && now - pinged_ >= options_.ping_interval) {
    pinged_ = now;
    pinging_ = true;
    stream_.async_ping({}, [self = shared_from_this()](Error) { self->pinging_ = false; });
  }
  watch();
}

void WebSocketLink::read() {
  stream_.async_read_some(
      incoming_, kReadBytes,
      [self = shared_from_this()](Error error, std::size_t bytes) { self->on_read(error, bytes); });
}

void WebSocketLink::on_read(Error error, std::size_t) {
  if (state_ == State::closed) return;
  if (error) {
    if (error == websocket::error::closed) {
      const auto reason = stream_.reason().reason;
      return end(reason.empty() ? "closed by the peer"
                                : "closed by the peer: " + std::string(reason.c_str()));
    }
    return end(error == net::error::eof ? "the peer has gone" : error.message());
  }
  heard_ = steady_clock::now();
  if (stream_.is_message_done() && !deliver()) return;
  read();
}

// Hands on the frames of one message. False when the link has ended meanwhile.
bool WebSocketLink::deliver() {
  const auto bytes = incoming_.cdata();
  std::string_view rest(static_cast<const char*>(bytes.data()), bytes.size());
  while (!rest.empty() && state_ == State::open) {
    const std::size_t length = rest.size() < kLengthBytes ? 0 : read_length(rest);
    if (rest.size() < kLengthBytes || rest.size() - kLengthBytes < length) {
      end("the peer sent a message that is not made of frames");
      return false;
    }
    if (length > options_.frame_bytes) {
      end("the peer sent a frame of " + std::to_string(length) + " bytes; the limit is " +
          std::to_string(options_.frame_bytes));
      return false;
    }
    // The callback may close the link: `incoming_` stays, as we are kept alive by our reader.
    if (callbacks_.on_frame) callbacks_.on_frame(rest.substr(kLengthBytes, length));
    rest.remove_prefix(kLengthBytes + length);
  }
  incoming_.consume(incoming_.size());
  if (incoming_.capacity() > kBufferKept) incoming_.shrink_to_fit();
  return state_ != State::closed;
}

void WebSocketLink::send(std::string frame) {
  if (state_ != State::open) return;
  if (frame.size() > options_.frame_bytes) {
    return close("a frame of " + std::to_string(frame.size()) +
                 " bytes was to be sent; the limit is " + std::to_string(options_.frame_bytes));
  }
  queued_bytes_ += frame.size() + kLengthBytes;
  queue_.push_back(std::move(frame));
  if (queued_bytes_ > options_.unsent_bytes) {
    queue_.clear();
    queued_bytes_ = 0;
    return close("the peer does not take what is sent to it");
  }
  if (!writing_) write();
}

std::string WebSocketLink::next_message() {
  std::string message;
  while (!queue_.empty()) {
    const std::string& frame = queue_.front();
    if (!message.empty() && message.size() + kLengthBytes + frame.size() > kBatchBytes) break;
    append_length(message, frame.size());
    message += frame;
    queued_bytes_ -= frame.size() + kLengthBytes;
    queue_.pop_front();
  }
  return message;
}

void WebSocketLink::write() {
  writing_ = true;
  // One turn later, so that all frames of this turn leave together.
  net::post(stream_.get_executor(), [self = shared_from_this()] {
    if (self->state_ == State::closed) return;
    self->outgoing_ = self->next_message();
    self->stream_.async_write(net::buffer(self->outgoing_), [self](Error error, std::size_t) {
      self->writing_ = false;
      if (self->state_ == State::closed) return;
      if (error) return self->end("cannot send: " + error.message());
      if (!self->queue_.empty()) return self->write();
      if (self->state_ == State::closing) self->say_goodbye();
    });
  });
}

void WebSocketLink::close(std::string_view reason) {
  if (state_ != State::open) return;
  state_ = State::closing;
  close_reason_ = std::string(reason);
  closing_since_ = steady_clock::now();
  watch();
  if (!writing_) say_goodbye();
}

void WebSocketLink::say_goodbye() {
  // A reason in a close frame has at most 123 bytes.
  const websocket::close_reason goodbye(websocket::close_code::normal,
                                        std::string_view(close_reason_).substr(0, 120));
  stream_.async_close(goodbye, [self = shared_from_this()](Error) { self->end({}); });
}

void WebSocketLink::end(std::string reason) {
  if (state_ == State::closed) return;
  if (state_ == State::closing) reason = close_reason_;
  const auto keep = shared_from_this();
  const auto callbacks = std::move(callbacks_);
  abandon();
  if (callbacks.on_closed) callbacks.on_closed(reason);
}

void WebSocketLink::abandon() {
  state_ = State::closed;
  Error ignored;
  stream_.next_layer().socket().close(ignored);
  watchdog_.cancel();
  queue_.clear();
  queued_bytes_ = 0;
}

}  // namespace assent
