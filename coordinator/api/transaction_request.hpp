// From the bodies of requests to the events they stand for.
//
// What is wrong comes back as a Failure whose message names the exact place. SQL text is not looked
// into: the participant's guard does that.
#pragma once

#include <string_view>
#include <variant>

#include "coordinator/api/groups.hpp"
#include "protocol/coordinator_machine.hpp"

namespace assent {

inline constexpr std::size_t kMaxStatements = 1000;  // of one branch in one request
inline constexpr std::size_t kMaxParams = 1000;      // of one statement
// Of what a group's statements take at its further members: a small request must not become a large
// one.
inline constexpr std::size_t kMaxCopied = 16 << 20;
inline constexpr std::size_t kMaxLabels = 16;
inline constexpr std::size_t kMaxLabelLength = 128;
inline constexpr Duration kDefaultTimeout{30'000};
inline constexpr Duration kMaxTimeout{3'600'000};

// POST /v1/transactions. Leaves request, tx and key to the caller. What depends on the groups,
// which are not the same for ever, is no Failure but the event's refusal: a repeated request is to
// be told what became of the first one.
std::variant<Begin, Failure> parse_begin(std::string_view body, const Groups& groups = {});

// POST …/statements. Leaves request and tx to the caller.
std::variant<ExecuteAsked, Failure> parse_statements(std::string_view body);

// POST …/commit: nothing, or {"wait_for": …}.
std::variant<CommitAsked, Failure> parse_commit(std::string_view body);

// POST …/rollback: nothing, or {}.
std::variant<RollbackAsked, Failure> parse_rollback(std::string_view body);

}  // namespace assent
