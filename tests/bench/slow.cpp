#include "tests/bench/slow.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace assent::bench {
namespace {

constexpr std::string_view kBegin = "GET /v1/version HTTP/1.1\r\nHost: x\r\nA: ";
constexpr std::chrono::milliseconds kTick{20};

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

}  // namespace

SlowConnections::SlowConnections(std::uint16_t port, std::size_t connections,
                                 std::chrono::milliseconds between)
    : port_(port), between_(between), all_(connections, -1), thread_([this] { run(); }) {}

SlowConnections::~SlowConnections() {
  over_ = true;
  thread_.join();
  for (int& descriptor : all_)
    if (descriptor >= 0) close(descriptor);
}

// Each tick the next few of them: all have had their turn when `between` has passed.
void SlowConnections::run() {
  const auto ticks = static_cast<std::size_t>(std::max<std::int64_t>(between_ / kTick, 1));
  auto next = std::chrono::steady_clock::now();
  for (std::size_t tick = 0; !over_; ++tick) {
    for (std::size_t i = tick % ticks; i < all_.size(); i += ticks) turn(all_[i]);
    next += kTick;
    std::this_thread::sleep_until(next);
  }
}

void SlowConnections::turn(int& descriptor) {
  if (descriptor < 0) return open(descriptor);
  char answer[512];
  const auto got = ::recv(descriptor, answer, sizeof answer, MSG_DONTWAIT);
  const bool goes_on = got < 0 && would_block();
  if (goes_on && ::send(descriptor, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1) return;
  close(descriptor);
  open(descriptor);
}

void SlowConnections::open(int& descriptor) {
  descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  ++open_;
  ++opened_;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected =
      ::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (!connected || ::send(descriptor, kBegin.data(), kBegin.size(), MSG_NOSIGNAL) < 0)
    close(descriptor);
}

void SlowConnections::close(int& descriptor) {
  // A reset, so that no port waits for what might still come: there would be too few of them.
  const linger at_once{1, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(descriptor);
  descriptor = -1;
  --open_;
}

void allow_descriptors(std::size_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= count) return;
  limit.rlim_cur = count;
  if (limit.rlim_max < count || ::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    throw std::runtime_error(std::to_string(count) +
                             " file descriptors are needed; ulimit -Hn says " +
                             std::to_string(limit.rlim_max));
}

}  // namespace assent::bench
