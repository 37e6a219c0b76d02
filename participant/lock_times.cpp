#include "participant/lock_times.hpp"

#include <algorithm>

namespace assent {

void LockTimes::saw(const ParticipantEvent& event, Instant now) {
  if (const auto* done = std::get_if<PrepareDone>(&event)) {
    const bool prepared = std::holds_alternative<PrepareDone::Yes>(done->result) ||
                          std::holds_alternative<PrepareDone::Refused>(done->result);
    if (prepared && prepared_.size() < kMostPrepared) prepared_.emplace(done->gid, now);
  } else if (const auto* finished = std::get_if<FinishDone>(&event)) {
    ended(*finished, now);
  }
}

void LockTimes::found(const Gid& gid, Instant since) {
  if (held_.contains(gid) || prepared_.size() >= kMostPrepared) return;
  const auto [noted, is_new] = prepared_.emplace(gid, since);
  if (!is_new) noted->second = std::max(noted->second, since);
}

void LockTimes::forget_unless(const std::function<bool(const Gid&)>& is_held) {
  std::erase_if(prepared_, [&](const auto& each) { return !is_held(each.first); });
}

void LockTimes::ended(const FinishDone& event, Instant now) {
  const bool done = event.result == FinishDone::Result::done;
  if (!done && event.result != FinishDone::Result::no_such_gid) return;
  const auto prepared = prepared_.extract(event.gid);
  if (!prepared || !done) return;
  const auto time = std::max(now - prepared.mapped(), Instant::duration::zero());
  if (!held_.emplace(event.gid, time).second) return;
  oldest_.push_back(event.gid);
  if (oldest_.size() <= kMostEnded) return;
  held_.erase(oldest_.front());
  oldest_.pop_front();
}

std::optional<std::chrono::microseconds> LockTimes::held(const Gid& gid) const {
  const auto found = held_.find(gid);
  if (found == held_.end()) return std::nullopt;
  return found->second;
}

}  // namespace assent
