// Time as the protocol sees it: handed in with every event, never read from a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace assent {

using Duration = std::chrono::milliseconds;

// A monotonic clock whose readings only the host takes. Having no now() keeps clocks out of the
// machines.
struct MachineClock {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  static constexpr bool is_steady = true;
};
using Instant = std::chrono::time_point<MachineClock, MachineClock::duration>;

// Every deadline uses `steady`, so that a jump of the wall clock aborts nothing. `wall_ms` (Unix
// time, milliseconds) is written into records and shown to people; nothing is decided by it alone.
struct Now {
  Instant steady{};
  std::int64_t wall_ms = 0;
  bool operator==(const Now&) const = default;
};

}  // namespace assent
