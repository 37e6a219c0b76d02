#include "coordinator/api/groups.hpp"

#include <algorithm>

#include "coordinator/api/json_writer.hpp"
#include "coordinator/api/nearest.hpp"

namespace assent {
namespace {

constexpr std::string_view kLabel = "\"assent.group.";

// Takes a name or value in quotes, without escapes, off the front.
std::string_view take_quoted(std::string_view& text) {
  const std::size_t end = std::min(text.find('"', 1), text.size());
  const std::string_view inside = text.substr(1, end - 1);
  text.remove_prefix(std::min(end + 1, text.size()));
  return inside;
}

bool lists(std::string_view members, std::string_view name) {
  while (!members.empty()) {
    const std::size_t end = std::min(members.find(','), members.size());
    if (members.substr(0, end) == name) return true;
    members.remove_prefix(std::min(end + 1, members.size()));
  }
  return false;
}

}  // namespace

std::vector<std::string_view> groups_with(const Groups& groups, std::string_view participant) {
  std::vector<std::string_view> names;
  for (const auto& [name, members] : groups)
    if (std::find(members.begin(), members.end(), participant) != members.end())
      names.push_back(name);
  return names;
}

std::string no_such_group(const Groups& groups, std::string_view name) {
  std::string message = "there is no group " + shortened(name);
  if (groups.empty()) return message + "; the coordinator's configuration has none (groups)";
  std::vector<std::string_view> known;
  for (const auto& [group, members] : groups) known.push_back(group);
  return message + suggestion(name, known);
}

// Names need no escaping. In front, so that nothing a client has written is taken for one.
std::string with_group_labels(std::string labels, const std::vector<std::string>& used,
                              const Groups& groups) {
  std::string ours;
  for (const std::string& name : used) {
    ours += (ours.empty() ? "{" : ",") + std::string(kLabel) + name + "\":\"";
    for (const std::string& member : groups.find(name)->second) {
      if (!ours.ends_with('"')) ours += ',';
      ours += member;
    }
    ours += '"';
  }
  if (ours.empty()) return labels;
  return ours + (labels.empty() ? "}" : "," + labels.substr(1));
}

std::string_view group_of(std::string_view labels, std::string_view participant) {
  constexpr std::string_view kCaller = "\"assent.caller\"";  // stands before them: admission.cpp
  while (labels.size() > 1) {
    labels.remove_prefix(1);  // the brace or the comma
    if (!labels.starts_with(kLabel) && !labels.starts_with(kCaller)) return {};
    std::string_view name = take_quoted(labels);
    labels.remove_prefix(std::min<std::size_t>(1, labels.size()));  // the colon
    if (labels.empty()) return {};
    const std::string_view value = take_quoted(labels);
    const std::size_t prefix = kLabel.size() - 1;
    if (name.starts_with(kLabel.substr(1)) && lists(value, participant)) return name.substr(prefix);
  }
  return {};
}

}  // namespace assent
