#include "coordinator/draining.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "coordinator/engine.hpp"
#include "protocol/runtime/http_server.hpp"
#include "protocol/runtime/log.hpp"
#include "protocol/runtime/sd_notify.hpp"

namespace assent {
namespace {

constexpr std::chrono::milliseconds kLook{20};

}  // namespace

struct Draining::Impl : std::enable_shared_from_this<Impl> {
  Impl(boost::asio::io_context& io, Engine& the_engine, HttpServer& the_server,
       std::chrono::milliseconds longest, std::function<void()> when_done)
      : engine(the_engine),
        server(the_server),
        limit(longest),
        done(std::move(when_done)),
        timer(io) {}

  void look() {
    const std::size_t unfinished = engine.machine().unfinished();
    if (unfinished == 0 || std::chrono::steady_clock::now() >= until) {
      if (unfinished != 0)
        log::warning("ending with unfinished transactions; the next start finishes them",
                     {{"unfinished", unfinished}});
      return done();
    }
    timer.expires_after(kLook);
    timer.async_wait([self = weak_from_this()](boost::system::error_code error) {
      if (const auto impl = self.lock(); impl && !error) impl->look();
    });
  }

  Engine& engine;
  HttpServer& server;
  std::chrono::milliseconds limit;
  std::function<void()> done;
  boost::asio::steady_timer timer;
  std::chrono::steady_clock::time_point until;
  bool begun = false;
};

Draining::Draining(boost::asio::io_context& io, Engine& engine, HttpServer& server,
                   std::chrono::milliseconds limit, std::function<void()> done)
    : impl_(std::make_shared<Impl>(io, engine, server, limit, std::move(done))) {}

Draining::~Draining() = default;

void Draining::begin() {
  if (std::exchange(impl_->begun, true)) return;
  log::info("draining: no new transactions; what is decided is finished");
  notify_service_manager("STOPPING=1");
  impl_->until = std::chrono::steady_clock::now() + impl_->limit;
  impl_->engine.post(Drain{});
  impl_->server.drain();
  impl_->look();
}

std::vector<std::string> Draining::reasons() const {
  if (impl_->begun) return {"draining: the coordinator is shutting down"};
  return {};
}

}  // namespace assent
