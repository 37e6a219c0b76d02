// What a client would rather have, and does not insist on: Prefer (RFC 7240).
#pragma once

#include <string_view>

namespace assent {

struct HttpRequest;

inline constexpr std::string_view kRespondAsync = "respond-async";

// Whether the client prefers an answer at once to one that tells the outcome. Preferences that are
// not known here say nothing.
bool prefers_async(const HttpRequest& request);

}  // namespace assent
