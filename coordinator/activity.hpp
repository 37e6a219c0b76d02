// What a coordinator has done since its start, as counts that only grow: who asks twice has the
// rates between.
#pragma once

#include <cstdint>

namespace assent {

struct Activity {
  // Answers to requests about transactions, by what they said of it.
  std::uint64_t committed = 0;
  std::uint64_t aborted = 0;
  std::uint64_t other = 0;    // unknown, or that there is none
  double answer_seconds = 0;  // from request to answer, of all of these together
  // Batches of records that became durable, and how long their first records waited together.
  std::uint64_t syncs = 0;
  double sync_seconds = 0;
};

}  // namespace assent
