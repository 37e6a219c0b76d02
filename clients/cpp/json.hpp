// Reading the server's JSON leniently: what is missing or of another kind is empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

namespace assent::client {

std::string text_of(const boost::json::object& object, std::string_view name);
std::optional<std::int64_t> integer_of(const boost::json::object& object, std::string_view name);
const boost::json::object* object_of(const boost::json::object& object, std::string_view name);
const boost::json::array* array_of(const boost::json::object& object, std::string_view name);

// A single value as a person reads it: strings bare, numbers short, the rest as JSON.
std::string plain_text(const boost::json::value& value);

}  // namespace assent::client
