// How long each branch held its locks in doubt, measured where they are held: from the moment its
// PREPARE was done to the moment its COMMIT PREPARED or ROLLBACK PREPARED was.
//
// Told to the coordinator for people to see; nothing is decided by it. What was prepared before
// this process began, or ended by other hands, has no measure. Belongs to the I/O thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
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
  std::optional<std::chrono::microseconds> held(const Gid& gid) const;

 private:
  void ended(const FinishDone& event, Instant now);

  std::map<Gid, Instant> prepared_;
  std::map<Gid, std::chrono::microseconds> held_;
  std::deque<Gid> oldest_;  // of held_
};

}  // namespace assent
