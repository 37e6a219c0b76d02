#include "protocol/runtime/clock.hpp"

namespace assent {

Now read_clock() {
  using namespace std::chrono;
  const auto steady = steady_clock::now().time_since_epoch();
  const auto wall = system_clock::now().time_since_epoch();
  return {Instant(duration_cast<MachineClock::duration>(steady)),
          duration_cast<milliseconds>(wall).count()};
}

}  // namespace assent
