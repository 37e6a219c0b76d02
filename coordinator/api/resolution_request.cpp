#include "coordinator/api/resolution_request.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "coordinator/api/field_reader.hpp"
#include "coordinator/api/problem_document.hpp"

namespace assent {
namespace {

constexpr std::array<std::string_view, 2> kOutcomes = {"committed", "aborted"};
constexpr std::size_t kMaxSeen = 64 * 1024;

std::string read_bounded(const JsonValue& value, const Path& at, std::size_t most, Wrong& wrong) {
  const std::string_view text = read_text(value, at, wrong);
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  if (static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins)) > most)
    wrong.report(at, "must be of at most " + std::to_string(most) + " characters");
  return std::string(text);
}

// People read it in lines.
std::string read_reason(const JsonValue& value, const Path& at, Wrong& wrong) {
  std::string reason = read_bounded(value, at, kMaxReason, wrong);
  if (reason.find_first_not_of(' ') == reason.npos) wrong.report(at, "must say why");
  for (const char c : reason)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      wrong.report(at, "must be one line, without control characters");
  return reason;
}

struct Request {
  ResolveRequest resolve;
  bool has_outcome = false;
};

constexpr Field<Request> kResolveFields[] = {
    {"outcome",
     [](const JsonValue& value, const Path& at, Request& into, Wrong& wrong) {
       into.has_outcome = true;
       into.resolve.event.outcome = static_cast<Outcome>(read_choice(value, at, kOutcomes, wrong));
     }},
    {"reason", [](const JsonValue& value, const Path& at, Request& into,
                  Wrong& wrong) { into.resolve.event.reason = read_reason(value, at, wrong); }},
    {"seen",
     [](const JsonValue& value, const Path& at, Request& into, Wrong& wrong) {
       into.resolve.event.seen = read_bounded(value, at, kMaxSeen, wrong);
     }},
    {"preview", [](const JsonValue& value, const Path& at, Request& into,
                   Wrong& wrong) { into.resolve.preview = read_boolean(value, at, wrong); }},
};

constexpr Field<AcknowledgeAsked> kAcknowledgeFields[] = {
    {"reason", [](const JsonValue& value, const Path& at, AcknowledgeAsked& into, Wrong& wrong) {
       into.reason = read_reason(value, at, wrong);
     }}};

}  // namespace

std::variant<ResolveRequest, Failure> parse_resolve(std::string_view body) {
  Request request;
  auto failure = read_body(body, [&](const JsonValue& root, const Path& at, Wrong& wrong) {
    read_object(root, at, kResolveFields, request, wrong);
    if (wrong) return;
    if (!request.has_outcome) wrong.report(at, "outcome is missing");
    if (!request.resolve.preview && request.resolve.event.reason.empty())
      wrong.report(at, "reason is missing");
  });
  if (failure) return std::move(*failure);
  return std::move(request.resolve);
}

std::variant<AcknowledgeAsked, Failure> parse_acknowledge(std::string_view body) {
  AcknowledgeAsked event;
  auto failure = read_body(body, [&](const JsonValue& root, const Path& at, Wrong& wrong) {
    read_object(root, at, kAcknowledgeFields, event, wrong);
    if (!wrong && event.reason.empty()) wrong.report(at, "reason is missing");
  });
  if (failure) return std::move(*failure);
  return event;
}

}  // namespace assent
