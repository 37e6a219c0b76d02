#include "tests/simulation/ledger_disk.hpp"

#include <algorithm>
#include <iterator>

namespace assent::simulation {

std::vector<LogRecord> LedgerDisk::readable() const {
  std::size_t first = 0;
  for (std::size_t i = 0; i < written_.size(); ++i)
    if (written_[i].snapshot) first = i;
  std::vector<LogRecord> records;
  for (std::size_t i = first; i < written_.size(); ++i)
    records.insert(records.end(), written_[i].records.begin(), written_[i].records.end());
  return records;
}

Recovered LedgerDisk::open(Host host) {
  host_ = std::move(host);
  ++life_;
  open_ = true;
  syncing_ = false;
  taken_.clear();
  durable_ = written_.size();
  Recovered recovered;
  recovered.ledger = ledger_;
  recovered.records = readable();
  recovered.tail = std::exchange(torn_, false) ? Tail::torn : Tail::clean;
  recovered.same_place = !std::exchange(moved, false);
  recovered.restored = std::exchange(restored, false);
  for (const LogRecord& record : recovered.records)
    world_.observer.record_durable(record, competed_);
  return recovered;
}

void LedgerDisk::write_epoch(const EpochRecord& start) {
  written_.push_back({false, 0, {start}});
  durable_ = written_.size();
}

void LedgerDisk::close(Crash crash) {
  open_ = false;
  ++life_;
  taken_.clear();
  if (crash == Crash::process || written_.size() == durable_) return;
  const std::size_t kept = durable_ + world_.random.below(written_.size() - durable_ + 1);
  torn_ = kept < written_.size() && world_.random.percent(50);
  written_.resize(kept);
}

bool LedgerDisk::append(RecordNumber number, const LogRecord& record) {
  if (full) return false;
  taken_.push_back({false, number, {record}});
  return true;
}

void LedgerDisk::flush() {
  if (taken_.empty()) return;
  const RecordNumber last = taken_.back().number;
  std::move(taken_.begin(), taken_.end(), std::back_inserter(written_));
  taken_.clear();
  if (world_.random.percent(4)) written_.push_back({true, last, host_.snapshot()});
  if (!syncing_) start_sync();
}

void LedgerDisk::start_sync() {
  syncing_ = true;
  const std::size_t up_to = base_ + written_.size();
  const Micros takes = slow ? world_.latency(50'000, 3'000'000) : world_.latency(80, 20'000);
  world_.scheduler.after(takes, [this, up_to, life = life_] {
    if (life == life_) synced(up_to);
  });
}

void LedgerDisk::synced(std::size_t up_to) {
  syncing_ = false;
  if (std::exchange(fail_next_sync, false)) {
    world_.count_fault("sync_failed");
    world_.say("the sync of the ledger failed");
    if (world_.plant != Plant::failed_sync_ignored) return host_.on_failed();
    const RecordNumber last = written_.back().number;
    written_.resize(durable_);  // the kernel has dropped the dirty pages
    if (last != 0) host_.on_durable(last);
    return;
  }
  RecordNumber number = 0;
  std::size_t newest_snapshot = 0;
  for (std::size_t i = durable_; i < up_to - base_; ++i) {
    number = written_[i].number;
    if (written_[i].snapshot) newest_snapshot = i;
    if (written_[i].snapshot) continue;
    for (const LogRecord& record : written_[i].records)
      world_.observer.record_durable(record, competed_);
  }
  durable_ = up_to - base_;
  if (newest_snapshot != 0) {
    written_.erase(written_.begin(), written_.begin() + static_cast<long>(newest_snapshot));
    base_ += newest_snapshot;
    durable_ -= newest_snapshot;
  }
  if (durable_ < written_.size()) start_sync();
  host_.on_durable(number);
}

LedgerDisk LedgerDisk::copy() const {
  LedgerDisk copy(world_, ledger_);
  copy.written_.assign(written_.begin(), written_.begin() + static_cast<long>(durable_));
  copy.durable_ = durable_;
  return copy;
}

void LedgerDisk::put_back(const LedgerDisk& copy) {
  written_ = copy.written_;
  durable_ = written_.size();
  base_ = 0;
  torn_ = false;
  taken_.clear();
}

void LedgerDisk::damage_last() {
  if (written_.size() < 2 || written_.back().snapshot) return;
  written_.pop_back();
  durable_ = std::min(durable_, written_.size());
  torn_ = true;
}

std::set<TxId> LedgerDisk::commits() const {
  std::set<TxId> result;
  for (const LogRecord& record : readable())
    if (const auto* commit = std::get_if<CommitRecord>(&record)) result.insert(commit->tx);
  return result;
}

Epoch LedgerDisk::last_epoch() const {
  Epoch last = 0;
  for (const LogRecord& record : readable())
    if (const auto* start = std::get_if<EpochRecord>(&record)) last = std::max(last, start->epoch);
  return last;
}

}  // namespace assent::simulation
