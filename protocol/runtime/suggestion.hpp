// What somebody who misspelt a name probably meant.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assent {

// How many letters must be changed, added or removed to make one of the other.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// `; did you mean "…"?`, or nothing when no known name is near.
inline std::string suggestion(std::string_view name, std::span<const std::string> known) {
  std::size_t best = std::max<std::size_t>(2, name.size() / 3) + 1;
  const std::string* nearest = nullptr;
  for (const auto& candidate : known) {
    const auto distance = edit_distance(name, candidate);
    if (distance >= best) continue;
    best = distance;
    nearest = &candidate;
  }
  return nearest ? "; did you mean \"" + *nearest + "\"?" : "";
}

}  // namespace assent
