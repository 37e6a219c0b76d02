#include "tests/lab/listener.hpp"

#include <array>
#include <chrono>
#include <utility>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace assent::lab {
namespace {

using namespace std::chrono_literals;

constexpr int kLookMs = 50;  // whether it is to end

bool send_all(int fd, const std::string& text) {
  return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

}  // namespace

Listener::Listener(Endpoint coordinator) : coordinator_(std::move(coordinator)) {
  thread_ = std::thread([this] {
    for (; !ending_; std::this_thread::sleep_for(10ms)) listen();
  });
}

Listener::~Listener() {
  ending_ = true;
  thread_.join();
}

std::vector<std::string> Listener::heard() const {
  const std::lock_guard lock(mutex_);
  return heard_;
}

int Listener::dial() const {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(coordinator_.host.c_str(), std::to_string(coordinator_.port).c_str(), &wanted,
                    &found) != 0)
    return -1;
  int fd = ::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
    ::close(fd);
    fd = -1;
  }
  ::freeaddrinfo(found);
  return fd;
}

// Until the connection ends. The answer has no length and is not cut into pieces.
void Listener::listen() {
  const int fd = dial();
  if (fd < 0) return;
  std::string line;
  bool open = send_all(fd, "GET /v1/events?after=" + last_ +
                               " HTTP/1.1\r\nHost: assent\r\nAccept: text/event-stream\r\n\r\n");
  while (open && !ending_) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, kLookMs) <= 0) continue;
    std::array<char, 4096> piece{};
    const ssize_t got = ::recv(fd, piece.data(), piece.size(), 0);
    open = got > 0;
    for (ssize_t i = 0; i < got; ++i) {
      line += piece[static_cast<std::size_t>(i)];
      if (line.back() == '\n') take(std::exchange(line, {}));
    }
  }
  ::close(fd);
}

void Listener::take(const std::string& line) {
  const std::string text = line.substr(0, line.find_last_not_of("\r\n") + 1);
  if (text.starts_with("id: ")) next_ = text.substr(4);
  if (!text.starts_with("data: {\"at\"")) return;
  last_ = next_;
  const std::lock_guard lock(mutex_);
  heard_.push_back(text.substr(6));
}

}  // namespace assent::lab
