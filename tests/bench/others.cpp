#include "tests/bench/others.hpp"

#include <atomic>
#include <deque>
#include <exception>
#include <optional>
#include <thread>
#include <vector>

#include "clients/cpp/forms.hpp"
#include "protocol/runtime/asio.hpp"
#include "tests/bench/recorder.hpp"
#include "tests/integration/system/deployment.hpp"

namespace assent::bench {
namespace {

using test::Deployment;

constexpr std::chrono::seconds kTimeout{1};

std::string request_of(int account) {
  client::OneShot shot =
      test::transfer(Deployment::name(0), account, Deployment::name(2), account, "0.00");
  shot.timeout = kTimeout;
  const std::string body = client::to_json(shot);
  return "POST /v1/transactions HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

// All but `over` belongs to the thread.
struct Others::Impl {
  struct Asker {
    Asker(net::io_context& io, int account) : socket(io), request(request_of(account)) {}
    Socket socket;
    std::string request;
    beast::flat_buffer buffer;
    std::optional<http::response_parser<http::string_body>> answer;
  };

  Impl(std::uint16_t port, std::size_t clients, double rate, int first_account)
      : between(
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate))),
        timer(io) {
    for (std::size_t i = 0; i < clients; ++i) {
      Asker& asker = all.emplace_back(io, first_account + static_cast<int>(i));
      asker.socket.connect({net::ip::address_v4::loopback(), port});
      asker.socket.set_option(Tcp::no_delay(true));
      idle.push_back(&asker);
    }
    next = Clock::now();
    arrive();
    thread = std::thread([this] {
      try {
        io.run();
      } catch (...) {
        failure = std::current_exception();
      }
    });
  }

  void arrive() {
    timer.expires_at(next);
    timer.async_wait([this](Error error) {
      if (error || over) return;
      if (idle.empty()) {
        ++counts.left_out;
      } else {
        Asker& asker = *idle.front();
        idle.pop_front();
        ask(asker);
      }
      next += between;
      arrive();
    });
  }

  void ask(Asker& asker) {
    net::async_write(asker.socket, net::buffer(asker.request),
                     [this, &asker](Error error, std::size_t) {
                       if (error) throw std::runtime_error("others: " + error.message());
                       read(asker);
                     });
  }

  void read(Asker& asker) {
    asker.answer.emplace();
    http::async_read(asker.socket, asker.buffer, *asker.answer,
                     [this, &asker](Error error, std::size_t) {
                       if (error) throw std::runtime_error("others: " + error.message());
                       const unsigned status = asker.answer->get().result_int();
                       ++(status / 100 == 2 ? counts.committed : counts.refused);
                       idle.push_back(&asker);
                     });
  }

  const Clock::duration between;
  net::io_context io{1};
  Timer timer;
  Clock::time_point next;
  std::deque<Asker> all;
  std::deque<Asker*> idle;  // who has waited longest comes first
  Counts counts;
  std::atomic<bool> over = false;
  std::exception_ptr failure;
  std::thread thread;
};

Others::Others(std::uint16_t port, std::size_t clients, double rate, int first_account)
    : impl_(std::make_unique<Impl>(port, clients, rate, first_account)) {}

Others::~Others() {
  impl_->over = true;
  if (impl_->thread.joinable()) impl_->thread.join();
}

Others::Counts Others::end() {
  impl_->over = true;
  impl_->thread.join();
  if (impl_->failure) std::rethrow_exception(impl_->failure);
  return impl_->counts;
}

}  // namespace assent::bench
