// Fields of a report that anybody may have written: what is missing or of another kind is nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include <boost/json.hpp>

namespace assent::blocking_json {

namespace json = boost::json;

inline std::int64_t number(const json::object& from, std::string_view name) {
  const json::value* value = from.if_contains(name);
  boost::system::error_code error;
  const auto found = value && value->is_number() ? value->to_number<std::int64_t>(error) : 0;
  return error ? 0 : found;
}

inline std::string_view text(const json::object& from, std::string_view name) {
  const json::value* value = from.if_contains(name);
  const json::string* found = value ? value->if_string() : nullptr;
  return found ? std::string_view(*found) : std::string_view();
}

inline bool truth(const json::object& from, std::string_view name) {
  const json::value* value = from.if_contains(name);
  const bool* found = value ? value->if_bool() : nullptr;
  return found && *found;
}

inline const json::object& object(const json::object& from, std::string_view name) {
  static const json::object none;
  const json::value* value = from.if_contains(name);
  const json::object* found = value ? value->if_object() : nullptr;
  return found ? *found : none;
}

inline const json::array& list(const json::object& from, std::string_view name) {
  static const json::array none;
  const json::value* value = from.if_contains(name);
  const json::array* found = value ? value->if_array() : nullptr;
  return found ? *found : none;
}

}  // namespace assent::blocking_json
