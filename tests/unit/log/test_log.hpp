// Records, a host and a whole ledger on a disk in memory, for the tests of the log.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/memory_files.hpp"
#include "tests/support/stepped_log.hpp"

namespace assent::test {

inline constexpr std::uint64_t kSmallSegment = 4096;

inline Uuid uuid(std::uint8_t high, std::uint64_t low) {
  Uuid id;
  id.bytes[0] = high;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(low >> (8 * i));
  return id;
}

inline const LedgerId kLedger{uuid(0xaa, 1)};

// The commit with this sequence number, always the same for the same number.
inline CommitRecord commit(Sequence sequence) {
  CommitRecord record;
  record.tx = TxId{uuid(1, sequence)};
  record.epoch = 7;
  record.sequence = sequence;
  record.branches = {{"orders", 1000 + sequence, {7'411'111'111'111'111'111u, 1, "shop"}},
                     {"stock", 2000 + sequence, {7'422'222'222'222'222'222u, 3, "store"}}};
  if (sequence % 2 == 0) record.key = RequestKey{{1, 2, 3}, {4, 5, 6}};
  record.labels = std::string(sequence % 5, 'x');
  record.wall_ms = 1'700'000'000'000 + static_cast<std::int64_t>(sequence);
  return record;
}

inline EndRecord end_of(Sequence sequence) {
  return {TxId{uuid(1, sequence)}, sequence, {{"orders", sequence}, {"stock", sequence}}};
}

// Stands in for the coordinator: remembers what it asked for, and what it was told of.
struct Host {
  RecordNumber taken = 0;
  RecordNumber durable = 0;
  std::vector<EpochRecord> starts;
  std::map<Sequence, CommitRecord> unfinished;  // as asked for, durable or not
  std::map<RecordNumber, Sequence> commits;     // record numbers
  std::string failure;
  std::size_t snapshots = 0;

  LogHost callbacks() {
    return {[](const std::function<void()>& function) { function(); },
            [this](RecordNumber up_to) {
              REQUIRE(up_to > durable);
              REQUIRE(up_to <= taken);
              durable = up_to;
            },
            [this](std::string what) { failure = std::move(what); },
            [this] {
              ++snapshots;
              std::vector<LogRecord> records(starts.begin(), starts.end());
              for (const auto& [sequence, record] : unfinished) records.push_back(record);
              return records;
            }};
  }
  bool append_commit(DecisionLog& log, Sequence sequence) {
    ++taken;
    if (!log.append(taken, commit(sequence))) return false;
    unfinished[sequence] = commit(sequence);
    commits[taken] = sequence;
    return true;
  }
  bool append_end(DecisionLog& log, Sequence sequence) {
    ++taken;
    if (!log.append(taken, end_of(sequence))) return false;
    unfinished.erase(sequence);
    return true;
  }
  std::set<Sequence> durable_commits() const {
    std::set<Sequence> all;
    for (const auto& [number, sequence] : commits)
      if (number <= durable) all.insert(sequence);
    return all;
  }
};

// One start of a coordinator on a disk.
struct Start {
  std::unique_ptr<MemoryFiles> files;
  Recovered recovered;
  EpochRecord epoch;
  std::unique_ptr<SteppedLog> log;  // after files: goes first
};

inline void init(MemoryDisk& disk, std::uint64_t segment_bytes = kSmallSegment) {
  MemoryFiles files(disk);
  REQUIRE(init_ledger(files, kLedger, segment_bytes).has_value());
}

inline LogResult<Start> try_start(MemoryDisk& disk, bool restored = false,
                                  std::uint64_t segment_bytes = kSmallSegment) {
  Start start;
  start.files = std::make_unique<MemoryFiles>(disk);
  std::vector<LogRecord> records;
  auto opened =
      open_ledger(*start.files, {segment_bytes, restored, 5, uuid(2, disk.operations + 1),
                                 [&](const LogRecord& record) { records.push_back(record); }});
  if (!opened) return opened.error();
  start.recovered = opened->recovered;
  start.recovered.records = std::move(records);
  start.epoch = opened->start;
  start.log = std::make_unique<SteppedLog>(*std::move(opened), segment_bytes);
  return start;
}

inline Start start(MemoryDisk& disk, bool restored = false,
                   std::uint64_t segment_bytes = kSmallSegment) {
  auto started = try_start(disk, restored, segment_bytes);
  if (!started) FAIL(started.error().message);
  return *std::move(started);
}

// What is recovered and not ended; each must be what was once written.
inline std::set<Sequence> unfinished_in(const std::vector<LogRecord>& records) {
  std::set<Sequence> found;
  for (const LogRecord& record : records) {
    if (const auto* one = std::get_if<CommitRecord>(&record)) {
      REQUIRE(*one == commit(one->sequence));
      found.insert(one->sequence);
    }
    if (const auto* end = std::get_if<EndRecord>(&record)) found.erase(end->sequence);
  }
  return found;
}

}  // namespace assent::test
