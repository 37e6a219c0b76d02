// The participant's crash points: one at each kind of action and completion, where the agent
// handles it.
//
//   agent.send.KIND   before a message leaves; `error`: it is lost (hello, ready: with its link)
//   agent.verb.KIND   before a database verb is begun; `error`: it is not begun, and fails as if
//                     the database had not answered. Work in an open branch, and verbs that go on
//                     until they succeed (settle, drop, cancel), have no such failure: they pass
//   agent.step.told   the lines of several commits are written, and none of these is begun;
//                     `error`: they are not tried, and fail as if the database had not answered
//   agent.done.KIND   a verb is complete, and the machine has not heard of it; `error` passes, as
//                     a completion cannot be lost
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/participant_machine.hpp"

// Inline, of its own: a program may link both daemons' points, which have names in common.
namespace assent::crash {
inline namespace agent {

inline constexpr std::string_view kSend = "agent.send.";
inline constexpr std::string_view kVerb = "agent.verb.";
inline constexpr std::string_view kDone = "agent.done.";

// In the order of the variants' alternatives; empty: not a point.
inline constexpr std::array<std::string_view, 7> kMessages = {
    "hello", "ready", "executed", "vote", "applied", "inquiry", "evidence"};
inline constexpr std::array<std::string_view, 15> kVerbs = {"",
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
                                                            "read-journal",
                                                            "verify"};
inline constexpr std::array<std::string_view, 19> kEvents = {"",
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
                                                             "verify",
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

// The completion of a verb that the database did not answer; nullopt: it cannot fail so.
inline std::optional<ParticipantEvent> failure_of(const ParticipantAction& action) {
  const char* const ordered = "failed by order at a crash point";
  if (const auto* verb = std::get_if<PrepareBranch>(&action); verb && verb->work)
    return PrepareDone{verb->gid, PrepareDone::Lost{}};
  if (const auto* verb = std::get_if<FinishPrepared>(&action))
    return FinishDone{verb->gid, verb->outcome, FinishDone::Result::again, ordered};
  if (const auto* verb = std::get_if<ReadStatus>(&action))
    return StatusRead{verb->gid, StatusRead::Status::unavailable};
  if (std::holds_alternative<ListPrepared>(action)) return ListFailed{ordered};
  if (const auto* verb = std::get_if<RaiseMark>(&action))
    return MarkFailed{verb->mark.ledger, ordered};
  if (const auto* verb = std::get_if<WriteJournal>(&action))
    return JournalWritten{verb->batch, false};
  if (const auto* verb = std::get_if<ReadJournal>(&action)) return JournalRead{verb->gid};
  if (const auto* verb = std::get_if<VerifyPrepared>(&action)) {
    Failure failure;
    failure.problem = Problem::participant_unavailable;
    failure.message = ordered;
    return Verified{verb->gid, verb->ask, verb->peers, failure};
  }
  return std::nullopt;
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
  points.emplace_back("agent.step.told");
  return points;
}

}  // namespace agent
}  // namespace assent::crash
