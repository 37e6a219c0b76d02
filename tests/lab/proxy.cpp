#include "tests/lab/proxy.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <thread>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include "tests/lab/frames.hpp"

namespace assent::lab {

namespace net = boost::asio;
using net::awaitable;
using net::use_awaitable;
using net::ip::tcp;
using namespace std::chrono_literals;

namespace {

struct Pair {
  tcp::socket near;
  tcp::socket far;
  int ended = 0;  // directions
};

void end_with_reset(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(net::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

// Throws boost::system::system_error, a std::runtime_error.
tcp::endpoint resolve(net::io_context& io, const Endpoint& endpoint) {
  return *tcp::resolver(io).resolve(endpoint.host, std::to_string(endpoint.port)).begin();
}

}  // namespace

// Everything of it is touched on its own thread only.
struct Proxy::Impl {
  Impl(const Endpoint& from, const Endpoint& to)
      : target(resolve(io, to)),
        acceptor(io, resolve(io, from)),
        port(acceptor.local_endpoint().port()),
        changed(io, net::steady_timer::time_point::max()) {
    net::co_spawn(io, accept(), net::detached);
    thread = std::thread([this] { io.run(); });
  }

  ~Impl() {
    io.stop();
    thread.join();
  }

  awaitable<void> accept() {
    for (;;) {
      tcp::socket near = co_await acceptor.async_accept(use_awaitable);
      net::co_spawn(io, serve(std::move(near)), net::detached);
    }
  }

  awaitable<void> serve(tcp::socket near) {
    const auto pair = std::make_shared<Pair>(Pair{std::move(near), tcp::socket(io), 0});
    try {
      co_await pair->far.async_connect(target, use_awaitable);
    } catch (const boost::system::system_error&) {
      end_with_reset(pair->near);
      co_return;
    }
    pair->near.set_option(tcp::no_delay(true));
    pair->far.set_option(tcp::no_delay(true));
    pairs.insert(pair);
    net::co_spawn(io, pump(pair, pair->near, pair->far, held_out), net::detached);
    net::co_spawn(io, pump(pair, pair->far, pair->near, held_in), net::detached);
  }

  // One direction of one connection. Its end is the other side's end, once what was under way has
  // arrived.
  awaitable<void> pump(std::shared_ptr<Pair> pair, tcp::socket& from, tcp::socket& to,
                       const bool& held) {
    std::array<char, 16 * 1024> buffer;
    FrameDoubler frames;
    try {
      for (;;) {
        const std::size_t got = co_await from.async_read_some(net::buffer(buffer), use_awaitable);
        const std::string bytes = frames.pass({buffer.data(), got}, twice);
        for (std::size_t sent = 0; sent < bytes.size();) {
          co_await wait_while(held);
          const std::chrono::milliseconds time = slowly ? 1000ms : late;
          if (time.count() > 0) co_await pause(time);
          const std::size_t piece = slowly ? 1 : bytes.size() - sent;
          co_await net::async_write(to, net::buffer(bytes.data() + sent, piece), use_awaitable);
          sent += piece;
        }
      }
    } catch (const boost::system::system_error&) {
    }
    co_await wait_while(held);
    boost::system::error_code ignored;
    to.shutdown(tcp::socket::shutdown_send, ignored);
    if (++pair->ended == 2) pairs.erase(pair);
  }

  awaitable<void> wait_while(const bool& held) {
    while (held) {
      try {
        co_await changed.async_wait(use_awaitable);
      } catch (const boost::system::system_error&) {  // cancelled: something has changed
      }
    }
  }

  awaitable<void> pause(std::chrono::milliseconds time) {
    net::steady_timer timer(io, time);
    co_await timer.async_wait(use_awaitable);
  }

  template <typename Change>
  void tell(Change change) {
    net::post(io, net::use_future([this, change] {
                change();
                changed.cancel();
              }))
        .get();
  }

  net::io_context io{1};
  tcp::endpoint target;
  tcp::acceptor acceptor;
  std::uint16_t port;
  net::steady_timer changed;  // cancelled at each change
  std::set<std::shared_ptr<Pair>> pairs;
  bool held_out = false;
  bool held_in = false;
  bool slowly = false;
  bool twice = false;
  std::chrono::milliseconds late{0};
  std::thread thread;
};

Proxy::Proxy(std::uint16_t target) : Proxy(Endpoint{}, Endpoint{"127.0.0.1", target}) {}
Proxy::Proxy(const Endpoint& listen, const Endpoint& target)
    : impl_(std::make_unique<Impl>(listen, target)) {}
Proxy::~Proxy() = default;

std::uint16_t Proxy::port() const {
  return impl_->port;
}

void Proxy::lead_to(std::uint16_t target) {
  impl_->tell([impl = impl_.get(), target] { impl->target.port(target); });
  reset();
}

void Proxy::hold(Direction direction) {
  impl_->tell([impl = impl_.get(), direction] {
    impl->held_out |= direction != Direction::in;
    impl->held_in |= direction != Direction::out;
  });
}

void Proxy::delay(std::chrono::milliseconds time) {
  impl_->tell([impl = impl_.get(), time] { impl->late = time; });
}

void Proxy::slow() {
  impl_->tell([impl = impl_.get()] { impl->slowly = true; });
}

void Proxy::duplicate() {
  impl_->tell([impl = impl_.get()] { impl->twice = true; });
}

void Proxy::reset() {
  impl_->tell([impl = impl_.get()] {
    for (const auto& pair : impl->pairs) {
      end_with_reset(pair->near);
      end_with_reset(pair->far);
    }
    impl->pairs.clear();
  });
}

void Proxy::heal() {
  impl_->tell([impl = impl_.get()] {
    impl->held_out = impl->held_in = impl->slowly = impl->twice = false;
    impl->late = 0ms;
  });
}

}  // namespace assent::lab
