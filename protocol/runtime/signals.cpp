#include <csignal>

#include <boost/asio/signal_set.hpp>

#include "protocol/runtime/asio.hpp"
#include "protocol/runtime/daemon.hpp"
#include "protocol/runtime/log.hpp"

namespace assent {

struct TerminationSignals::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::io_context& io, std::function<void()> on_first)
      : signals(io, SIGTERM, SIGINT), drain(std::move(on_first)) {}

  void wait() {
    signals.async_wait([self = shared_from_this()](Error error, int number) {
      if (error) return;
      if (self->draining) {
        log::warning("ended at once by a second signal", {{"signal", number}});
        std::_Exit(128 + number);
      }
      log::info("asked to end; draining", {{"signal", number}});
      self->draining = true;
      self->wait();
      self->drain();
    });
  }

  net::signal_set signals;
  std::function<void()> drain;
  bool draining = false;
};

TerminationSignals::TerminationSignals(net::io_context& io, std::function<void()> drain)
    : impl_(std::make_shared<Impl>(io, std::move(drain))) {
  impl_->wait();
}

TerminationSignals::~TerminationSignals() {
  cancel();
}

void TerminationSignals::cancel() {
  Error ignored;
  impl_->signals.cancel(ignored);
}

}  // namespace assent
