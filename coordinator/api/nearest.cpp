#include "coordinator/api/nearest.hpp"

#include "protocol/runtime/suggestion.hpp"

namespace assent {
std::string_view nearest(std::string_view text, std::span<const std::string_view> names) {
  constexpr std::size_t kLongest = 100;  // nobody misspells that much; the work stays bounded
  if (text.size() > kLongest) return {};
  std::string_view best;
  std::size_t best_distance = text.size() / 3 + 2;
  for (const std::string_view name : names) {
    const std::size_t d = edit_distance(text, name);
    if (d < best_distance && d < name.size()) {
      best = name;
      best_distance = d;
    }
  }
  return best;
}

std::string suggestion(std::string_view text, std::span<const std::string_view> names) {
  if (const std::string_view best = nearest(text, names); !best.empty())
    return "; did you mean " + std::string(best) + "?";
  std::string out = "; known: ";
  for (const std::string_view name : names) {
    if (name != names.front()) out += ", ";
    out += name;
  }
  return out;
}

}  // namespace assent
