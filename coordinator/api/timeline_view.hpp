// Happenings as the API shows them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coordinator/timeline.hpp"

namespace assent {

// {"at":"2026-07-01T12:00:00.000123Z","kind":"voted","transaction":"…","participant":"orders",
//  "detail":"yes"}; "times" and "last_at" where it was repeated. `begun_us` is of the transaction's
// begin: "after_us" counts from there.
void append_happening(std::string& out, const TimelineEvent& event,
                      std::optional<std::int64_t> begun_us = std::nullopt);

// What a follower names to go on where it was: "7-4711", the coordinator's epoch and the event's
// id. Ids start again with every epoch.
std::string event_id(Epoch epoch, std::uint64_t id);
struct EventPlace {
  Epoch epoch = 0;
  std::uint64_t id = 0;
};
std::optional<EventPlace> parse_event_id(std::string_view text);

// The transaction with its whole timeline, and how long ago it began:
// {"id":…,"state":…,"outcome":…,"age_us":…,"events":[…],"omitted":0}.
void append_timeline(std::string& out, const Timeline& timeline, const Transaction& tx, Now now);

}  // namespace assent
