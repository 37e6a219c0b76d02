// The only place that reads clocks for the protocol.
#pragma once

#include "protocol/time.hpp"

namespace assent {

Now read_clock();

}  // namespace assent
