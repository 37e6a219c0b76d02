// Whether a database is fit to be a participant: what is wrong, and the exact command to mend it.
//
// Blocking; for `assent-participant --check` and the start, before the loop runs.
#pragma once

#include <string>
#include <vector>

#include "participant/postgres/database.hpp"

namespace assent {

struct Finding {
  enum class Severity : std::uint8_t {
    error,    // branches would fail, or an answer could be wrong: do not start
    warning,  // works, but not as well as it should
  };
  Severity severity = Severity::error;
  std::string what;
  std::string remedy;
};

// Empty: nothing is wrong. A database that cannot be reached is one finding.
std::vector<Finding> check_database(const DatabaseOptions& options);

}  // namespace assent
