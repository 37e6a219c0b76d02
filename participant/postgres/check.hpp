// Whether a database is fit to be a participant: what is wrong, and the exact command to mend it.
//
// Blocking; for `config check --online` and the start, before the loop runs.
#pragma once

#include "participant/postgres/database.hpp"
#include "protocol/runtime/finding.hpp"

namespace assent {

// Empty: nothing is wrong. A database that cannot be reached is one finding.
Findings check_database(const DatabaseOptions& options);

}  // namespace assent
