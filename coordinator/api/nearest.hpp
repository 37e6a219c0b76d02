// "Did you mean …?" for misspelt names.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace assent {

// The name that differs from `text` by the fewest letters; empty where none comes close.
std::string_view nearest(std::string_view text, std::span<const std::string_view> names);

// "; did you mean …?" with the nearest name, else "; known: " and all of them.
std::string suggestion(std::string_view text, std::span<const std::string_view> names);

}  // namespace assent
