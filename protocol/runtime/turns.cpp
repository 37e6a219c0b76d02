#include "protocol/runtime/turns.hpp"

#include <utility>

#include "protocol/runtime/asio.hpp"

namespace assent {

struct Turns::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::io_context& context, std::function<void()> on_turn, std::function<void()> on_tick)
      : io(context), turn(std::move(on_turn)), tick(std::move(on_tick)), timer(context) {}

  void arm(Instant at) {
    armed = at;
    timer.expires_at(
        SteadyTime(std::chrono::duration_cast<SteadyTime::duration>(at.time_since_epoch())));
    timer.async_wait([self = weak_from_this(), at](Error error) {
      const auto impl = self.lock();
      if (!impl || error || impl->armed != at) return;
      impl->armed.reset();
      if (impl->alive) impl->tick();
    });
  }

  net::io_context& io;
  std::function<void()> turn;
  std::function<void()> tick;
  Timer timer;
  std::optional<Instant> armed;
  bool requested = false;
  bool alive = true;
};

Turns::Turns(net::io_context& io, std::function<void()> turn, std::function<void()> tick)
    : impl_(std::make_shared<Impl>(io, std::move(turn), std::move(tick))) {}

Turns::~Turns() {
  impl_->alive = false;
  impl_->timer.cancel();
}

void Turns::request() {
  if (std::exchange(impl_->requested, true)) return;
  net::post(impl_->io, [impl = impl_] {
    impl->requested = false;
    if (impl->alive) impl->turn();
  });
}

void Turns::wake_at(std::optional<Instant> at) {
  // A tick that comes too early does nothing but ask again: cheaper than to set the timer anew for
  // every transaction.
  if (impl_->armed && (!at || *impl_->armed <= *at)) return;
  if (at) return impl_->arm(*at);
  impl_->armed.reset();
  impl_->timer.cancel();
}

}  // namespace assent
