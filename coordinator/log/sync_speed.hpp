// How long a sync takes where the ledger lies: every commit waits for one.
#pragma once

#include <chrono>
#include <string>

#include "coordinator/log/log_error.hpp"

namespace assent {

struct SyncSpeed {
  std::chrono::microseconds median{0};
  std::chrono::microseconds slowest{0};
  int syncs = 0;
};

// Writes and syncs small pieces, as the log does, in a file without a name in this folder; takes
// some dozens of syncs.
LogResult<SyncSpeed> measure_sync(const std::string& folder);

}  // namespace assent
