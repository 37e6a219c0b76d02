#include "tests/bench/recorder.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace assent::bench {
namespace {

double between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

Recorder::Recorder(const Pace& pace, Hooks hooks)
    : hooks_(std::move(hooks)),
      from_(Clock::now() + pace.warm_up),
      until_(from_ + pace.measured),
      next_progress_(from_ + std::chrono::seconds(1)) {
  millis_.reserve(1 << 16);
}

bool Recorder::goes_on(Clock::time_point now) {
  if (ended_) return false;
  if (!begun_ && now >= from_) {
    begun_ = now;
    hooks_.begun();
  }
  if (now >= next_progress_) {
    next_progress_ += std::chrono::seconds(1);
    hooks_.progress(between(*begun_, now), count());
  }
  if (now < until_) return true;
  ended_ = now;
  hooks_.over();
  return false;
}

void Recorder::done(Clock::time_point wanted, Clock::time_point now) {
  if (begun_ && !ended_) millis_.push_back(static_cast<float>(between(wanted, now) * 1000));
}

double Recorder::seconds() const {
  return between(*begun_, *ended_);
}

Latency Recorder::latency() {
  if (millis_.empty()) return {};
  std::sort(millis_.begin(), millis_.end());
  const auto at = [this](double share) {
    const double rank = std::ceil(share * static_cast<double>(millis_.size()));
    return static_cast<double>(millis_[static_cast<std::size_t>(std::max(rank, 1.0)) - 1]);
  };
  return {at(0.5), at(0.95), at(0.99), at(0.999)};
}

}  // namespace assent::bench
