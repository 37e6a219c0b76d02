// What the proxy does to a connection is what it says.
#include "tests/lab/proxy.hpp"

#include <array>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "clients/dev/process.hpp"
#include "tests/support/catch.hpp"

using namespace assent;
using namespace assent::lab;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;

namespace {

// Both ends of one connection through a proxy.
struct Pair {
  boost::asio::io_context io;
  tcp::acceptor acceptor{io, {boost::asio::ip::address_v4::loopback(), 0}};
  Proxy proxy{acceptor.local_endpoint().port()};
  tcp::socket client{io};
  tcp::socket server{io};

  Pair() {
    client.connect({boost::asio::ip::address_v4::loopback(), proxy.port()});
    acceptor.accept(server);
  }

  static void send(tcp::socket& to, const std::string& text) {
    boost::asio::write(to, boost::asio::buffer(text));
  }
  static std::string receive(tcp::socket& from, std::size_t length) {
    std::string text(length, ' ');
    boost::asio::read(from, boost::asio::buffer(text));
    return text;
  }
  static bool has_something(tcp::socket& socket, std::chrono::milliseconds within) {
    return dev::poll_until([&] { return socket.available() > 0; }, within);
  }
};

}  // namespace

TEST_CASE("bytes pass both ways, and the end as well") {
  Pair pair;
  Pair::send(pair.client, "hello");
  CHECK(Pair::receive(pair.server, 5) == "hello");
  Pair::send(pair.server, "back");
  CHECK(Pair::receive(pair.client, 4) == "back");
  pair.client.shutdown(tcp::socket::shutdown_send);
  std::array<char, 1> byte;
  boost::system::error_code error;
  pair.server.read_some(boost::asio::buffer(byte), error);
  CHECK(error == boost::asio::error::eof);
}

TEST_CASE("what is held one way arrives later, and the other way is open") {
  Pair pair;
  pair.proxy.hold(Direction::out);
  Pair::send(pair.client, "late");
  Pair::send(pair.server, "now");
  CHECK(Pair::receive(pair.client, 3) == "now");
  CHECK_FALSE(Pair::has_something(pair.server, 100ms));
  pair.proxy.heal();
  CHECK(Pair::receive(pair.server, 4) == "late");
}

TEST_CASE("delayed, and one byte a second") {
  Pair pair;
  pair.proxy.delay(200ms);
  const auto start = std::chrono::steady_clock::now();
  Pair::send(pair.client, "x");
  CHECK(Pair::receive(pair.server, 1) == "x");
  CHECK(std::chrono::steady_clock::now() - start >= 200ms);
  pair.proxy.heal();
  pair.proxy.slow();
  Pair::send(pair.client, "yz");
  CHECK(Pair::receive(pair.server, 1) == "y");
  CHECK(pair.server.available() == 0);
}

TEST_CASE("a message arrives twice from the moment on that it is told to") {
  Pair pair;
  const std::string opening = "GET / HTTP/1.1\r\n\r\n";
  const std::string once = std::string("\x82\x03", 2) + "one";
  const std::string twice = std::string("\x82\x03", 2) + "two";
  Pair::send(pair.client, opening + once);
  CHECK(Pair::receive(pair.server, opening.size() + once.size()) == opening + once);
  pair.proxy.duplicate();
  Pair::send(pair.client, twice);
  CHECK(Pair::receive(pair.server, 2 * twice.size()) == twice + twice);
  pair.proxy.heal();
  Pair::send(pair.client, once);
  CHECK(Pair::receive(pair.server, once.size()) == once);
  CHECK(pair.server.available() == 0);
}

TEST_CASE("a reset ends both sides; led elsewhere, new connections go there") {
  Pair pair;
  tcp::acceptor other(pair.io, {boost::asio::ip::address_v4::loopback(), 0});
  pair.proxy.lead_to(other.local_endpoint().port());
  std::array<char, 1> byte;
  boost::system::error_code error;
  pair.client.read_some(boost::asio::buffer(byte), error);
  CHECK(error == boost::asio::error::connection_reset);
  tcp::socket next(pair.io);
  next.connect({boost::asio::ip::address_v4::loopback(), pair.proxy.port()});
  tcp::socket accepted(pair.io);
  other.accept(accepted);
  Pair::send(next, "there");
  CHECK(Pair::receive(accepted, 5) == "there");
}
