#include "protocol/runtime/callers.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace assent {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 4> kRoles = {
    {{Role::client, "client"},
     {Role::viewer, "viewer"},
     {Role::operate, "operator"},
     {Role::participant, "participant"}}};
constexpr std::size_t kLongestName = 63;
constexpr std::string_view kBlanks = " \t\r";

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto part = text.substr(0, text.find_first_of(separators));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

// One line of the file. Throws what is wrong with it.
Caller parse_line(const std::vector<std::string>& words) {
  Caller caller;
  const auto role = parse_role(words[0]);
  if (!role)
    throw std::runtime_error("\"" + words[0] +
                             "\" is no role; there are client, viewer, operator, participant");
  caller.role = *role;
  if (words.size() < 3)
    throw std::runtime_error("a line is: role name sha256=… (or certificate=…)");
  if (!is_name(words[1]))
    throw std::runtime_error("a name has 1 to 63 letters, digits, '_', '-' or '.'");
  caller.name = words[1];
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::string key = words[i].substr(0, words[i].find('='));
    const std::string value = words[i].substr(std::min(words[i].size(), key.size() + 1));
    if (key == "sha256" && !caller.token) {
      caller.token = parse_digest(value);
      if (!caller.token)
        throw std::runtime_error(
            "sha256= takes 64 hexadecimal digits, as `assent token new` prints them");
    } else if (key == "certificate" && caller.certificate.empty() && !value.empty()) {
      caller.certificate = value;
    } else if (key == "participants" && caller.participants.empty() && !value.empty()) {
      if (*role != Role::client)
        throw std::runtime_error("participants= is for clients; others are not limited by it");
      caller.participants = split(value, ",");
    } else {
      // Not shown: it may be a token that does not belong here.
      throw std::runtime_error("word " + std::to_string(i + 1) +
                               " is none of sha256=…, certificate=…, participants=… given once");
    }
  }
  if (caller.token.has_value() == !caller.certificate.empty())
    throw std::runtime_error("a line has one credential: sha256=… or certificate=…");
  return caller;
}

void check_against(const std::vector<CallerPtr>& known, const Caller& caller) {
  for (const CallerPtr& other : known) {
    if (other->name == caller.name && other->role != caller.role)
      throw std::runtime_error("\"" + caller.name + "\" is a " +
                               std::string(to_string(other->role)) +
                               " on an earlier line; one name has one role");
    const bool same_token = caller.token && other->token == caller.token;
    if (same_token || (!caller.certificate.empty() && other->certificate == caller.certificate))
      throw std::runtime_error("the credential stands on an earlier line already, for \"" +
                               other->name + "\"");
  }
}

}  // namespace

std::string_view to_string(Role role) {
  for (const auto& [each, name] : kRoles)
    if (each == role) return name;
  return "everybody";
}

std::optional<Role> parse_role(std::string_view text) {
  for (const auto& [role, name] : kRoles)
    if (name == text) return role;
  return std::nullopt;
}

bool Caller::may_use(std::string_view participant) const {
  return participants.empty() ||
         std::find(participants.begin(), participants.end(), participant) != participants.end();
}

std::string to_line(const Caller& caller) {
  std::string line = std::string(to_string(caller.role)) + " " + caller.name;
  line += caller.token ? " sha256=" + to_hex(*caller.token) : " certificate=" + caller.certificate;
  const char* separator = " participants=";
  for (const std::string& participant : caller.participants)
    line += std::exchange(separator, ",") + participant;
  return line;
}

std::vector<CallerPtr> parse_callers(std::string_view text, const std::string& origin) {
  std::vector<CallerPtr> callers;
  for (int number = 1; !text.empty(); ++number) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto words = split(line.substr(0, line.find('#')), kBlanks);
    if (words.empty()) continue;
    try {
      Caller caller = parse_line(words);
      check_against(callers, caller);
      callers.push_back(std::make_shared<const Caller>(std::move(caller)));
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(origin + ", line " + std::to_string(number) + ": " + error.what());
    }
  }
  if (callers.empty())
    throw std::runtime_error(origin +
                             ": names nobody, so that nothing could be done; `assent token new` "
                             "prints lines for it");
  return callers;
}

}  // namespace assent
