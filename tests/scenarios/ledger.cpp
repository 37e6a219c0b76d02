#include "tests/scenarios/ledger.hpp"

#include <algorithm>
#include <utility>

namespace assent::scenarios {

void Ledger::rotate(const std::vector<LogRecord>& snapshot) {
  const RecordNumber number = last_number();
  for (std::size_t i = 0; i < snapshot.size(); ++i)
    entries_.push_back({number, snapshot[i], i == 0});
}

std::vector<LogRecord> Ledger::sync() {
  std::vector<LogRecord> synced;
  for (std::size_t i = durable_; i < entries_.size(); ++i) synced.push_back(entries_[i].record);
  const auto newest = std::find_if(entries_.rbegin(), entries_.rend(),
                                   [](const Entry& entry) { return entry.opens_segment; });
  if (newest != entries_.rend()) entries_.erase(entries_.begin(), newest.base() - 1);
  durable_ = entries_.size();
  return synced;
}

void Ledger::spoil_last() {
  if (durable_ == 0) return;
  lose_unsynced();
  entries_.pop_back();
  durable_ = entries_.size();
  spoiled_ = true;
}

Recovered Ledger::recover(bool torn, bool moved, bool restored) {
  Recovered recovered;
  recovered.ledger = id_;
  recovered.records = records();
  recovered.tail = std::exchange(spoiled_, false) || torn ? Tail::torn : Tail::clean;
  recovered.same_place = !moved;
  recovered.restored = restored;
  for (Entry& entry : entries_) entry.number = 0;
  return recovered;
}

// As coordinator/log does: what an earlier start had to be careful about, this one must be too.
EpochRecord Ledger::start(const Recovered& recovered, Uuid life, std::int64_t wall_ms) {
  constexpr Epoch kRestoredLeap = 1 << 20;
  EpochRecord start;
  for (const Entry& entry : entries_)
    if (const auto* earlier = std::get_if<EpochRecord>(&entry.record))
      if (earlier->epoch >= start.epoch) start = *earlier;
  start.epoch += 1 + (recovered.restored ? kRestoredLeap : 0);
  start.life = life;
  start.wall_ms = wall_ms;
  start.sequence = 0;
  if (recovered.tail == Tail::torn || !recovered.same_place || recovered.restored)
    start.careful_below = start.epoch;
  append(0, start);
  durable_ = entries_.size();
  return start;
}

std::vector<LogRecord> Ledger::records() const {
  std::vector<LogRecord> records;
  for (const Entry& entry : entries_) records.push_back(entry.record);
  return records;
}

Ledger Ledger::copy() const {
  Ledger copy = *this;
  copy.lose_unsynced();
  return copy;
}

std::set<TxId> Ledger::commits() const {
  std::set<TxId> found;
  for (const Entry& entry : entries_) {
    if (const auto* commit = std::get_if<CommitRecord>(&entry.record)) found.insert(commit->tx);
    if (const auto* decided = std::get_if<ResolutionRecord>(&entry.record))
      found.insert(decided->tx);
  }
  return found;
}

}  // namespace assent::scenarios
