// The answer to GET /v1/blocking: what every database reports, in one document of one shape,
// whoever puts it together: a participant for its own database, the coordinator for all, `assent
// blocking` from participants when the coordinator is away.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/runtime/blocking_sentence.hpp"

namespace assent {

class BlockingHistory;

// A participant's report is at most so large on its way to the coordinator.
inline constexpr std::size_t kMostReportBytes = 1024 * 1024;

struct BlockingPart {
  std::string participant;
  std::string report;               // JSON, as the participant wrote it; empty: there is none
  std::chrono::milliseconds age{};  // of the report
  // Why it is not answering; then its report, if there is one, is the last that came.
  std::string silent_because;
};

// What the coordinator knows beyond the participants, of one transaction.
struct Ruling {
  std::string by;    // as BlockingRoot.frees.by: coordinator, decision, participant, operator
  std::string what;  // for people
  std::string then;  // what that would do; empty: as the participant says
  std::vector<std::string> peers = {};  // a participant that was restarted has forgotten them
};

struct BlockingView {
  bool at_coordinator = false;
  std::map<std::string, Ruling> rulings;  // by transaction id
};

// What a participant's report comes to for who takes it.
struct ReportGist {
  bool available = false;    // its database could be looked at
  std::int64_t blocked = 0;  // sessions that wait for a branch
};
// Notes the report in `history`, and takes out of it what it hands over of the past. nullopt: it
// cannot be shown, for it is no object within the limits; nothing is noted.
std::optional<ReportGist> take_report(std::string& report, BlockingHistory& history,
                                      std::int64_t now_ms);

std::string join_blocking(std::span<const BlockingPart> parts, const BlockingView& view = {});

// The answer to GET /v1/blocking/history: {"databases": [{"participant", "spans", "ended"}]}, and
// at a coordinator since when it has been there.
std::string join_history(std::span<const std::pair<std::string, const BlockingHistory*>> histories,
                         std::optional<std::int64_t> coordinator_since_ms = std::nullopt);

// The counts that the sentence of such a document was made of.
BlockingSummary summarise(std::span<const BlockingPart> parts, const BlockingView& view = {});

}  // namespace assent
