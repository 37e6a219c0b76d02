// Makes the machine of a ledger while the rest of it is still being read: who reads checks and
// decodes, a thread of this one's own replays. A long log is a matter of both, about equally.
#pragma once

#include <cstddef>
#include <memory>

#include "protocol/coordinator_machine.hpp"

namespace assent {

class Replaying {
 public:
  Replaying(CoordinatorLimits limits, Now now);
  // Gives up where it stands: the ledger was refused.
  ~Replaying();

  // The next record, in the log's order; called on one thread. Waits where the replay is far
  // behind, so that memory is bounded. Throws what the replay has thrown: std::bad_alloc.
  void take(const LogRecord& record);
  std::size_t taken() const;

  // Once, when all were taken: see CoordinatorRecovery::finish. Throws as take() does.
  CoordinatorMachine finish(const Recovered& recovered, const EpochRecord& start);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent
