#include "participant/postgres/conninfo.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <stdexcept>
#include <string_view>

#include <libpq-fe.h>

namespace assent {
namespace {

using Keywords = std::map<std::string, std::string>;

constexpr std::array<std::string_view, 6> who = {"user",    "password", "passfile",
                                                 "sslcert", "sslkey",   "sslpassword"};

Keywords parse(const std::string& conninfo, const char* what) {
  char* complaint = nullptr;  // it may repeat a password
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(conninfo.c_str(), &complaint), PQconninfoFree);
  PQfreemem(complaint);
  if (!options) throw std::runtime_error(std::string(what) + " is no libpq connection string");
  Keywords found;
  for (const PQconninfoOption* each = options.get(); each->keyword != nullptr; ++each)
    if (each->val != nullptr) found[each->keyword] = each->val;
  return found;
}

std::string text_of(const Keywords& keywords) {
  std::string text;
  for (const auto& [keyword, value] : keywords) {
    if (!text.empty()) text += ' ';
    text += keyword + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    text += '\'';
  }
  return text;
}

}  // namespace

StatementsConninfo statements_conninfo(const std::string& conninfo, const std::string& differing) {
  const Keywords given = parse(differing, "it");
  for (const auto& [keyword, value] : given)
    if (std::find(who.begin(), who.end(), keyword) == who.end())
      throw std::runtime_error(keyword +
                               " is not for it: it says who connects (user, password, passfile, "
                               "sslcert, sslkey, sslpassword), and database says where");
  const auto user = given.find("user");
  if (user == given.end() || user->second.empty()) throw std::runtime_error("it names no user");
  Keywords keywords = parse(conninfo, "database");
  keywords.erase("password");  // the other role's
  for (const auto& [keyword, value] : given) keywords[keyword] = value;
  return {text_of(keywords), user->second};
}

}  // namespace assent
