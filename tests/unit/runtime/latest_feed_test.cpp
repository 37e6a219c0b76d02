// The latest of something, followed at an admin listener.
#include "protocol/runtime/latest_feed.hpp"

#include "protocol/runtime/admin.hpp"
#include "protocol/runtime/metrics.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/runtime/loop.hpp"
#include "tests/unit/runtime/raw_socket.hpp"

using namespace assent;
using test::RawSocket;

TEST_CASE("who follows hears the latest, until the streams are closed") {
  test::Loop loop;
  Metrics metrics;
  LatestFeed feed("state");
  std::unique_ptr<AdminServer> admin;
  const auto port = loop.run([&] {
    admin =
        std::make_unique<AdminServer>(loop.io, metrics, [] { return std::vector<std::string>{}; });
    admin->on_get("/v1/state", [](const AdminServer::Answer& answer) { answer("[0]"); });
    admin->on_follow("/v1/state", [&] { return feed.follow("[1]"); });
    return admin->listen("127.0.0.1", 0);
  });
  CHECK_FALSE(loop.run([&] { return feed.is_followed(); }));
  RawSocket client(port);
  client.send("GET /v1/state HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n").find("Content-Type: text/event-stream") != std::string::npos);
  CHECK(client.read_until("\n\n") == "event: state\ndata: [1]\n\n");
  loop.run([&] { feed.publish("[2]"); });
  CHECK(client.read_until("\n\n") == "event: state\ndata: [2]\n\n");

  loop.run([&] { admin->close_streams(); });
  CHECK(client.read_all().empty());
  CHECK_FALSE(loop.run([&] { return feed.is_followed(); }));
  RawSocket plain(port);
  plain.send("GET /v1/state HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(plain.read_all().ends_with("[0]"));
  loop.run([&] { admin.reset(); });
}
