// How long each branch held its locks in doubt, measured where they are held: from the moment its
// PREPARE was done to the moment its COMMIT PREPARED or ROLLBACK PREPARED was. What others
// prepared, or this process before its last start, is measured from when the database says it was.
//
// Told to the coordinator for people to see; nothing is decided by it. What was ended by other
// hands has no measure. Belongs to the I/O thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "protocol/participant_machine.hpp"

namespace assent {

class LockTimes {
 public:
  // Of branches that have ended, so many measures are kept: an acknowledgement may be repeated.
  static constexpr std::size_t kMostEnded = 4096;
  static constexpr std::size_t kMostPrepared = 65'536;  // more are not measured

  void saw(const ParticipantEvent& event, Instant now);
  // It is prepared, and was at `since`. Later than was known: it was prepared once more.
  void found(const Gid& gid, Instant since);
  // What is not prepared any more was ended by other hands.
  void forget_unless(const std::function<bool(const Gid&)>& is_held);
  std::optional<std::chrono::microseconds> held(const Gid& gid) const;

 private:
  void ended(const FinishDone& event, Instant now);

  std::map<Gid, Instant> prepared_;
  std::map<Gid, std::chrono::microseconds> held_;
  std::deque<Gid> oldest_;  // of held_
};

}  // namespace assent
