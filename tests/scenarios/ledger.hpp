// A decision log as a list of records with a mark: up to here they are on disk.
#pragma once

#include <set>
#include <vector>

#include "protocol/coordinator_machine.hpp"

namespace assent::scenarios {

class Ledger {
 public:
  explicit Ledger(LedgerId id) : id_(id) {}

  void append(RecordNumber number, const LogRecord& record) {
    entries_.push_back({number, record, false});
  }
  // A new segment opens with these; what is older goes when they are on disk.
  void rotate(const std::vector<LogRecord>& snapshot);
  // What became durable; and the number of the last of all.
  std::vector<LogRecord> sync();
  RecordNumber last_number() const { return entries_.empty() ? 0 : entries_.back().number; }
  bool is_synced() const { return durable_ == entries_.size(); }

  // The process ended: what was written stays. Or its machine did: what was not synced is lost.
  void keep_written() { durable_ = entries_.size(); }
  void lose_unsynced() { entries_.resize(durable_); }
  // The last record on disk is spoiled; a start takes it for one that was never finished.
  void spoil_last();
  // What a start reads, and the record that this start writes before anything else.
  Recovered recover(bool torn, bool moved, bool restored);
  EpochRecord start(const Recovered& recovered, Uuid life, std::int64_t wall_ms);

  std::vector<LogRecord> records() const;
  // The durable part.
  Ledger copy() const;
  std::set<TxId> commits() const;
  std::size_t durable() const { return durable_; }

  bool full = false;
  bool competed = false;  // somebody else rules with a copy of it

 private:
  struct Entry {
    RecordNumber number = 0;
    LogRecord record;
    bool opens_segment = false;
  };

  LedgerId id_;
  std::vector<Entry> entries_;
  std::size_t durable_ = 0;
  bool spoiled_ = false;
};

}  // namespace assent::scenarios
