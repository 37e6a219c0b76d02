// The client over real sockets, against a server that closes, cuts and stalls.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/cpp/client.hpp"
#include "tests/support/catch.hpp"

using namespace assent::client;
using namespace std::chrono_literals;

namespace {

// Takes one connection for each line of the script, reads a request, writes the line, closes.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 16) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  const std::string& url() const { return url_; }
  int served() const { return served_; }

 private:
  void serve() {
    for (const std::string& line : script_) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      std::string request;
      char buffer[4096];
      // Every request of these tests ends with its JSON body's last brace.
      while (request.empty() || request.back() != '}') {
        const ssize_t got = ::read(connection, buffer, sizeof buffer);
        if (got <= 0) break;
        request.append(buffer, static_cast<std::size_t>(got));
      }
      ++served_;
      (void)!::write(connection, line.data(), line.size());
      ::close(connection);
    }
  }

  std::vector<std::string> script_;
  int listener_ = -1;
  std::string url_;
  std::atomic<int> served_ = 0;
  std::thread thread_;
};

std::string reply(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

const std::string kCommitted = reply("201 Created", R"({"id":"t","state":"committed"})");
const OneShot kTransaction{.branches = {{.participant = "orders"}}};

}  // namespace

TEST_CASE("a closed connection and a cut answer are followed by a repetition") {
  ScriptedServer server({"", kCommitted.substr(0, kCommitted.size() - 5), kCommitted});
  Client client(server.url(), {.limit = 10s});
  const auto done = client.run(kTransaction);
  REQUIRE(done.has_value());
  CHECK(done->state == "committed");
  CHECK(server.served() == 3);
}

TEST_CASE("a server that closes every time leaves the outcome unknown") {
  ScriptedServer server(std::vector<std::string>(20, ""));
  Client client(server.url(), {.limit = 3s});
  const auto done = client.run(kTransaction);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().kind == Trouble::Kind::unsettled);
  CHECK(server.served() >= 2);
}

TEST_CASE("an address where nobody listens is unreachable") {
  std::string url;
  {
    ScriptedServer server({});
    url = server.url();
  }
  Client client(url, {.limit = 200ms});
  const auto done = client.run(kTransaction);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().kind == Trouble::Kind::unreachable);
}
