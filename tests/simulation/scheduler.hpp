// Virtual time: what is due next happens next, and time passes only in between.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "protocol/time.hpp"

namespace assent::simulation {

using Micros = std::chrono::microseconds;

class Scheduler {
 public:
  Instant now() const { return now_; }

  void at(Instant when, std::function<void()> what) {
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(items_.size());
      items_.push_back(std::move(what));
    } else {
      slot = free_.back();
      free_.pop_back();
      items_[slot] = std::move(what);
    }
    due_.push_back({std::max(when, now_), ++order_, slot});
    std::push_heap(due_.begin(), due_.end(), later);
  }
  void after(Micros delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  // Runs the next item; false when there is none, or none before `until`, which is then the time.
  bool run_one(Instant until) {
    if (due_.empty() || due_.front().when > until) {
      now_ = std::max(now_, until);
      return false;
    }
    std::pop_heap(due_.begin(), due_.end(), later);
    const Due next = due_.back();
    due_.pop_back();
    now_ = next.when;
    const auto what = std::exchange(items_[next.slot], nullptr);
    free_.push_back(next.slot);
    what();
    return true;
  }

 private:
  struct Due {
    Instant when;
    std::uint64_t order;  // of two items of one moment the one asked for first comes first
    std::uint32_t slot;
  };
  static bool later(const Due& a, const Due& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }

  Instant now_{Micros(1'000'000)};  // the epoch itself means "no time" to the machines
  std::uint64_t order_ = 0;
  std::vector<Due> due_;  // a heap: small, the items themselves stay where they are
  std::vector<std::function<void()>> items_;
  std::vector<std::uint32_t> free_;
};

}  // namespace assent::simulation
