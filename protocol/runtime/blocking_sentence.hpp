// The one sentence about what blocks. Written here and nowhere else, so that console, command line
// and documents say the same, and the truth of it can be tested.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assent {

struct BlockingSummary {
  // Transactions with a branch that is prepared and has waited for its decision for a second, or
  // for any time while the coordinator is away.
  std::size_t in_doubt = 0;
  std::size_t applying = 0;       // … that is decided, and has not been applied for a second
  std::size_t in_flight = 0;      // … prepared a moment ago: two-phase commit at work
  std::size_t need_operator = 0;  // of in_doubt and applying: without a person they stay
  std::int64_t oldest_ms = 0;     // of in_doubt and applying
  std::size_t databases = 0;      // with a branch of theirs
  std::size_t held = 0;           // sessions that wait for them, directly or behind others …
  std::size_t held_in = 0;        // … in so many databases
  std::size_t foreign = 0;        // transactions prepared by other software
  std::size_t held_by_foreign = 0;
  std::size_t waiting = 0;              // sessions that wait for a lock, for whatever reason
  std::optional<std::int64_t> away_ms;  // since no participant has had a link to the coordinator
  std::vector<std::string> unlinked;    // participants without a link, where others have one
  std::vector<std::string> silent;      // databases that nothing is known of
  std::size_t answering = 0;
};

std::string to_sentence(const BlockingSummary& summary);

// "42 s", "5 min", "3 h", "2 days"
std::string duration_text(std::int64_t ms);

}  // namespace assent
