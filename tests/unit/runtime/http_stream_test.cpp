// Endless responses over real sockets.
#include "protocol/runtime/http_stream.hpp"

#include <optional>

#include "protocol/runtime/http_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/runtime/loop.hpp"
#include "tests/unit/runtime/raw_socket.hpp"

using namespace assent;
using assent::test::Loop;
using assent::test::RawSocket;
using assent::test::status_of;
using namespace std::chrono_literals;

namespace {

struct Source {
  std::string waiting;
  std::function<void()> more;
  int streams = 0;
};

class Drip final : public HttpStream {
 public:
  explicit Drip(Source& source) : source_(source) { ++source_.streams; }
  ~Drip() override { --source_.streams; }
  std::string next() override { return std::exchange(source_.waiting, {}); }
  void on_more(std::function<void()> more) override { source_.more = std::move(more); }
  std::string heartbeat() const override { return ":alive\n"; }

 private:
  Source& source_;
};

struct Fixture {
  explicit Fixture(HttpLimits limits = {}) {
    port = loop.run([&] {
      server = std::make_unique<HttpServer>(
          loop.io, limits,
          [this](HttpRequest, HttpServer::Respond respond) {
            HttpResponse response;
            response.content_type = "text/event-stream";
            response.stream = std::make_shared<Drip>(source);
            respond(std::move(response));
          },
          [](unsigned status, std::string_view) {
            HttpResponse response;
            response.status = status;
            return response;
          });
      return server->listen("127.0.0.1", 0);
    });
  }
  ~Fixture() {
    loop.run([&] { server.reset(); });
  }
  void say(const std::string& text) {
    loop.run([&] {
      source.waiting += text;
      if (source.more) source.more();
    });
  }
  int streams() {
    return loop.run([&] { return source.streams; });
  }

  Loop loop;
  Source source;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
};

const std::string kAsk = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("a stream sends its header at once and then what comes, as it comes") {
  Fixture f;
  RawSocket client(f.port);
  client.send(kAsk);
  const std::string header = client.read_until("\r\n\r\n");
  CHECK(status_of(header) == 200);
  CHECK(header.find("Content-Type: text/event-stream") != std::string::npos);
  CHECK(header.find("Content-Length") == std::string::npos);
  CHECK(header.find("Connection: close") != std::string::npos);
  f.say("one.");
  CHECK(client.read_until("one.") == "one.");
  f.say("two.");
  CHECK(client.read_until("two.") == "two.");
}

TEST_CASE("a stream is let go when its client leaves, and when the server drains") {
  Fixture f;
  RawSocket client(f.port);
  client.send(kAsk);
  client.read_until("\r\n\r\n");
  CHECK(f.streams() == 1);
  client.close();
  CHECK(f.loop.eventually([&] { return f.source.streams == 0; }));

  RawSocket other(f.port);
  other.send(kAsk);
  other.read_until("\r\n\r\n");
  f.loop.run([&] { f.server->drain(); });
  CHECK(other.read_all() == "");
  CHECK(f.streams() == 0);
}

TEST_CASE("a silent stream has a heartbeat") {
  HttpLimits limits;
  limits.stream_heartbeat = 20ms;
  Fixture f(limits);
  RawSocket client(f.port);
  client.send(kAsk);
  client.read_until("\r\n\r\n");
  CHECK(client.read_until(":alive\n") == ":alive\n");
}

TEST_CASE("a client that reads nothing is given up, with what was to be sent") {
  HttpLimits limits;
  limits.stream_heartbeat = 50ms;
  Fixture f(limits);
  RawSocket client(f.port);
  client.send(kAsk);
  client.read_until("\r\n\r\n");
  f.say(std::string(64 << 20, 'x'));
  CHECK(f.loop.eventually([&] { return f.source.streams == 0; }));
}

TEST_CASE("more followers than the limit are refused; HEAD has the header only") {
  HttpLimits limits;
  limits.streams = 1;
  Fixture f(limits);
  RawSocket first(f.port), second(f.port), third(f.port);
  first.send(kAsk);
  first.read_until("\r\n\r\n");
  second.send(kAsk);
  CHECK(status_of(second.read_until("\r\n\r\n")) == 503);
  third.send("HEAD /events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(status_of(third.read_all()) == 200);
}
