// The coordinator's crash points: one at each kind of action, where the engine performs it.
//
//   engine.log.KIND    before a record is handed to the log; `error`: the log refuses it
//   engine.logged      records are on disk, and the machine has not heard of it
//   engine.send.KIND   before a message leaves; `error`: it is lost (welcome: with its link)
//   engine.reply       before a request is answered; `error`: the answer is lost
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/coordinator_machine.hpp"

// Inline, of its own: a program may link both daemons' points, which have names in common.
namespace assent::crash {
inline namespace engine {

inline constexpr std::string_view kLog = "engine.log.";
inline constexpr std::string_view kLogged = "engine.logged";
inline constexpr std::string_view kSend = "engine.send.";
inline constexpr std::string_view kReply = "engine.reply";

// In the order of the variants' alternatives.
inline constexpr std::array<std::string_view, 7> kRecords = {
    "epoch", "member", "commit", "end", "heuristic", "resolution", "acknowledgement"};
inline constexpr std::array<std::string_view, 6> kMessages = {"welcome", "execute", "prepare",
                                                              "commit",  "abort",   "ask"};
static_assert(kRecords.size() == std::variant_size_v<LogRecord>);
static_assert(kMessages.size() == std::variant_size_v<ToParticipant>);

inline std::string_view name_of(const LogRecord& record) {
  return kRecords[record.index()];
}
inline std::string_view name_of(const ToParticipant& message) {
  return kMessages[message.index()];
}

inline std::vector<std::string> coordinator_points() {
  std::vector<std::string> points{std::string(kLogged), std::string(kReply)};
  for (const std::string_view record : kRecords)
    points.push_back(std::string(kLog) + std::string(record));
  for (const std::string_view message : kMessages)
    points.push_back(std::string(kSend) + std::string(message));
  return points;
}

}  // namespace engine
}  // namespace assent::crash
