// How long transactions took, and when the part that is measured begins and ends.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace assent::bench {

using Clock = std::chrono::steady_clock;

struct Latency {
  double p50_ms = 0;
  double p95_ms = 0;
  double p99_ms = 0;
  double p999_ms = 0;
};

// How often clients begin. Closed loop (0): each begins the next transaction when it has the answer
// to the last. Open loop: so many a second in all, at random moments that do not depend on the
// answers; one that finds every client busy waits, and that wait counts, since whoever wanted the
// transaction waited too (nothing is "coordinately omitted").
struct Pace {
  std::size_t clients = 1;
  double rate = 0;  // transactions a second
  std::chrono::milliseconds warm_up{1000};
  std::chrono::milliseconds measured{5000};
};

class Recorder {
 public:
  struct Hooks {
    std::function<void()> begun;  // the measured part
    std::function<void()> over;
    std::function<void(double seconds, std::size_t done)> progress;  // each second of it
  };

  Recorder(const Pace& pace, Hooks hooks);

  // False when it is over: begin nothing more. Called often; calls the hooks.
  bool goes_on(Clock::time_point now);
  // From when it was wanted to its answer.
  void done(Clock::time_point wanted, Clock::time_point now);

  double seconds() const;
  std::size_t count() const { return millis_.size(); }
  double rate() const { return static_cast<double>(count()) / seconds(); }
  Latency latency();

 private:
  Hooks hooks_;
  Clock::time_point from_;
  Clock::time_point until_;
  Clock::time_point next_progress_;
  std::optional<Clock::time_point> begun_;
  std::optional<Clock::time_point> ended_;
  std::vector<float> millis_;
};

}  // namespace assent::bench
