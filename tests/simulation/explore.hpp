// The search through every state that an installation can come to.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/explore_model.hpp"

namespace assent::explore {

struct Exploration {
  bool complete = false;  // no state was left out
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  std::uint64_t at_rest = 0;   // states in which everything is done
  std::uint32_t depth = 0;     // steps to the farthest state
  std::set<std::string> ends;  // what had become of the transaction in these
  double seconds = 0;
  std::vector<Violation> violations;  // of the first state found to break something
  bool stuck = false;                 // … which is that nothing can bring it to rest
  std::vector<std::string> path;      // to that state, in the text form
};

// Breadth first, so that the path to a violation is a shortest one. Ends at the first violation,
// or when `most_states` are known. `progress`, where given, hears of every depth.
//
// Safety: the invariants hold in every state. Progress: from every state, without another fault,
// a state can be reached in which everything is at rest.
Exploration explore(const Bounds& bounds, std::uint64_t most_states, std::ostream* progress);

}  // namespace assent::explore
