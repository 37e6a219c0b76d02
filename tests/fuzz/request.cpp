// Bodies of the API's requests, as text and as the events they stand for.
#include <set>

#include "coordinator/api/json_document.hpp"
#include "coordinator/api/transaction_request.hpp"
#include "protocol/assent.pb.h"
#include "tests/fuzz/targets.hpp"

namespace assent::fuzz {
namespace {

void whole(const JsonValue& value, std::size_t depth) {
  demand(depth <= kJsonDepth, "no deeper than the limit");
  std::set<std::string_view> keys;
  std::uint32_t children = 0;
  std::uint32_t span = 1;
  if (value.kind == JsonValue::Kind::array || value.kind == JsonValue::Kind::object)
    for (const JsonValue& child : value.children()) {
      whole(child, depth + 1);
      if (value.kind == JsonValue::Kind::object)
        demand(keys.insert(child.key).second, "no key stands twice");
      ++children;
      span += child.span;
    }
  demand(children == value.size && span == value.span, "size and span count what there is");
  demand(value.text.find('\0') == value.text.npos, "no NUL in a text");
}

void text(std::string_view bytes) {
  const auto parsed = parse_json(bytes);
  const auto* document = std::get_if<JsonDocument>(&parsed);
  if (!document) return demand(!std::get<JsonError>(parsed).message.empty(), "a reason is given");
  whole(document->root(), 0);
  std::string written;
  append_json(written, document->root());
  const auto again = parse_json(written);
  demand(std::holds_alternative<JsonDocument>(again), "what is written is JSON");
  std::string twice;
  append_json(twice, std::get<JsonDocument>(again).root());
  demand(twice == written, "nothing changes by being written and read");
}

void well_formed(const Work& work) {
  wire::Work message;
  demand(message.ParseFromString(work.bytes), "the participant can read the work");
  demand(!message.statements().empty(), "work has statements");
  demand(message.statements_size() <= static_cast<int>(kMaxStatements), "not too many statements");
  for (const auto& statement : message.statements())
    demand(statement.params_size() <= static_cast<int>(kMaxParams), "not too many parameters");
}

template <class Event>
void refused_or(const std::variant<Event, Failure>& parsed, void (*check)(const Event&)) {
  if (const auto* failure = std::get_if<Failure>(&parsed))
    return demand(failure->problem == Problem::invalid_request && !failure->message.empty(),
                  "a refusal says why");
  check(std::get<Event>(parsed));
}

}  // namespace

void request(std::string_view bytes) {
  text(bytes);
  refused_or<Begin>(parse_begin(bytes), [](const Begin& begin) {
    demand(begin.timeout <= kMaxTimeout, "the time-out has its bound");
    std::set<std::string> participants;
    for (const BranchWork& branch : begin.branches) {
      demand(is_participant_name(branch.participant), "a branch has a participant's name");
      demand(participants.insert(branch.participant).second, "one branch to a participant");
      if (begin.mode == Mode::one_shot) well_formed(branch.work);
      demand(begin.mode == Mode::one_shot || branch.work.bytes.empty(), "external brings no work");
    }
    demand((begin.mode == Mode::interactive) == begin.branches.empty(),
           "only an interactive one begins without branches");
  });
  refused_or<ExecuteAsked>(parse_statements(bytes), [](const ExecuteAsked& asked) {
    demand(is_participant_name(asked.participant) && asked.seq > 0, "who and which are given");
    well_formed(asked.work);
  });
  refused_or<CommitAsked>(parse_commit(bytes), [](const CommitAsked&) {});
  refused_or<RollbackAsked>(parse_rollback(bytes), [](const RollbackAsked&) {});
}

}  // namespace assent::fuzz
