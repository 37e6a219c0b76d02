#include "tests/simulation/turns.hpp"

#include <algorithm>
#include <utility>

namespace assent::simulation {

void Turns::request() {
  if (std::exchange(requested_, true)) return;
  const Instant when = std::max(world_.now() + world_.latency(5, 200), paused_until_);
  world_.scheduler.at(when, [this, life = life_] {
    if (life != life_) return;
    requested_ = false;
    if (paused()) return request();
    turn_();
  });
}

void Turns::wake_at(std::optional<Instant> wanted) {
  if (!wanted) return;
  const Instant when = std::max(*wanted, world_.now() + Micros(100));
  if (tick_at_ > world_.now() && tick_at_ <= when) return;
  tick_at_ = when;
  world_.scheduler.at(when, [this, life = life_, when] {
    if (life != life_ || tick_at_ != when) return;
    tick_at_ = Instant{};
    tick_();
  });
}

void Turns::die_after(unsigned actions, std::function<void()> death) {
  countdown_ = actions;
  death_ = std::move(death);
}

bool Turns::dies_now() {
  if (countdown_ == 0 || --countdown_ != 0) return false;
  std::exchange(death_, nullptr)();
  return true;
}

void Turns::end() {
  ++life_;
  requested_ = false;
  paused_until_ = tick_at_ = Instant{};
  countdown_ = 0;
}

}  // namespace assent::simulation
