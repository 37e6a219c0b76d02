#include "clients/cpp/json.hpp"

#include <array>
#include <charconv>

#include <boost/json.hpp>

namespace assent::client {

std::string text_of(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = object.if_contains(name);
  return value && !value->is_null() ? plain_text(*value) : std::string();
}

std::optional<std::int64_t> integer_of(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = object.if_contains(name);
  if (!value) return std::nullopt;
  if (const std::int64_t* number = value->if_int64()) return *number;
  return std::nullopt;
}

const boost::json::object* object_of(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

const boost::json::array* array_of(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = object.if_contains(name);
  return value ? value->if_array() : nullptr;
}

std::string plain_text(const boost::json::value& value) {
  if (const boost::json::string* text = value.if_string()) return std::string(*text);
  if (const double* number = value.if_double()) {
    std::array<char, 32> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), *number).ptr;
    return std::string(buffer.data(), end);
  }
  return boost::json::serialize(value);
}

}  // namespace assent::client
