#include "coordinator/api/field_reader.hpp"

#include <algorithm>
#include <charconv>

#include "coordinator/api/json_writer.hpp"

namespace assent {

std::string Path::text() const {
  std::string before = parent == nullptr ? "" : parent->text();
  if (parent == nullptr) return before;
  if (index) return before + '[' + std::to_string(*index) + ']';
  if (!before.empty()) before += '.';
  return before + (key.empty() ? "\"\"" : shortened(key));
}

void Wrong::report(const Path& at, std::string_view what) {
  if (!message_.empty()) return;
  const std::string path = at.text();
  message_ = (path.empty() ? "the body" : path) + ": ";
  message_ += what;
}

std::string_view read_text(const JsonValue& value, const Path& at, Wrong& wrong) {
  if (value.kind == JsonValue::Kind::string) return value.text;
  wrong.report(at, "must be a string");
  return {};
}

std::uint64_t read_whole_number(const JsonValue& value, const Path& at, std::uint64_t least,
                                std::uint64_t most, Wrong& wrong) {
  std::uint64_t number = 0;
  if (value.kind == JsonValue::Kind::number) {
    std::string_view digits = value.text;
    // 5.0 is 5, and some languages know no other way to write it.
    const std::size_t point = digits.find('.');
    if (point != digits.npos && digits.find_first_not_of('0', point + 1) == digits.npos)
      digits = digits.substr(0, point);
    const char* end = digits.data() + digits.size();
    const auto [past, error] = std::from_chars(digits.data(), end, number);
    if (error == std::errc() && past == end && number >= least && number <= most) return number;
  }
  wrong.report(
      at, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return least;
}

bool read_boolean(const JsonValue& value, const Path& at, Wrong& wrong) {
  if (value.kind != JsonValue::Kind::boolean) wrong.report(at, "must be true or false");
  return value.kind == JsonValue::Kind::boolean && value.text == "true";
}

std::size_t read_choice(const JsonValue& value, const Path& at,
                        std::span<const std::string_view> choices, Wrong& wrong) {
  const auto found = std::find(choices.begin(), choices.end(), value.text);
  if (value.kind == JsonValue::Kind::string && found != choices.end())
    return static_cast<std::size_t>(found - choices.begin());
  std::string list;
  for (const std::string_view choice : choices) {
    if (!list.empty()) list += ", ";
    list += choice;
  }
  wrong.report(at, "must be one of: " + list);
  return 0;
}

bool is_array(const JsonValue& value, const Path& at, std::size_t most, Wrong& wrong) {
  if (value.kind != JsonValue::Kind::array)
    wrong.report(at, "must be an array");
  else if (value.size > most)
    wrong.report(at, "has " + std::to_string(value.size) + " elements; at most " +
                         std::to_string(most) + " are taken");
  else
    return true;
  return false;
}

}  // namespace assent
