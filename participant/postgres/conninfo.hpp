// libpq's connection strings, taken apart.
#pragma once

#include <string>

namespace assent {

// How clients' statements connect: like `conninfo`, but with what `differing` says ("user=…
// passfile=…").
struct StatementsConninfo {
  std::string conninfo;
  std::string role;  // that `differing` names
};

// std::runtime_error, without any value in it, where one of them is no connection string, or
// `differing` names no user, or what would lead to another server or database.
StatementsConninfo statements_conninfo(const std::string& conninfo, const std::string& differing);

}  // namespace assent
