// From the bodies of an operator's requests to the events they stand for.
#pragma once

#include <string_view>
#include <variant>

#include "protocol/coordinator_machine.hpp"

namespace assent {

inline constexpr std::size_t kMaxReason = 1000;  // characters

struct ResolveRequest {
  ResolveAsked event;
  bool preview = false;  // show what it would do, and do nothing
};

// POST …/resolve. Leaves request, tx and by to the caller.
std::variant<ResolveRequest, Failure> parse_resolve(std::string_view body);

// POST …/acknowledge, likewise.
std::variant<AcknowledgeAsked, Failure> parse_acknowledge(std::string_view body);

}  // namespace assent
