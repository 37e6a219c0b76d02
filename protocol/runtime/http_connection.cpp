#include "protocol/runtime/http_connection.hpp"

#include <algorithm>

#include "protocol/runtime/http_streaming.hpp"
#include "protocol/runtime/upgrade_state.hpp"

namespace assent {
namespace {

constexpr std::size_t kReadAhead = 64 * 1024;
constexpr std::size_t kFirstRead = 1024;
constexpr std::chrono::seconds kLinger{2};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// The handler's promise to answer. Answers 500 when it is dropped, so that no client waits for an
// answer that cannot come.
class PendingAnswer {
 public:
  explicit PendingAnswer(std::weak_ptr<HttpConnection> connection)
      : connection_(std::move(connection)) {}
  PendingAnswer(const PendingAnswer&) = delete;
  PendingAnswer& operator=(const PendingAnswer&) = delete;
  ~PendingAnswer() {
    if (auto connection = connection_.lock()) {
      connection->refuse({500, "The request was dropped without an answer."});
    }
  }
  void give(HttpResponse response) {
    auto connection = connection_.lock();
    connection_.reset();
    if (connection) connection->answer(std::move(response));
  }

 private:
  std::weak_ptr<HttpConnection> connection_;
};

}  // namespace

HttpConnection::HttpConnection(Stream stream, std::shared_ptr<HttpServerState> server)
    : stream_(std::move(stream)),
      server_(std::move(server)),
      newcomer_(server_->newcomers.insert(server_->newcomers.end(), this)),
      buffer_(server_->limits.header_bytes + kReadAhead) {
  enter(Phase::header);
}

HttpConnection::~HttpConnection() {
  no_newcomer();
}

void HttpConnection::no_newcomer() {
  if (newcomer_) server_->newcomers.erase(*newcomer_);
  newcomer_.reset();
}

void HttpConnection::enter(Phase phase) {
  phase_ = phase;
  since_ = std::chrono::steady_clock::now();
}

bool HttpConnection::untouched() const {
  return buffer_.size() == 0 && !(parser_ && parser_->got_some());
}

void HttpConnection::start() {
  if (!stream_.tls()) return read_request();
  enter(Phase::handshake);
  stream_.async_handshake(ssl::stream_base::server, [self = shared_from_this()](Error error) {
    if (self->phase_ == Phase::closed) return;
    if (error) return self->close();
    self->certificate_ = peer_certificate(self->stream_.tls()->native_handle());
    self->read_request();
  });
}

void HttpConnection::read_request() {
  enter(Phase::header);
  header_begun_ = false;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(server_->limits.header_bytes));
  parser_->body_limit(server_->limits.body_bytes);
  header_read_ = 0;
  shape_ = {};
  read_header();
}

// Beast holds what one read brings against its limit, so that a header that comes line by line
// would have no end. Hence we read, and count.
Error HttpConnection::parse() {
  Error error = http::error::need_more;
  if (buffer_.size() == 0) return error;
  const bool fields = !parser_->is_header_done();
  const std::size_t used = parser_->put(buffer_.data(), error);
  buffer_.consume(used);
  if (!fields) return error;
  header_read_ += used;
  const std::size_t waits = error == http::error::need_more ? buffer_.size() : 0;
  if (header_read_ + waits > server_->limits.header_bytes) return http::error::header_limit;
  return error;
}

void HttpConnection::read_some(Next next) {
  next_ = next;
  if (reading_) return;  // since it waited
  const std::size_t most = buffer_.max_size() - buffer_.size();
  if (most == 0) return fail(http::error::buffer_overflow);
  const std::size_t room = std::max(kFirstRead, buffer_.capacity() - buffer_.size());
  reading_ = true;
  stream_.async_read_some(
      buffer_.prepare(std::min(room, most)),
      [self = shared_from_this()](Error error, std::size_t got) { self->on_read(error, got); });
}

void HttpConnection::on_read(const Error& error, std::size_t got) {
  reading_ = false;
  if (phase_ == Phase::closed) return;
  buffer_.commit(got);
  const Next next = std::exchange(next_, nullptr);
  if (next == nullptr) {
    if (error && phase_ == Phase::waiting) close();  // the client has gone
    return;                                          // after any other phase it is read again
  }
  if (error) return fail(error);
  (this->*next)();
}

void HttpConnection::read_header() {
  const Error error = parse();
  if (error == http::error::need_more) return read_some(&HttpConnection::read_header);
  // The body's announced length is judged by Beast as part of the header, hence 413 comes here.
  if (error) return fail(error);
  on_header();
}

void HttpConnection::on_header() {
  const auto& header = parser_->get();
  shape_ = {header.version(), header.keep_alive(), header.method() == http::verb::head};
  if (auto refusal = check_header(header)) return refuse(std::move(*refusal));
  if (parser_->is_done()) return on_request();
  parser_->eager(true);
  if (expects_continue(header) && buffer_.size() == 0) return send_continue();
  enter(Phase::body);
  read_body();
}

void HttpConnection::send_continue() {
  enter(Phase::writing);
  net::async_write(stream_, net::buffer(kContinue),
                   [self = shared_from_this()](Error error, std::size_t) {
                     if (self->phase_ == Phase::closed) return;
                     if (error) return self->close();
                     self->enter(Phase::body);
                     self->read_body();
                   });
}

void HttpConnection::read_body() {
  const Error error = parse();
  if (error == http::error::need_more) return read_some(&HttpConnection::read_body);
  if (error) return fail(error);
  if (!parser_->is_done()) return read_body();
  on_request();
}

void HttpConnection::on_request() {
  no_newcomer();
  const bool upgrades = websocket::is_upgrade(parser_->get());
  // The upgrade needs Beast's request once more; every other request may be taken apart.
  auto translated = translate(upgrades ? BeastRequest(parser_->get()) : parser_->release());
  if (auto* refusal = std::get_if<Refusal>(&translated)) return refuse(std::move(*refusal));
  auto& request = std::get<HttpRequest>(translated);
  request.certificate = certificate_;
  enter(Phase::handling);
  if (upgrades) return upgrade(std::move(request));
  auto pending = std::make_shared<PendingAnswer>(weak_from_this());
  server_->handler(std::move(request), [pending = std::move(pending)](HttpResponse response) {
    pending->give(std::move(response));
  });
}

void HttpConnection::upgrade(HttpRequest request) {
  if (!server_->upgrade || server_->draining) {
    return refuse({404, "There is no WebSocket at " + request.path + "."});
  }
  if (buffer_.size() != 0) return refuse({400, "Data came before the upgrade was accepted."});
  auto self = shared_from_this();
  Upgrade offered(
      std::make_shared<UpgradeState>(UpgradeState{std::move(stream_), parser_->release()}));
  auto refusal = server_->upgrade(request, offered);
  if (!refusal) {
    phase_ = Phase::closed;
    server_->connections.erase(self);
    return;
  }
  stream_ = std::move(offered.state->stream);
  write(std::move(*refusal), false);
}

void HttpConnection::answer(HttpResponse response) {
  if (phase_ != Phase::handling) return;
  if (response.wait) return wait(std::move(response.wait));
  if (response.stream && !shape_.head) return stream(std::move(response));
  write(std::move(response), shape_.keep_alive && !server_->draining);
}

void HttpConnection::stream(HttpResponse response) {
  if (server_->draining) return refuse({503, "This server is shutting down."});
  if (server_->streams.size() >= server_->limits.streams)
    return refuse({503, "This server has as many followers as it accepts."});
  auto streaming =
      std::make_shared<HttpStreaming>(std::move(stream_), server_, std::move(response), shape_);
  server_->streams.insert(streaming);
  phase_ = Phase::closed;
  server_->connections.erase(shared_from_this());
  streaming->start();
}

void HttpConnection::wait(std::shared_ptr<HttpWait> wait) {
  if (server_->waiting >= server_->limits.waits)
    return refuse({503, "As many requests wait at this server as may."});
  enter(Phase::waiting);
  wait_ = std::move(wait);
  ++server_->waiting;
  wait_->on_ready([weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && self->waits()) self->end_wait();
  });
  if (server_->draining) return end_wait();
  // That the client goes is noticed by reading. Its next request may come as well.
  if (buffer_.size() == 0) read_some(nullptr);
}

void HttpConnection::end_wait() {
  const auto wait = std::exchange(wait_, nullptr);
  --server_->waiting;
  write(wait->answer(), shape_.keep_alive && !server_->draining);
}

void HttpConnection::refuse(Refusal refusal) {
  if (phase_ == Phase::closed) return;
  write(server_->problem(refusal.status, refusal.what), false);
}

void HttpConnection::write(HttpResponse response, bool keep_alive) {
  no_newcomer();
  enter(Phase::writing);
  shape_.keep_alive = keep_alive;
  response_.emplace(translate(std::move(response), shape_));
  const bool keep = response_->keep_alive();
  http::async_write(stream_, *response_,
                    [self = shared_from_this(), keep](Error error, std::size_t) {
                      if (self->phase_ == Phase::closed) return;
                      if (error) return self->close();
                      ++self->answered_;
                      self->response_.reset();
                      if (!keep) return self->linger();
                      if (self->server_->draining && self->buffer_.size() == 0) {
                        return self->linger();
                      }
                      self->read_request();
                    });
}

void HttpConnection::fail(const Error& error) {
  if (timed_out_) return refuse({408, timed_out_});
  if (auto refusal = refusal_for(error)) return refuse(std::move(*refusal));
  close();
}

void HttpConnection::time_out(const char* what) {
  timed_out_ = what;
  stream_.socket().cancel();
}

// Closing while the client still sends would reset the connection, and the answer might be lost
// with it: so say that nothing more comes and read on for a moment.
void HttpConnection::linger() {
  enter(Phase::lingering);
  if (!stream_.tls()) return close_half();
  stream_.tls()->async_shutdown([self = shared_from_this()](Error) {
    if (self->phase_ != Phase::closed) self->close_half();
  });
}

void HttpConnection::close_half() {
  Error ignored;
  stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  discard();
}

// Below TLS: what still comes is not looked at.
void HttpConnection::discard() {
  stream_.socket().async_read_some(net::buffer(server_->discarded),
                                   [self = shared_from_this()](Error error, std::size_t) {
                                     if (self->phase_ == Phase::closed) return;
                                     if (error) return self->close();
                                     self->discard();
                                   });
}

bool HttpConnection::is_due(SteadyTime now) const {
  const HttpLimits& limits = server_->limits;
  const auto lasted = now - since_;
  switch (phase_) {
    case Phase::handshake:
      return lasted >= limits.header_timeout;
    case Phase::header:
      if (untouched())
        return lasted >= (answered_ > 0 ? limits.idle_timeout : limits.header_timeout);
      return !header_begun_ || lasted >= limits.header_timeout;
    case Phase::body:
      return lasted >= limits.body_timeout;
    case Phase::writing:
      return lasted >= limits.write_timeout;
    case Phase::lingering:
      return lasted >= kLinger;
    case Phase::waiting:
      return lasted >= wait_->longest();
    case Phase::handling:
    case Phase::closed:
      return false;
  }
  return false;
}

void HttpConnection::sweep(SteadyTime now) {
  if (!is_due(now)) return;
  if (phase_ == Phase::waiting) return end_wait();
  if (phase_ == Phase::body) return time_out("The request's body did not arrive in time.");
  if (phase_ != Phase::header || untouched()) return close();
  const bool lasted = now - since_ >= server_->limits.header_timeout;
  // On a kept connection its time began when the first of it came, not when the last answer went.
  if (!std::exchange(header_begun_, true) && answered_ > 0) return enter(Phase::header);
  if (lasted) time_out("The request's header did not arrive in time.");
}

void HttpConnection::drain() {
  if (phase_ == Phase::handshake || (phase_ == Phase::header && untouched())) close();
}

void HttpConnection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  if (std::exchange(wait_, nullptr)) --server_->waiting;
  no_newcomer();
  Error ignored;
  stream_.socket().close(ignored);
  server_->connections.erase(shared_from_this());
}

}  // namespace assent
