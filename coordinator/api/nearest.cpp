#include "coordinator/api/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace assent {
namespace {

// Letters to insert, delete, replace (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest(std::string_view text, std::span<const std::string_view> names) {
  constexpr std::size_t kLongest = 100;  // nobody misspells that much; the work stays bounded
  if (text.size() > kLongest) return {};
  std::string_view best;
  std::size_t best_distance = text.size() / 3 + 2;
  for (const std::string_view name : names) {
    const std::size_t d = distance(text, name);
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
