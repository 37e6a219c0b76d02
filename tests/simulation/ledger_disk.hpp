// A decision log on a disk that may be slow, full, fail a sync, and lose what was not synced.
#pragma once

#include <functional>
#include <vector>

#include "protocol/coordinator_machine.hpp"
#include "tests/simulation/world.hpp"

namespace assent::simulation {

class LedgerDisk {
 public:
  struct Host {
    std::function<void(RecordNumber)> on_durable;
    std::function<void()> on_failed;
    std::function<std::vector<LogRecord>()> snapshot;
  };
  enum class Crash : std::uint8_t {
    process,  // what was written stays
    machine,  // of what was not synced any beginning stays
  };

  LedgerDisk(World& world, LedgerId ledger) : world_(world), ledger_(ledger) {}

  // A start: what is found is made durable again before it is told. Adds this start's own record.
  Recovered open(Host host);
  void write_epoch(const EpochRecord& start);
  // The process is gone.
  void close(Crash crash);

  [[nodiscard]] bool append(RecordNumber number, const LogRecord& record);
  void flush();

  // What an operator's copy of the folder holds, and putting one back.
  LedgerDisk copy() const;
  void put_back(const LedgerDisk& copy);
  // The last durable record becomes unreadable, as if its write had been torn.
  void damage_last();
  std::set<TxId> commits() const;
  Epoch last_epoch() const;
  // From now on somebody else decides with a copy of this ledger.
  void compete() { competed_ = true; }
  bool competed() const { return competed_; }

  bool full = false;
  bool fail_next_sync = false;
  bool slow = false;
  bool moved = false;     // the next start finds itself elsewhere
  bool restored = false;  // … and the operator says so

 private:
  struct Entry {
    bool snapshot = false;  // stands for all before it
    RecordNumber number = 0;
    std::vector<LogRecord> records;
  };
  void start_sync();
  void synced(std::size_t up_to);
  std::vector<LogRecord> readable() const;

  World& world_;
  LedgerId ledger_;
  Host host_;
  std::uint64_t life_ = 0;  // of the process that has it open
  bool open_ = false;
  bool syncing_ = false;
  bool torn_ = false;
  bool competed_ = false;
  std::vector<Entry> taken_;    // not handed over yet
  std::vector<Entry> written_;  // in the order of the file
  std::size_t durable_ = 0;     // of written_
  std::size_t base_ = 0;        // entries deleted from the front of written_
};

}  // namespace assent::simulation
