// Invariants of a machine after each step, in builds with ASSENT_DEBUG_CHECKS: a violation ends the
// process with its sentence, for a defect of the protocol must not be survived.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "protocol/invariants.hpp"

namespace assent {

template <typename Machine>
void debug_check([[maybe_unused]] const Machine& machine) {
#ifdef ASSENT_DEBUG_CHECKS
  for (const Violation& violation : check(machine)) {
    std::fprintf(stderr, "invariant %s is violated: %s\n", violation.invariant.c_str(),
                 violation.what.c_str());
    std::abort();
  }
#endif
}

}  // namespace assent
