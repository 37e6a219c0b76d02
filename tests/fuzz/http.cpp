// The HTTP server's connection over a pair of sockets: all the bytes come at once, or in pieces
// whose size the first byte gives. What the handler gets must not depend on the pieces.
#include <algorithm>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "protocol/runtime/http_connection.hpp"
#include "protocol/runtime/http_streaming.hpp"
#include "tests/fuzz/targets.hpp"

namespace assent::fuzz {
namespace {

constexpr std::size_t kHeader = 2048;
constexpr std::size_t kBody = 4096;

struct Exchange {
  std::vector<std::string> requests;  // as the handler got them
  std::string answers;                // as the client got them
};

std::string shown(const HttpRequest& request) {
  std::string text = request.method + " " + request.path;
  for (const auto& [name, value] : request.query) text += "?" + name + "=" + value;
  for (const auto& [name, value] : request.headers) text += "\n" + name + ":" + value;
  return text + "\n" + request.body;
}

void read_answers(int fd, std::string& into) {
  char block[4096];
  for (ssize_t got = 0; (got = ::recv(fd, block, sizeof block, MSG_DONTWAIT)) > 0;)
    into.append(block, static_cast<std::size_t>(got));
}

class Conversation {
 public:
  Conversation() : state_(std::make_shared<HttpServerState>()) {
    state_->limits.header_bytes = kHeader;
    state_->limits.body_bytes = kBody;
    state_->handler = [this](HttpRequest request, HttpServer::Respond respond) {
      handle(std::move(request), respond);
    };
    state_->problem = [](unsigned status, std::string_view what) {
      demand(!what.empty(), "a refusal says why");
      return HttpResponse{status, "text/plain", {}, "refused", {}};
    };
  }

  Exchange run(std::string_view bytes, std::size_t piece) {
    exchange_ = {};
    int pair[2];
    demand(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "there are sockets");
    Socket socket(io_);
    socket.assign(Tcp::v4(), pair[0]);
    auto connection = std::make_shared<HttpConnection>(Stream(std::move(socket)), state_);
    state_->connections.insert(connection);
    connection->start();
    while (!bytes.empty()) {
      const std::string_view part = bytes.substr(0, piece);
      if (::send(pair[1], part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) break;
      bytes.remove_prefix(part.size());
      io_.restart();
      io_.poll();
      read_answers(pair[1], exchange_.answers);
    }
    ::shutdown(pair[1], SHUT_WR);
    io_.restart();
    io_.run();
    read_answers(pair[1], exchange_.answers);
    ::close(pair[1]);
    demand(state_->connections.empty(), "a connection that has ended is let go of");
    return std::move(exchange_);
  }

 private:
  void handle(HttpRequest request, const HttpServer::Respond& respond) {
    demand(request.body.size() <= kBody, "the body has its limit");
    demand(request.path.find('\0') == std::string::npos, "no NUL in a path");
    demand(!request.path.empty() && request.method != "HEAD", "what a handler may rely on");
    std::size_t header = 0;
    for (const auto& [name, value] : request.headers) header += name.size() + value.size();
    demand(header <= kHeader, "the header has its limit");
    exchange_.requests.push_back(shown(request));
    HttpResponse response;
    response.content_type = "text/plain";
    // Whatever came, decoded or not, must not become a header line of its own.
    response.headers.emplace_back("X-Echo", request.path + request.body);
    respond(std::move(response));
  }

  net::io_context io_{1};
  std::shared_ptr<HttpServerState> state_;
  Exchange exchange_;
};

void check_answers(const std::string& answers) {
  if (answers.empty()) return;
  demand(answers.starts_with("HTTP/1.1 ") || answers.starts_with("HTTP/1.0 "),
         "an answer is an answer");
  for (std::size_t at = 0; (at = answers.find('\n', at)) != std::string::npos; ++at)
    demand(at > 0 && answers[at - 1] == '\r', "no line ends but by the server");
}

}  // namespace

void http(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 64 * 1024) return;
  static Conversation conversation;
  const auto piece = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0]));
  bytes.remove_prefix(1);
  const Exchange whole = conversation.run(bytes, bytes.size());
  check_answers(whole.answers);
  if (piece == 0) return;
  const Exchange pieces = conversation.run(bytes, piece);
  check_answers(pieces.answers);
  demand(pieces.requests == whole.requests, "requests do not depend on how their bytes come");
}

}  // namespace assent::fuzz
