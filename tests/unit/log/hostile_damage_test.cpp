// A ledger of 200 records, cut at every length and damaged in every byte. What a reader says then
// is exactly the records before the damage and that the tail is torn (which makes the coordinator
// ask the participants), or a refusal with file and offset.
#include <algorithm>

#include "coordinator/log/ledger_reader.hpp"
#include "coordinator/log/scan.hpp"
#include "tests/unit/log/test_log.hpp"

using namespace assent;
using namespace assent::test;

namespace {

constexpr std::size_t kRecords = 200;
constexpr std::size_t kBatch = 2;  // records to a sync
constexpr std::uint64_t kSegment = 16 * 1024;

// Small, so that every byte's turn comes in seconds.
CommitRecord small_commit(Sequence sequence) {
  return {TxId{uuid(1, sequence)}, 7, sequence, {{"a", sequence, {1, 1, "d"}}}, {}, {}, 0};
}
EndRecord small_end(Sequence sequence) {
  return {TxId{uuid(1, sequence)}, sequence, {}};
}

// One start, then commits and ends in turn, in one segment.
struct Ledger {
  Ledger() {
    init(disk, kSegment);
    Start started = start(disk, false, kSegment);
    Host host;
    started.log->start(host.callbacks());
    for (Sequence i = 1; i <= kRecords / 2; ++i) {
      REQUIRE(started.log->append(++host.taken, small_commit(i)));
      REQUIRE(started.log->append(++host.taken, small_end(i)));
      started.log->flush();
      started.log->work_off();
    }
    REQUIRE(host.durable == kRecords);
    REQUIRE(host.snapshots == 0);
    disk.remove("spare");
    const auto content = disk.content();
    REQUIRE(content.size() == 1);
    name = content.begin()->first;
    file = content.begin()->second;
    MemoryFiles files(disk);
    const auto whole =
        read_ledger(files, [this](const std::string&, std::uint64_t at, const LogRecord& record) {
          offsets.push_back(at);
          records.push_back(record);
        });
    REQUIRE(whole.has_value());
    REQUIRE(records.size() == kRecords + 1);  // with the start's own
    offsets.push_back(whole->chain.back().end);
  }

  LogResult<LedgerContents> read_with(std::string damaged) {
    disk.put(name, std::move(damaged));
    MemoryFiles files(disk);
    return read_ledger(files);
  }

  // The record in which the byte lies; records.size(): in the zeros after the last.
  std::size_t record_at(std::uint64_t at) const {
    const auto next = std::upper_bound(offsets.begin(), offsets.end(), at);
    return static_cast<std::size_t>(next - offsets.begin()) - 1;
  }
  bool holds_first(const std::vector<LogRecord>& found, std::size_t count) const {
    return found.size() == count && std::equal(found.begin(), found.end(), records.begin());
  }
  std::string place(std::uint64_t offset) const {
    return "/disk/" + name + ", offset " + std::to_string(offset) + ": ";
  }

  MemoryDisk disk;
  std::string name;
  std::string file;
  std::vector<LogRecord> records;
  std::vector<std::uint64_t> offsets;  // of each record, and of the end
};

bool refused_at(const LogResult<LedgerContents>& read, const std::string& place) {
  return !read && read.error().message.starts_with(place);
}

}  // namespace

TEST_CASE("a ledger cut at every length gives the records before the cut, or is refused") {
  Ledger log;
  std::size_t cuts = 0;
  // Beyond the last record only zeros go: a few lengths stand for all.
  for (std::uint64_t length = 0; length < log.offsets.back() + 600; ++length, ++cuts) {
    const auto read = log.read_with(log.file.substr(0, length));
    INFO("cut at " << length);
    if (length < kHeaderBytes) {
      if (!refused_at(read, log.place(0))) FAIL("a header cut short was taken");
    } else if (length < log.offsets[1]) {  // the start itself: on disk before the file's name
      if (!refused_at(read, log.place(kHeaderBytes))) FAIL("an opening cut short was taken");
    } else {
      const std::size_t whole = log.record_at(length);
      if (!read || !log.holds_first(read->records, whole) || read->tail != Tail::torn)
        FAIL("not the records before the cut, with a torn tail");
    }
  }
  CHECK(cuts == log.offsets.back() + 600);
}

TEST_CASE("a ledger damaged in any byte gives the records before it, or is refused") {
  Ledger log;
  const std::size_t last_batch = log.records.size() - kBatch;
  std::string file = log.file;
  for (std::uint64_t at = 0; at < log.offsets.back() + 600; ++at) {
    file[at] = static_cast<char>(file[at] ^ 0xff);
    const auto read = log.read_with(file);
    file[at] = log.file[at];
    INFO("byte " << at);
    if (at < kHeaderBytes) {
      if (!refused_at(read, log.place(0))) FAIL("a damaged header was taken");
      continue;
    }
    const std::size_t record = log.record_at(at);
    if (record < last_batch) {
      if (!refused_at(read, log.place(log.offsets[record]))) FAIL("damage was taken for an end");
    } else if (!read || !log.holds_first(read->records, record) || read->tail != Tail::torn) {
      FAIL("not the records before the damage, with a torn tail");
    }
  }
}

// The same bit by bit, without making values of the records again and again.
TEST_CASE("every flipped bit is seen where it is") {
  Ledger log;
  const auto header = std::get<SegmentHeader>(decode_header(log.file));
  const std::size_t last_batch = log.records.size() - kBatch;
  std::string file = log.file;
  std::uint64_t flips = 0;
  for (std::uint64_t bit = 0; bit < 8 * log.offsets.back(); ++bit, ++flips) {
    const std::uint64_t at = bit / 8;
    file[at] = static_cast<char>(file[at] ^ (1 << bit % 8));
    if (at < kHeaderBytes) {
      if (std::holds_alternative<SegmentHeader>(decode_header(file))) FAIL("bit " << bit);
    } else {
      const SegmentScan scan =
          scan_segment(file, file.size(), header, {}, [](const Framing::Frame&) {});
      const std::size_t record = log.record_at(at);
      if (scan.end != log.offsets[record] || scan.damage.has_value() != (record < last_batch) ||
          (!scan.damage && scan.tail != Tail::torn))
        FAIL("bit " << bit);
    }
    file[at] = log.file[at];
  }
  CHECK(flips == 8 * log.offsets.back());
}

TEST_CASE("a damaged last batch makes the next start careful, whatever byte it is") {
  Ledger log;
  const std::size_t last_batch = log.records.size() - kBatch;
  for (std::uint64_t at = log.offsets[last_batch]; at < log.offsets.back(); ++at) {
    std::string file = log.file;
    file[at] = static_cast<char>(file[at] ^ 0xff);
    MemoryDisk disk;
    disk.put(log.name, std::move(file));
    const Start started = start(disk, false, kSegment);
    INFO("byte " << at);
    CHECK(log.holds_first(started.recovered.records, log.record_at(at)));
    CHECK(started.recovered.tail == Tail::torn);
    CHECK(started.epoch.careful_below == started.epoch.epoch);
  }
}
