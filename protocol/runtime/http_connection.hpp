// One HTTP connection of the server. Requests are handled one at a time, so that pipelined ones are
// answered in order.
//
//   handshake (under TLS)
//      │
//   header ─▶ body ─▶ handling ─▶ writing ─▶ header …
//      │       │          └▶ waiting ──┘│
//      └───────┴─ refused ──────────▶ writing ─▶ lingering ─▶ closed
//
// Nothing but the server's sweep looks at the clock: a phase that lasts too long is ended there.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <unordered_set>

#include "protocol/runtime/http_message.hpp"
#include "protocol/runtime/http_wait.hpp"
#include "protocol/runtime/stream.hpp"

namespace assent {

class HttpConnection;
class HttpStreaming;

// What the connections of one server share.
struct HttpServerState {
  HttpLimits limits;
  HttpServer::Handler handler;
  HttpServer::ProblemBody problem;
  HttpServer::UpgradeHandler upgrade;
  TlsContext tls;  // of new connections
  bool draining = false;
  // Owns them: a connection waiting for its handler's answer has no operation under way that could.
  std::unordered_set<std::shared_ptr<HttpConnection>> connections;
  std::unordered_set<std::shared_ptr<HttpStreaming>> streams;
  std::size_t waiting = 0;  // of the connections
  // Those whose first request has not come yet, in the order they were opened. Each leaves by
  // itself.
  std::list<HttpConnection*> newcomers;
  std::array<char, 16 * 1024> discarded{};  // what lingering connections still send
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(Stream stream, std::shared_ptr<HttpServerState> server);
  ~HttpConnection();

  void start();
  // Answers without having read anything, and closes.
  void refuse(Refusal refusal);
  void answer(HttpResponse response);
  // Whether sweep() would do something.
  bool is_due(SteadyTime now) const;
  void sweep(SteadyTime now);
  SteadyTime opened() const { return opened_; }
  void drain();
  bool waits() const { return wait_ != nullptr; }
  // Answers now what would be answered later. Only where it waits.
  void end_wait();
  // Closes at once; no handler is called after.
  void close();

 private:
  enum class Phase { handshake, header, body, handling, waiting, writing, lingering, closed };

  void no_newcomer();
  bool untouched() const;  // nothing of the next request has arrived
  void enter(Phase phase);
  void read_request();
  void read_header();
  void read_body();
  // What is in the buffer; need_more: all of it is taken in, and it was not enough.
  Error parse();
  // Reads what comes next and goes on with `next`; null: nothing is to be done with it yet.
  using Next = void (HttpConnection::*)();
  void read_some(Next next);
  void on_read(const Error& error, std::size_t got);
  void send_continue();
  void on_header();
  void on_request();
  void upgrade(HttpRequest request);
  void fail(const Error& error);
  void time_out(const char* what);
  void write(HttpResponse response, bool keep_alive);
  void stream(HttpResponse response);
  void wait(std::shared_ptr<HttpWait> wait);
  void linger();
  void close_half();
  void discard();

  Stream stream_;
  std::shared_ptr<const PeerCertificate> certificate_;
  std::shared_ptr<HttpServerState> server_;
  std::optional<std::list<HttpConnection*>::iterator> newcomer_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<BeastResponse> response_;
  ResponseShape shape_;  // of the request being handled
  std::shared_ptr<HttpWait> wait_;
  bool reading_ = false;
  Next next_ = nullptr;  // after what is being read
  Phase phase_ = Phase::header;
  const SteadyTime opened_ = std::chrono::steady_clock::now();
  SteadyTime since_;  // when the phase began
  std::size_t answered_ = 0;
  bool header_begun_ = false;    // as far as the sweep has noticed
  std::size_t header_read_ = 0;  // bytes of the header
  const char* timed_out_ = nullptr;
};

}  // namespace assent
