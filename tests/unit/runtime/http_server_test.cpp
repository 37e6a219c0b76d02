// Real sockets on loopback, byte by byte where the client library would not misbehave enough.
#include "protocol/runtime/http_server.hpp"

#include <optional>
#include <vector>

#include "protocol/runtime/http_client.hpp"
#include "protocol/runtime/upgrade.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/runtime/loop.hpp"
#include "tests/unit/runtime/raw_socket.hpp"

using namespace assent;
using assent::test::Loop;
using assent::test::RawSocket;
using assent::test::status_of;
using namespace std::chrono_literals;

namespace {

HttpLimits small_limits() {
  HttpLimits limits;
  limits.header_bytes = 1024;
  limits.body_bytes = 1000;
  limits.connections = 4;
  limits.patience = 1h;
  return limits;
}

// Echoes what it was asked; /later keeps the promise to answer for the test.
struct Fixture {
  explicit Fixture(HttpLimits limits = small_limits()) {
    port = loop.run([&] {
      server = std::make_unique<HttpServer>(
          loop.io, limits,
          [this](HttpRequest request, HttpServer::Respond respond) {
            handle(std::move(request), std::move(respond));
          },
          [](unsigned status, std::string_view what) {
            HttpResponse response;
            response.status = status;
            response.content_type = "application/problem+json";
            response.body = "{\"detail\":\"" + std::string(what) + "\"}";
            return response;
          });
      return server->listen("127.0.0.1", 0);
    });
  }
  ~Fixture() {
    loop.run([&] {
      later.clear();
      server.reset();
    });
  }

  void handle(HttpRequest request, HttpServer::Respond respond) {
    ++handled;
    if (request.path == "/later") {
      later.push_back(std::move(respond));
      return;
    }
    if (request.path == "/dropped") return;
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = request.method + " " + request.path;
    for (const auto& [key, value] : request.query) response.body += " " + key + "=" + value;
    if (!request.body.empty()) response.body += " [" + request.body + "]";
    if (auto echo = request.header("x-echo")) response.headers.emplace_back("X-Echo", *echo);
    if (request.path == "/split") response.headers.emplace_back("X-Split", "a\r\nX-Evil: 1");
    if (request.path == "/nothing") response = {204, "", {}, ""};
    respond(std::move(response));
  }

  std::string exchange(std::string_view bytes) {
    RawSocket socket(port);
    socket.send(bytes);
    return socket.read_all();
  }

  Loop loop;
  std::unique_ptr<HttpServer> server;
  std::vector<HttpServer::Respond> later;
  int handled = 0;
  std::uint16_t port = 0;
};

const std::string kClose = "Host: h\r\nConnection: close\r\n\r\n";

}  // namespace

TEST_CASE("http: a request reaches the handler, decoded") {
  Fixture f;
  const auto answer =
      f.exchange("GET /a%20b/c?x=1%262&y=+z HTTP/1.1\r\nX-Echo: Mixed Case\r\n" + kClose);
  CHECK(status_of(answer) == 200);
  CHECK(answer.find("GET /a b/c x=1&2 y= z") != std::string::npos);
  CHECK(answer.find("X-Echo: Mixed Case\r\n") != std::string::npos);
  CHECK(answer.find("Content-Type: text/plain\r\n") != std::string::npos);
  CHECK(answer.find("\r\nDate: ") != std::string::npos);
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("http: an absolute target is the path in it") {
  Fixture f;
  const auto answer = f.exchange("GET http://h/x?q=1 HTTP/1.1\r\n" + kClose);
  CHECK(answer.find("GET /x q=1") != std::string::npos);
}

TEST_CASE("http: bodies come whole, by length or in chunks") {
  Fixture f;
  CHECK(
      f.exchange("POST /p HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\nHost: h\r\n\r\nabc")
          .find("POST /p [abc]") != std::string::npos);
  CHECK(f.exchange("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
                   "Host: h\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
            .find("POST /p [abc]") != std::string::npos);
}

TEST_CASE("http: pipelined requests are answered in order, slow ones too") {
  Fixture f;
  RawSocket socket(f.port);
  socket.send(
      "GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /3 HTTP/1.1\r\n" +
      kClose);
  REQUIRE(f.loop.eventually([&] { return f.later.size() == 1; }));
  f.loop.run([&] { f.later[0]({200, "text/plain", {}, "first"}); });
  const auto all = socket.read_all();
  const auto first = all.find("first");
  const auto second = all.find("GET /2");
  const auto third = all.find("GET /3");
  REQUIRE(third != std::string::npos);
  CHECK(first < second);
  CHECK(second < third);
}

TEST_CASE("http: HEAD is a GET without its body") {
  Fixture f;
  const auto answer = f.exchange("HEAD /abc HTTP/1.1\r\n" + kClose);
  CHECK(answer.find("Content-Length: 8\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("http: 204 has neither body nor length") {
  Fixture f;
  const auto answer = f.exchange("GET /nothing HTTP/1.1\r\n" + kClose);
  CHECK(status_of(answer) == 204);
  CHECK(answer.find("Content-") == std::string::npos);
}

TEST_CASE("http: a handler's header cannot smuggle in another") {
  Fixture f;
  CHECK(f.exchange("GET /split HTTP/1.1\r\n" + kClose).find("\r\nX-Evil") == std::string::npos);
}

TEST_CASE("http: malformed requests are refused with their status and a problem") {
  Fixture f;
  struct Case {
    const char* what;
    std::string bytes;
    int status;
  };
  const std::string host = "Host: h\r\n";
  const std::vector<Case> cases = {
      {"not HTTP", "hello\r\n\r\n", 400},
      {"another version", "GET / HTTP/3.9\r\n" + host + "\r\n", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"space before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
      {"target without slash", "GET x HTTP/1.1\r\n" + host + "\r\n", 400},
      {"bad percent", "GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400},
      {"NUL in the path", "GET /a%00 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"CONNECT", "CONNECT h:80 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"length and chunks",
       "POST / HTTP/1.1\r\n" + host +
           "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"chunks and length",
       "POST / HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
       400},
      {"two lengths",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
      {"negative length", "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      {"another coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 400},
      {"chunks in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"bad chunk", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"another expectation", "GET / HTTP/1.1\r\n" + host + "Expect: tea\r\n\r\n", 417},
      {"huge header", "GET / HTTP/1.1\r\n" + host + "X: " + std::string(5000, 'x'), 431},
      {"endless first line", "GET /" + std::string(300'000, 'x'), 431},
      {"announced body too large", "POST / HTTP/1.1\r\n" + host + "Content-Length: 1001\r\n\r\n",
       413},
      {"chunked body too large",
       "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" +
           std::string(2000, 'x'),
       413},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    const auto answer = f.exchange(c.bytes);  // ends when the server closes
    CHECK(status_of(answer) == c.status);
    CHECK(answer.find("application/problem+json") != std::string::npos);
  }
  CHECK(f.loop.run([&] { return f.handled; }) == 0);
}

TEST_CASE("http: a header has its limit, however it is cut") {
  Fixture fixture;
  const std::size_t limit = small_limits().header_bytes;
  for (const std::string line : {"A: b\r\n", "A:\r\n", "A: bcdefghijklmnopqrstuvwxyz\r\n"}) {
    INFO(line);
    std::string lines;
    while (lines.size() < limit) lines += line;
    RawSocket slow(fixture.port);
    slow.send("GET / HTTP/1.1\r\nHost: h\r\n");
    for (std::size_t sent = 0; sent < limit / 2; sent += line.size()) slow.send(line);
    slow.send(lines);  // nothing is sent after what is refused
    slow.finish();
    CHECK(status_of(slow.read_all()) == 431);
    CHECK(status_of(fixture.exchange("GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n")) == 431);
  }
  CHECK(fixture.handled == 0);
}

TEST_CASE("http: a client that ignores the refusal still gets it") {
  HttpLimits limits = small_limits();
  Fixture f(limits);
  RawSocket socket(f.port);
  socket.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
  socket.send(std::string(3'000'000, 'x'));
  CHECK(status_of(socket.read_until("\r\n\r\n")) == 413);
}

TEST_CASE("http: 100-continue is sent before the body, and only if it is wanted") {
  Fixture f;
  RawSocket socket(f.port);
  socket.send("POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(status_of(socket.read_until("\r\n\r\n")) == 100);
  socket.send("ok");
  CHECK(socket.read_until("[ok]").find("200 OK") != std::string::npos);
  socket.send(
      "POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n\r\n");
  CHECK(status_of(socket.read_until("\r\n\r\n")) == 413);
}

TEST_CASE("http: one connection serves many requests, and as long as it is asked to") {
  Fixture f;
  RawSocket socket(f.port);
  for (int i = 0; i < 100; ++i) {
    socket.send("GET /k HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(status_of(socket.read_until("GET /k")) == 200);
  }
  socket.send("GET /k HTTP/1.0\r\n\r\n");
  CHECK(socket.read_all().ends_with("GET /k"));  // until the server closes, as 1.0 has it
}

TEST_CASE("http: too many connections are told so, and room is found again") {
  Fixture f;
  {
    std::vector<std::unique_ptr<RawSocket>> held;
    for (int i = 0; i < 4; ++i) held.push_back(std::make_unique<RawSocket>(f.port));
    REQUIRE(f.loop.eventually([&] { return f.server->connections() == 4; }));
    RawSocket extra(f.port);
    CHECK(status_of(extra.read_all()) == 503);
  }
  REQUIRE(f.loop.eventually([&] { return f.server->connections() == 0; }));
  CHECK(status_of(f.exchange("GET / HTTP/1.1\r\n" + kClose)) == 200);
}

TEST_CASE("http: who sends no request makes room for one who does") {
  HttpLimits limits = small_limits();
  limits.patience = 0ms;
  limits.header_timeout = limits.idle_timeout = 1h;
  Fixture f(limits);
  RawSocket served(f.port);
  served.send("GET /kept HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(status_of(served.read_until("GET /kept")) == 200);
  RawSocket silent(f.port);
  REQUIRE(f.loop.eventually([&] { return f.server->connections() == 2; }));
  RawSocket slow(f.port);
  slow.send("GET / HTTP/1.1\r\nHost: ");
  RawSocket later(f.port);
  later.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(f.loop.eventually([&] { return f.later.size() == 1 && f.server->connections() == 4; }));
  // The oldest of those that have sent no request goes first; whoever has, stays.
  CHECK(status_of(f.exchange("GET / HTTP/1.1\r\n" + kClose)) == 200);
  CHECK(silent.read_all().empty());
  served.send("GET /kept HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(status_of(served.read_until("GET /kept")) == 200);
  slow.send("h\r\nConnection: close\r\n\r\n");
  CHECK(status_of(slow.read_all()) == 200);
}

TEST_CASE("http: nobody whose request has come makes room") {
  HttpLimits limits = small_limits();
  limits.patience = 0ms;
  Fixture f(limits);
  std::vector<std::unique_ptr<RawSocket>> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(std::make_unique<RawSocket>(f.port));
    waiting.back()->send("GET /later HTTP/1.1\r\n" + kClose);
  }
  REQUIRE(f.loop.eventually([&] { return f.later.size() == 4; }));
  CHECK(status_of(f.exchange("GET / HTTP/1.1\r\n" + kClose)) == 503);
  f.loop.run([&] {
    for (auto& respond : f.later) respond({});
    return true;
  });
  for (const auto& each : waiting) CHECK(status_of(each->read_all()) == 200);
}

TEST_CASE("http: slow clients run out of time") {
  HttpLimits limits = small_limits();
  SECTION("within the header") {
    limits.header_timeout = 80ms;
    Fixture f(limits);
    RawSocket socket(f.port);
    socket.send("GET / HTTP/1.1\r\n");
    CHECK(status_of(socket.read_all()) == 408);
    CHECK(f.loop.eventually([&] { return f.server->connections() == 0; }));
  }
  SECTION("within the body") {
    limits.body_timeout = 80ms;
    Fixture f(limits);
    RawSocket socket(f.port);
    socket.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    CHECK(status_of(socket.read_all()) == 408);
    CHECK(f.loop.eventually([&] { return f.server->connections() == 0; }));
  }
  SECTION("without a word") {
    limits.header_timeout = 80ms;
    Fixture f(limits);
    RawSocket socket(f.port);
    CHECK(socket.read_all().empty());
    CHECK(f.loop.eventually([&] { return f.server->connections() == 0; }));
  }
  SECTION("idle between requests") {
    limits.idle_timeout = 2s;
    Fixture f(limits);
    RawSocket socket(f.port);
    socket.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(status_of(socket.read_until("GET /")) == 200);
    CHECK(socket.read_all().empty());
    CHECK(f.loop.eventually([&] { return f.server->connections() == 0; }));
  }
}

TEST_CASE("http: a client that does not read its answer is let go") {
  HttpLimits limits = small_limits();
  limits.write_timeout = 80ms;
  Fixture f(limits);
  RawSocket socket(f.port);
  socket.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(f.loop.eventually([&] { return f.later.size() == 1; }));
  f.loop.run([&] { f.later[0]({200, "text/plain", {}, std::string(64'000'000, 'x')}); });
  CHECK(f.loop.eventually([&] { return f.server->connections() == 0; }));
}

TEST_CASE("http: an answer to a client that has gone does nothing") {
  Fixture f;
  {
    RawSocket socket(f.port);
    socket.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(f.loop.eventually([&] { return f.later.size() == 1; }));
  }
  f.loop.run([&] { f.later[0]({200, "text/plain", {}, "x"}); });
  CHECK(f.loop.eventually([&] { return f.server->connections() == 0; }));
  f.loop.run([&] { f.later[0]({200, "text/plain", {}, "x"}); });
}

TEST_CASE("http: a handler that forgets to answer is answered for") {
  Fixture f;
  CHECK(status_of(f.exchange("GET /dropped HTTP/1.1\r\n" + kClose)) == 500);
}

TEST_CASE("http: draining ends idle connections and finishes answers under way") {
  Fixture f;
  RawSocket idle(f.port);
  idle.send("GET /k HTTP/1.1\r\nHost: h\r\n\r\n");
  idle.read_until("GET /k");
  RawSocket busy(f.port);
  busy.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(f.loop.eventually([&] { return f.later.size() == 1; }));
  f.loop.run([&] { f.server->drain(); });
  CHECK(idle.read_all().empty());
  CHECK_THROWS(RawSocket(f.port));
  f.loop.run([&] { f.later[0]({200, "text/plain", {}, "done"}); });
  const auto answer = busy.read_all();
  CHECK(answer.find("Connection: close") != std::string::npos);
  CHECK(answer.ends_with("done"));
  busy.close();
  CHECK(f.loop.eventually([&] { return f.server->connections() == 0; }));
}

TEST_CASE("http: an upgrade that nobody wants is 404") {
  Fixture f;
  const std::string upgrade =
      "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  CHECK(status_of(f.exchange(upgrade)) == 404);
  f.loop.run([&] {
    f.server->on_upgrade([](const HttpRequest&, Upgrade&) {
      return HttpResponse{404, "", {}, ""};
    });
  });
  CHECK(status_of(f.exchange(upgrade)) == 404);
  CHECK(f.loop.run([&] { return f.handled; }) == 0);
}

TEST_CASE("http: an address that is taken is named") {
  Fixture f;
  const std::string where = "127.0.0.1:" + std::to_string(f.port);
  f.loop.run([&] {
    try {
      f.server->listen("127.0.0.1", f.port);
      FAIL_CHECK("listening twice worked");
    } catch (const std::runtime_error& error) {
      CHECK(std::string(error.what()).find(where) != std::string::npos);
    }
  });
}

TEST_CASE("http client: calls, keeps the connection, replaces one that was closed") {
  Fixture f;
  HttpClient client("http://127.0.0.1:" + std::to_string(f.port));
  for (int i = 0; i < 3; ++i) {
    HttpCall call{"POST", "/p?a=b", {{"X-Echo", "e"}}, "body", 5s};
    if (i == 1) call.headers.emplace_back("Connection", "close");
    const auto result = client.call(call);
    REQUIRE(std::holds_alternative<HttpAnswer>(result));
    const auto& answer = std::get<HttpAnswer>(result);
    CHECK(answer.status == 200);
    CHECK(answer.body == "POST /p a=b [body]");
    CHECK(answer.header("x-echo") == "e");
  }
  const auto head = client.call({"HEAD", "/x", {}, "", 5s});
  REQUIRE(std::holds_alternative<HttpAnswer>(head));
  CHECK(std::get<HttpAnswer>(head).body.empty());
  const auto next = client.call({"GET", "/y", {}, "", 5s});
  REQUIRE(std::holds_alternative<HttpAnswer>(next));
  CHECK(std::get<HttpAnswer>(next).body == "GET /y");
}

TEST_CASE("http client: failures say what is known") {
  Fixture f;
  const std::string server = "127.0.0.1:" + std::to_string(f.port);
  HttpClient client(server, {.answer_bytes = 100});
  SECTION("no answer in time") {
    const auto result = client.call({"GET", "/later", {}, "", 1s});
    REQUIRE(std::holds_alternative<HttpFailure>(result));
    CHECK(std::get<HttpFailure>(result).kind == HttpFailure::Kind::timed_out);
    CHECK(std::get<HttpFailure>(result).sent);
    CHECK(std::holds_alternative<HttpAnswer>(client.call({"GET", "/", {}, "", 5s})));
  }
  SECTION("an answer too large") {
    const auto result = client.call({"GET", "/" + std::string(200, 'x'), {}, "", 5s});
    REQUIRE(std::holds_alternative<HttpFailure>(result));
    CHECK(std::get<HttpFailure>(result).kind == HttpFailure::Kind::too_large);
  }
  SECTION("nobody there") {
    f.loop.run([&] { f.server->drain(); });
    const auto result = client.call({"GET", "/", {}, "", 5s});
    REQUIRE(std::holds_alternative<HttpFailure>(result));
    const auto& failure = std::get<HttpFailure>(result);
    CHECK(failure.kind == HttpFailure::Kind::unreachable);
    CHECK_FALSE(failure.sent);
    CHECK(failure.message.find(server) != std::string::npos);
  }
  SECTION("a body refused early is still answered") {
    const auto result = client.call({"POST", "/", {}, std::string(8'000'000, 'x'), 5s});
    REQUIRE(std::holds_alternative<HttpAnswer>(result));
    CHECK(std::get<HttpAnswer>(result).status == 413);
  }
  CHECK_THROWS_AS(HttpClient("ftp://127.0.0.1:1"), std::invalid_argument);
}
