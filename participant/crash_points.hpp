// The participant's crash points: one at each kind of action and completion, where the agent
// handles it.
//
//   agent.send.KIND   before a message leaves; `error`: it is lost
//   agent.verb.KIND   before a database verb is begun
//   agent.done.KIND   a verb is complete, and the machine has not heard of it
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/participant_machine.hpp"

namespace assent::crash {

inline constexpr std::string_view kSend = "agent.send.";
inline constexpr std::string_view kVerb = "agent.verb.";
inline constexpr std::string_view kDone = "agent.done.";

// In the order of the variants' alternatives; empty: not a point.
inline constexpr std::array<std::string_view, 7> kMessages = {
    "hello", "ready", "executed", "vote", "applied", "inquiry", "evidence"};
inline constexpr std::array<std::string_view, 14> kVerbs = {"",
                                                            "",
                                                            "",
                                                            "run-work",
                                                            "prepare",
                                                            "settle",
                                                            "drop",
                                                            "cancel",
                                                            "finish",
                                                            "read-status",
                                                            "list",
                                                            "raise-mark",
                                                            "write-journal",
                                                            "read-journal"};
inline constexpr std::array<std::string_view, 18> kEvents = {"",
                                                             "",
                                                             "",
                                                             "",
                                                             "",
                                                             "run-work",
                                                             "prepare",
                                                             "settle",
                                                             "drop",
                                                             "finish",
                                                             "read-status",
                                                             "list",
                                                             "",
                                                             "raise-mark",
                                                             "",
                                                             "write-journal",
                                                             "read-journal",
                                                             ""};
static_assert(kMessages.size() == std::variant_size_v<ToCoordinator>);
static_assert(kVerbs.size() == std::variant_size_v<ParticipantAction>);
static_assert(kEvents.size() == std::variant_size_v<ParticipantEvent>);

inline std::string_view name_of(const ToCoordinator& message) {
  return kMessages[message.index()];
}
inline std::string_view name_of(const ParticipantAction& action) {
  return kVerbs[action.index()];
}
inline std::string_view name_of(const ParticipantEvent& event) {
  return kEvents[event.index()];
}

inline std::vector<std::string> participant_points() {
  std::vector<std::string> points;
  const auto add = [&points](std::string_view prefix, const auto& names) {
    for (const std::string_view name : names)
      if (!name.empty()) points.push_back(std::string(prefix) + std::string(name));
  };
  add(kSend, kMessages);
  add(kVerb, kVerbs);
  add(kDone, kEvents);
  return points;
}

}  // namespace assent::crash
