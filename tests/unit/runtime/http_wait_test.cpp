// Responses that wait, over real sockets.
#include "protocol/runtime/http_wait.hpp"

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
  std::string now = "as it was";
  std::function<void()> ready;
  int waits = 0;
};

class News final : public HttpWait {
 public:
  News(Source& source, std::chrono::milliseconds longest) : HttpWait(longest), source_(source) {
    ++source_.waits;
  }
  ~News() override { --source_.waits; }
  void on_ready(std::function<void()> ready) override { source_.ready = std::move(ready); }
  HttpResponse answer() override {
    HttpResponse response;
    response.body = source_.now;
    return response;
  }

 private:
  Source& source_;
};

HttpLimits limits_with(std::size_t waits) {
  HttpLimits limits;
  limits.waits = waits;
  return limits;
}

// /wait waits; everything else does not.
struct Fixture {
  explicit Fixture(HttpLimits limits = {}, std::chrono::milliseconds longest = 1h) {
    port = loop.run([&] {
      server = std::make_unique<HttpServer>(
          loop.io, limits,
          [this, longest](HttpRequest request, HttpServer::Respond respond) {
            HttpResponse response;
            response.body = "at once";
            if (request.path == "/wait") response.wait = std::make_shared<News>(source, longest);
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
      source.now = text;
      const auto ready = source.ready;
      ready();
    });
  }
  bool wait_for(int waits) {
    return loop.eventually([&] { return source.waits == waits; });
  }

  Loop loop;
  Source source;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
};

const std::string kWait = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kOther = "GET /other HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("a wait is answered when it is ready, and its connection goes on") {
  Fixture f;
  RawSocket socket(f.port);
  for (const std::string text : {"first", "second"}) {
    socket.send(kWait);
    REQUIRE(f.wait_for(1));
    f.say(text);
    const std::string answer = socket.read_until(text);
    CHECK(status_of(answer) == 200);
    CHECK(answer.ends_with(text));
    CHECK(f.wait_for(0));
  }
  socket.send(kOther);
  CHECK(status_of(socket.read_until("at once")) == 200);
}

TEST_CASE("a request that comes while another waits is answered after it") {
  Fixture f;
  const bool together = GENERATE(true, false);
  RawSocket socket(f.port);
  socket.send(together ? kWait + kOther : kWait);
  REQUIRE(f.wait_for(1));
  if (!together) {
    socket.send(kOther.substr(0, 9));
    // What is on its way here has come when a later connection is served.
    RawSocket other(f.port);
    other.send(kOther);
    other.read_until("at once");
    socket.send(kOther.substr(9));
  }
  f.say("changed");
  CHECK(socket.read_until("changed").find("at once") == std::string::npos);
  CHECK(status_of(socket.read_until("at once")) == 200);
}

TEST_CASE("a wait whose time is over is answered with what is") {
  Fixture f({}, 20ms);
  RawSocket socket(f.port);
  socket.send(kWait);
  CHECK(status_of(socket.read_until("as it was")) == 200);
  CHECK(f.wait_for(0));
}

TEST_CASE("a wait ends when its client goes") {
  Fixture f;
  {
    RawSocket socket(f.port);
    socket.send(kWait);
    REQUIRE(f.wait_for(1));
  }
  CHECK(f.wait_for(0));
  CHECK(f.loop.eventually([&] { return f.server->connections() == 0; }));
}

TEST_CASE("a wait is answered when the server drains, and the connection closed") {
  Fixture f;
  RawSocket socket(f.port);
  socket.send(kWait);
  REQUIRE(f.wait_for(1));
  f.loop.run([&] { f.server->drain(); });
  const std::string answer = socket.read_all();
  CHECK(status_of(answer) == 200);
  CHECK(answer.ends_with("as it was"));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(f.wait_for(0));
}

TEST_CASE("a wait is answered when what clients may do has changed") {
  Fixture f;
  RawSocket socket(f.port);
  socket.send(kWait);
  REQUIRE(f.wait_for(1));
  f.loop.run([&] { f.server->close_streams(); });
  CHECK(status_of(socket.read_until("as it was")) == 200);
}

TEST_CASE("more waits than the limit are refused, until one has ended") {
  Fixture f(limits_with(1));
  RawSocket first(f.port);
  first.send(kWait);
  REQUIRE(f.wait_for(1));
  RawSocket second(f.port);
  second.send(kWait);
  CHECK(status_of(second.read_all()) == 503);
  first.close();
  REQUIRE(f.wait_for(0));
  RawSocket third(f.port);
  third.send(kWait);
  REQUIRE(f.wait_for(1));
  f.say("changed");
  CHECK(status_of(third.read_until("changed")) == 200);
}
