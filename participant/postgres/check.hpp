// Whether a database is fit to be a participant: what is wrong, and the exact command to mend it.
//
// Blocking; for `config check --online` and the start, before the loop runs.
#pragma once

#include <chrono>

#include "participant/postgres/database.hpp"
#include "protocol/runtime/finding.hpp"

namespace assent {

// From which age on prepared transactions are worth a word.
struct PreparedAges {
  std::chrono::seconds foreign{300};  // those of others
  std::chrono::seconds doubt{60};     // branches of ours
};

// Empty: nothing is wrong. A database that cannot be reached is one finding.
Findings check_database(const DatabaseOptions& options, const PreparedAges& ages = {});

}  // namespace assent
