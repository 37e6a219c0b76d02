#include "coordinator/api/preferences.hpp"

#include <algorithm>

#include "protocol/runtime/http_server.hpp"

namespace assent {
namespace {

// Up to the next comma that stands in no quotes; takes it, with the comma, from `rest`.
std::string_view next_preference(std::string_view& rest) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (quoted || rest[end] != ','); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (quoted && rest[end] == '\\' && end + 1 < rest.size()) ++end;
  }
  const std::string_view preference = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return preference;
}

// Its name alone, without a value and parameters.
std::string_view name_of(std::string_view preference) {
  const std::size_t begin = preference.find_first_not_of(" \t");
  if (begin == preference.npos) return {};
  preference.remove_prefix(begin);
  return preference.substr(0, preference.find_first_of(" \t=;"));
}

bool same(std::string_view name, std::string_view lower) {
  return std::equal(name.begin(), name.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

}  // namespace

bool prefers_async(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (name != "prefer") continue;
    for (std::string_view rest = value; !rest.empty();)
      if (same(name_of(next_preference(rest)), kRespondAsync)) return true;
  }
  return false;
}

}  // namespace assent
