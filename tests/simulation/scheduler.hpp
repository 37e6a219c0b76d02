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
    items_.push_back({std::max(when, now_), ++order_, std::move(what)});
    std::push_heap(items_.begin(), items_.end(), later);
  }
  void after(Micros delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  // Runs the next item; false when there is none, or none before `until`, which is then the time.
  bool run_one(Instant until) {
    if (items_.empty() || items_.front().when > until) {
      now_ = std::max(now_, until);
      return false;
    }
    std::pop_heap(items_.begin(), items_.end(), later);
    Item item = std::move(items_.back());
    items_.pop_back();
    now_ = item.when;
    item.what();
    return true;
  }

 private:
  struct Item {
    Instant when;
    std::uint64_t order;  // of two items of one moment the one asked for first comes first
    std::function<void()> what;
  };
  static bool later(const Item& a, const Item& b) {
    return std::pair(a.when, a.order) > std::pair(b.when, b.order);
  }

  Instant now_{Micros(1'000'000)};  // the epoch itself means "no time" to the machines
  std::uint64_t order_ = 0;
  std::vector<Item> items_;
};

}  // namespace assent::simulation
