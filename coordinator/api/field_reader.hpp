// Reading a JSON object against a table of the fields it may have. The first thing wrong is kept,
// with its path: "branches[1].statments: unknown field; did you mean statements?"
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/api/json_document.hpp"
#include "coordinator/api/nearest.hpp"
#include "coordinator/api/problem_document.hpp"

namespace assent {

// Where a value lies. Lives on the stack of the reader; becomes text only when something is wrong.
struct Path {
  const Path* parent = nullptr;
  std::string_view key;                // a step into an object, or …
  std::optional<std::size_t> index{};  // … into an array

  std::string text() const;
};

class Wrong {
 public:
  // Keeps the first report. `what` follows the path and a colon.
  void report(const Path& at, std::string_view what);
  explicit operator bool() const { return !message_.empty(); }
  const std::string& message() const { return message_; }

 private:
  std::string message_;
};

template <class T>
struct Field {
  std::string_view name;
  void (*read)(const JsonValue& value, const Path& at, T& into, Wrong& wrong);
};

// Reports what is not an object, and every field that is not in the table.
template <class T, std::size_t N>
void read_object(const JsonValue& value, const Path& at, const Field<T> (&fields)[N], T& into,
                 Wrong& wrong) {
  if (value.kind != JsonValue::Kind::object) return wrong.report(at, "must be an object");
  for (const JsonValue& member : value.children()) {
    const Path here{&at, member.key};
    const Field<T>* known = nullptr;
    for (const Field<T>& field : fields)
      if (field.name == member.key) known = &field;
    if (known == nullptr) {
      std::vector<std::string_view> names;
      for (const Field<T>& field : fields) names.push_back(field.name);
      return wrong.report(here, "unknown field" + suggestion(member.key, names));
    }
    known->read(member, here, into, wrong);
    if (wrong) return;
  }
}

// Each reports a value of another kind or outside its bounds, and then returns an empty one.
std::string_view read_text(const JsonValue& value, const Path& at, Wrong& wrong);
std::uint64_t read_whole_number(const JsonValue& value, const Path& at, std::uint64_t least,
                                std::uint64_t most, Wrong& wrong);
bool read_boolean(const JsonValue& value, const Path& at, Wrong& wrong);
// The index of the text among `choices`.
std::size_t read_choice(const JsonValue& value, const Path& at,
                        std::span<const std::string_view> choices, Wrong& wrong);
// Whether the value is an array of at most `most` elements.
bool is_array(const JsonValue& value, const Path& at, std::size_t most, Wrong& wrong);

// Parses the body and lets `read` take it apart; returns what either finds wrong.
template <class Read>
std::optional<Failure> read_body(std::string_view body, Read read) {
  const auto parsed = parse_json(body);
  if (const auto* error = std::get_if<JsonError>(&parsed))
    return failure_of(Problem::invalid_request, error->message);
  Wrong wrong;
  read(std::get<JsonDocument>(parsed).root(), Path{}, wrong);
  if (wrong) return failure_of(Problem::invalid_request, wrong.message());
  return std::nullopt;
}

}  // namespace assent
