// What both daemons do alike: they take what has come in turns, wake when their machine wants to,
// stand still for a while, and die between any two actions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "tests/simulation/world.hpp"

namespace assent::simulation {

class Turns {
 public:
  // `turn` takes all that has come; `tick` is called when the time asked for has come.
  Turns(World& world, std::function<void()> turn, std::function<void()> tick)
      : world_(world), turn_(std::move(turn)), tick_(std::move(tick)) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // A turn soon; one for all who ask.
  void request();
  void wake_at(std::optional<Instant> when);

  void pause(Micros time) { paused_until_ = std::max(paused_until_, world_.now() + time); }
  bool paused() const { return world_.now() < paused_until_; }

  // `death` is to end the process instead of the action before which dies_now() says so.
  void die_after(unsigned actions, std::function<void()> death);
  bool dies_now();
  // The process is gone: nothing that it has asked for comes any more.
  void end();
  // Tells the lives of a process apart.
  std::uint64_t life() const { return life_; }

 private:
  World& world_;
  std::function<void()> turn_;
  std::function<void()> tick_;
  std::uint64_t life_ = 0;
  bool requested_ = false;
  Instant paused_until_{};
  Instant tick_at_{};
  unsigned countdown_ = 0;
  std::function<void()> death_;
};

}  // namespace assent::simulation
