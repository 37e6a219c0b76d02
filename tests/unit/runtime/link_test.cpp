// Two ends of a link over loopback; both run on one loop.
#include "protocol/runtime/link.hpp"

#include <optional>
#include <vector>

#include "protocol/runtime/http_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/runtime/loop.hpp"
#include "tests/unit/runtime/raw_socket.hpp"

using namespace assent;
using assent::test::Loop;
using assent::test::RawSocket;
using namespace std::chrono_literals;

namespace {

// A server that accepts links at /link and remembers what came over them.
struct Server {
  Server(Loop& loop, LinkOptions link_options, std::uint16_t wanted = 0) : options(link_options) {
    http = std::make_unique<HttpServer>(
        loop.io, HttpLimits{}, [](HttpRequest, HttpServer::Respond) {},
        [](unsigned status, std::string_view) {
          return HttpResponse{status, "", {}, ""};
        });
    http->on_upgrade(
        [this](const HttpRequest& request, Upgrade& upgrade) -> std::optional<HttpResponse> {
          if (request.path != "/link") return HttpResponse{404, "", {}, ""};
          accept(std::move(upgrade));
          return std::nullopt;
        });
    port = http->listen("127.0.0.1", wanted);
  }

  // A handshake under way when this server ends is finished nevertheless: by then nobody listens.
  void accept(Upgrade upgrade) {
    const std::weak_ptr<void> alive = life;
    accept_link(std::move(upgrade), options,
                {[this, alive](std::string_view frame) {
                   if (!alive.expired()) frames.emplace_back(frame);
                 },
                 [this, alive](std::string_view reason) {
                   if (alive.expired()) return;
                   closed.emplace_back(reason);
                   link.reset();
                 }},
                [this, alive](std::shared_ptr<Link> opened) {
                  if (alive.expired()) return;
                  ++opens;
                  link = std::move(opened);
                });
  }

  std::shared_ptr<void> life = std::make_shared<int>();
  LinkOptions options;
  std::unique_ptr<HttpServer> http;
  std::shared_ptr<Link> link;
  std::vector<std::string> frames;
  std::vector<std::string> closed;
  int opens = 0;
  std::uint16_t port = 0;
};

struct Client {
  Client(Loop& loop, std::vector<std::string> addresses, LinkOptions options,
         LinkDialer::Backoff backoff = {5ms, 20ms}, std::string path = "/link")
      : dialer(loop.io, std::move(addresses), std::move(path), options, backoff,
               {[this](std::shared_ptr<Link> opened) {
                  ++ups;
                  link = std::move(opened);
                },
                [this](std::string_view frame) { frames.emplace_back(frame); },
                [this](std::string_view reason) {
                  downs.emplace_back(reason);
                  link.reset();
                },
                [this](std::string_view reason) { failures.emplace_back(reason); }}) {
    dialer.start();
  }

  std::shared_ptr<Link> link;
  std::vector<std::string> frames;
  std::vector<std::string> downs;
  std::vector<std::string> failures;
  int ups = 0;
  LinkDialer dialer;
};

std::string at(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

// Everything belongs to the loop's thread, so it is made and unmade there.
struct Fixture {
  ~Fixture() {
    loop.run([&] {
      client.reset();
      server.reset();
    });
  }
  void serve(LinkOptions options = {}, std::uint16_t port = 0) {
    loop.run([&] { server.emplace(loop, options, port); });
  }
  void dial(std::vector<std::string> addresses, LinkOptions options = {},
            LinkDialer::Backoff backoff = {5ms, 20ms}, std::string path = "/link") {
    loop.run(
        [&] { client.emplace(loop, std::move(addresses), options, backoff, std::move(path)); });
  }
  bool both_up() {
    return loop.eventually([&] { return client->link && server->link; });
  }

  Loop loop;
  std::optional<Server> server;
  std::optional<Client> client;
};

}  // namespace

TEST_CASE("link: frames arrive whole and in order, both ways") {
  Fixture f;
  f.serve();
  f.dial({at(f.server->port)});
  REQUIRE(f.both_up());
  std::vector<std::string> sent;
  for (int i = 0; i < 3000; ++i) {
    sent.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i) % 700, 'x'));
  }
  sent.push_back("");
  sent.push_back(std::string(3'000'000, 'y'));  // larger than what frames are joined to
  sent.push_back("last");
  f.loop.run([&] {
    for (const auto& frame : sent) f.client->link->send(frame);
    for (const auto& frame : sent) f.server->link->send(frame);
  });
  REQUIRE(f.loop.eventually([&] {
    return f.server->frames.size() == sent.size() && f.client->frames.size() == sent.size();
  }));
  CHECK(f.loop.run([&] { return f.server->frames == sent && f.client->frames == sent; }));
  CHECK(f.loop.run([&] { return f.client->link->peer(); }) == at(f.server->port));
}

TEST_CASE("link: a frame may be as large as the limit, and no larger") {
  Fixture f;
  LinkOptions options;
  options.frame_bytes = 20'000'000;
  f.serve(options);
  f.dial({at(f.server->port)}, options);
  REQUIRE(f.both_up());
  f.loop.run([&] { f.client->link->send(std::string(20'000'000, 'z')); });
  REQUIRE(f.loop.eventually([&] { return f.server->frames.size() == 1; }));
  CHECK(f.loop.run([&] { return f.server->frames[0].size(); }) == 20'000'000);
  SECTION("the sender refuses") {
    f.loop.run([&] { f.client->link->send(std::string(20'000'001, 'z')); });
    REQUIRE(f.loop.eventually([&] { return f.client->downs.size() == 1; }));
    CHECK(f.client->downs[0].find("20000001") != std::string::npos);
  }
  SECTION("the receiver refuses what a careless sender sends") {
    LinkOptions careless;
    f.dial({at(f.server->port)}, careless);
    REQUIRE(f.loop.eventually([&] { return f.client->link && f.server->opens == 2; }));
    f.loop.run([&] { f.client->link->send(std::string(20'000'001, 'z')); });
    REQUIRE(f.loop.eventually([&] { return !f.client->downs.empty(); }));
    CHECK(f.loop.run([&] { return f.server->frames.size(); }) == 1);
  }
}

TEST_CASE("link: a small frame limit holds within a batch") {
  Fixture f;
  LinkOptions narrow;
  narrow.frame_bytes = 10;
  f.serve(narrow);
  f.dial({at(f.server->port)});
  REQUIRE(f.both_up());
  f.loop.run([&] {
    f.client->link->send("0123456789");
    f.client->link->send("0123456789a");
  });
  REQUIRE(f.loop.eventually([&] { return !f.server->closed.empty(); }));
  CHECK(f.server->frames == std::vector<std::string>{"0123456789"});
  CHECK(f.server->closed[0].find("11 bytes; the limit is 10") != std::string::npos);
}

TEST_CASE("link: what was sent before closing arrives, and the reason too") {
  Fixture f;
  f.serve();
  f.dial({at(f.server->port)}, {}, {10s, 10s});
  REQUIRE(f.both_up());
  f.loop.run([&] {
    f.server->link->send(std::string(2'000'000, 'a'));
    f.server->link->send("refused");
    f.server->link->close("an older epoch");
    f.server->link->send("never");
  });
  REQUIRE(f.loop.eventually(
      [&] { return f.client->downs.size() == 1 && f.server->closed.size() == 1; }));
  CHECK(f.client->frames.size() == 2);
  CHECK(f.client->frames.back() == "refused");
  CHECK(f.client->downs[0].find("an older epoch") != std::string::npos);
  CHECK(f.server->closed[0] == "an older epoch");
}

TEST_CASE("link: dropping the link closes it, silently on this side") {
  Fixture f;
  f.serve();
  f.dial({at(f.server->port)}, {}, {10s, 10s});
  REQUIRE(f.both_up());
  f.loop.run([&] { f.server->link.reset(); });
  REQUIRE(f.loop.eventually([&] { return f.client->downs.size() == 1; }));
  CHECK(f.loop.run([&] { return f.server->closed.size(); }) == 0);
}

TEST_CASE("link: lost and dialed again, for as long as it takes") {
  Fixture f;
  f.serve();
  const auto port = f.server->port;
  f.dial({at(port)});
  for (int round = 1; round <= 3; ++round) {
    REQUIRE(f.both_up());
    CHECK(f.client->ups == round);
    f.loop.run([&] { f.server.reset(); });
    REQUIRE(f.loop.eventually([&] { return f.client->failures.size() > 2; }));
    CHECK(f.loop.run([&] { return f.client->downs.size(); }) == static_cast<std::size_t>(round));
    f.loop.run([&] { f.client->failures.clear(); });
    f.serve({}, port);
  }
}

TEST_CASE("link: addresses are dialed in turn") {
  Fixture f;
  f.serve();
  std::uint16_t nobody = 0;
  f.loop.run([&] { nobody = Server(f.loop, {}).port; });
  f.dial({at(nobody), "name.invalid:80", at(f.server->port)}, {}, {10s, 10s});
  REQUIRE(f.both_up());
  REQUIRE(f.client->failures.size() == 2);
  CHECK(f.client->failures[0].starts_with(at(nobody)));
  CHECK(f.client->failures[1].starts_with("name.invalid:80: cannot resolve"));
}

TEST_CASE("link: a place without links is a failed attempt") {
  Fixture f;
  f.serve();
  f.dial({at(f.server->port)}, {}, {5ms, 20ms}, "/elsewhere");
  CHECK(f.loop.eventually([&] { return f.client->failures.size() > 1; }));
  CHECK(f.client->ups == 0);
}

TEST_CASE("link: back-off grows and is bounded") {
  Fixture f;
  std::uint16_t nobody = 0;
  f.loop.run([&] { nobody = Server(f.loop, {}).port; });
  const auto begun = std::chrono::steady_clock::now();
  f.dial({at(nobody)}, {}, {40ms, 80ms});
  REQUIRE(f.loop.eventually([&] { return f.client->failures.size() == 4; }));
  // Three pauses lie between four attempts: at least 20, 40 and 40 ms.
  CHECK(std::chrono::steady_clock::now() - begun >= 100ms);
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
}

TEST_CASE("link: pings keep a quiet link alive") {
  Fixture f;
  LinkOptions options;
  options.ping_interval = 50ms;
  options.silence = 1s;
  f.serve(options);
  f.dial({at(f.server->port)}, options, {10s, 10s});
  REQUIRE(f.both_up());
  std::this_thread::sleep_for(3s);  // three times the silence: time itself is what is tested
  CHECK(f.loop.run([&] { return f.client->downs.empty() && f.server->closed.empty(); }));
}

TEST_CASE("link: silence closes it") {
  Fixture f;
  LinkOptions mute;  // neither pings nor watches
  mute.ping_interval = 1h;
  mute.silence = 1h;
  LinkOptions watchful;
  watchful.ping_interval = 1h;
  watchful.silence = 500ms;
  SECTION("at the accepting end") {
    f.serve(watchful);
    f.dial({at(f.server->port)}, mute, {10s, 10s});
    REQUIRE(f.loop.eventually([&] { return f.server->closed.size() == 1; }));
    CHECK(f.server->closed[0] == "nothing heard for 500 ms");
    CHECK(f.loop.eventually([&] { return f.client->downs.size() == 1; }));
  }
  SECTION("at the dialing end") {
    f.serve(mute);
    f.dial({at(f.server->port)}, watchful, {10s, 10s});
    REQUIRE(f.loop.eventually([&] { return f.client->downs.size() == 1; }));
    CHECK(f.client->downs[0] == "nothing heard for 500 ms");
  }
}

TEST_CASE("link: a server that accepts and says nothing is given up") {
  Fixture f;
  LinkOptions options;
  options.silence = 100ms;
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener, 8) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  f.dial({at(ntohs(address.sin_port))}, options);
  CHECK(f.loop.eventually([&] { return f.client->failures.size() == 2; }));
  CHECK(f.client->failures[0].find("in time") != std::string::npos);
  ::close(listener);
}

TEST_CASE("link: a peer that does not read is not fed without bound") {
  Fixture f;
  LinkOptions options;
  options.unsent_bytes = 8'000'000;
  f.serve(options);
  RawSocket deaf(f.server->port);
  deaf.send(
      "GET /link HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  REQUIRE(f.loop.eventually([&] { return f.server->link != nullptr; }));
  f.loop.run([&] {
    for (int i = 0; i < 40; ++i) {
      if (f.server->link) f.server->link->send(std::string(1'000'000, 'x'));
    }
  });
  REQUIRE(f.loop.eventually([&] { return f.server->closed.size() == 1; }));
  CHECK(f.server->closed[0].find("does not take") != std::string::npos);
}

TEST_CASE("link: messages that are not made of frames end it") {
  Fixture f;
  f.serve();
  RawSocket raw(f.server->port);
  raw.send(
      "GET /link HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  REQUIRE(f.loop.eventually([&] { return f.server->link != nullptr; }));
  // A masked (with zeros) binary message of three bytes, which cannot hold a length.
  raw.send(std::string("\x82\x83\0\0\0\0abc", 9));
  REQUIRE(f.loop.eventually([&] { return f.server->closed.size() == 1; }));
  CHECK(f.server->closed[0].find("not made of frames") != std::string::npos);
  CHECK(f.server->frames.empty());
}

TEST_CASE("link: stopping the dialer ends everything without a callback") {
  Fixture f;
  f.serve();
  f.dial({at(f.server->port)});
  REQUIRE(f.both_up());
  f.loop.run([&] { f.client->dialer.stop(); });
  REQUIRE(f.loop.eventually([&] { return f.server->closed.size() == 1; }));
  CHECK(f.client->downs.empty());
  CHECK(f.client->ups == 1);
}

TEST_CASE("link: stopping from within a callback") {
  Fixture f;
  f.serve();
  std::optional<LinkDialer> dialer;
  int ups = 0;
  int frames = 0;
  f.loop.run([&] {
    dialer.emplace(f.loop.io, std::vector<std::string>{at(f.server->port)}, "/link", LinkOptions{},
                   LinkDialer::Backoff{},
                   LinkDialer::Callbacks{[&](std::shared_ptr<Link>) { ++ups; },
                                         [&](std::string_view) {
                                           ++frames;
                                           dialer.reset();
                                         },
                                         [](std::string_view) {}, [](std::string_view) {}});
    dialer->start();
  });
  REQUIRE(f.loop.eventually([&] { return ups == 1 && f.server->opens == 1; }));
  f.loop.run([&] {
    f.server->link->send("one");
    f.server->link->send("two");
  });
  REQUIRE(f.loop.eventually([&] { return f.server->closed.size() == 1; }));
  CHECK(frames == 1);
}

TEST_CASE("link: addresses that are none are refused by name") {
  Loop loop;
  const auto make = [&](std::vector<std::string> addresses) {
    LinkDialer dialer(loop.io, std::move(addresses), "/link", {}, {}, {});
  };
  CHECK_THROWS_AS(make({"host"}), std::runtime_error);
  CHECK_THROWS_AS(make({}), std::runtime_error);
  try {
    make({"a:1", "b:x"});
    FAIL("taken");
  } catch (const std::runtime_error& error) {
    CHECK(std::string(error.what()).find("\"b:x\"") != std::string::npos);
  }
}
