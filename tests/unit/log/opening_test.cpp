#include "coordinator/log/ledger_reader.hpp"
#include "tests/unit/log/test_log.hpp"

using namespace assent;
using namespace assent::test;
using Catch::Matchers::Contains;

namespace {

// Commits first … last, each synced before the next.
void write(Start& started, Host& host, Sequence first, Sequence last) {
  for (Sequence i = first; i <= last; ++i) {
    REQUIRE(host.append_commit(*started.log, i));
    started.log->flush();
    started.log->work_off();
  }
  REQUIRE(host.durable == host.taken);
}

void write(MemoryDisk& disk, Sequence first, Sequence last,
           std::uint64_t segment_bytes = kSmallSegment) {
  Start started = start(disk, false, segment_bytes);
  Host host;
  started.log->start(host.callbacks());
  write(started, host, first, last);
}

std::string newest(const MemoryDisk& disk) {
  std::string name;
  for (const auto& [each, content] : disk.content())
    if (segment_number(each) != 0) name = each;
  return name;
}

std::string refusal(MemoryDisk& disk) {
  auto started = try_start(disk);
  REQUIRE_FALSE(started.has_value());
  const std::string message = started.error().message;
  REQUIRE(message.find('\n') == std::string::npos);
  return message;
}

}  // namespace

TEST_CASE("a ledger is made in an empty folder only, and never by a start") {
  MemoryDisk disk;
  CHECK_THAT(refusal(disk), Contains("init"));
  CHECK(disk.content().empty());
  init(disk);
  MemoryFiles files(disk);
  const auto again = init_ledger(files, kLedger, kSmallSegment);
  REQUIRE_FALSE(again.has_value());
  CHECK_THAT(again.error().message, Contains("not empty"));
}

TEST_CASE("each start raises the epoch, durably, and is a life of its own") {
  MemoryDisk disk;
  init(disk);
  Uuid life;
  for (Epoch epoch = 1; epoch <= 5; ++epoch) {
    const Start started = start(disk);
    CHECK(started.epoch.epoch == epoch);
    CHECK(started.epoch.life != life);
    CHECK(started.recovered.ledger == kLedger);
    CHECK(started.recovered.records.size() == epoch - 1);
    CHECK(started.recovered.same_place);
    CHECK(started.recovered.tail == Tail::clean);
    CHECK(started.epoch.careful_below == 0);
    life = started.epoch.life;
    disk.power_off();
  }
}

TEST_CASE("a restored ledger leaps over every epoch it may have forgotten") {
  MemoryDisk disk;
  init(disk);
  start(disk);
  const Start started = start(disk, true);
  CHECK(started.epoch.epoch == 2 + (1 << 20));
  CHECK(started.recovered.restored);
  CHECK(started.epoch.careful_below == started.epoch.epoch);
}

TEST_CASE("a start elsewhere says so, and later starts inherit the care") {
  MemoryDisk disk;
  init(disk);
  start(disk);
  const Place home = disk.place;
  for (const Place& elsewhere : {Place{"another machine", 1, 2}, Place{home.machine_id, 9, 2},
                                 Place{home.machine_id, 1, 9}, Place{"", 1, 2}}) {
    disk.place = elsewhere;
    const Start moved = start(disk);
    CHECK_FALSE(moved.recovered.same_place);
    CHECK(moved.epoch.careful_below == moved.epoch.epoch);
    CHECK(moved.epoch.place == elsewhere);
  }
  CHECK_FALSE(start(disk).recovered.same_place);  // a machine without a name is never the same
  disk.place = home;
  const Epoch epoch = start(disk).epoch.epoch;
  const Start again = start(disk);
  CHECK(again.recovered.same_place);
  CHECK(again.epoch.careful_below == epoch);
}

TEST_CASE("one process at a time") {
  MemoryDisk disk;
  init(disk);
  {
    const Start first = start(disk);
    CHECK_THAT(refusal(disk), Contains("in use by process 4711"));
  }
  start(disk);
}

TEST_CASE("a torn tail is reported once, and is not in the way afterwards") {
  MemoryDisk disk;
  init(disk);
  write(disk, 1, 9);
  const std::string name = newest(disk);
  std::string file = disk.content()[name];
  file[file.find_last_not_of('\0')] ^= 1;  // in the last record
  disk.put(name, file);
  {
    const Start started = start(disk);
    CHECK(started.recovered.tail == Tail::torn);
    CHECK(unfinished_in(started.recovered.records).size() == 8);
    CHECK(started.epoch.careful_below == started.epoch.epoch);
  }
  const Start again = start(disk);
  CHECK(again.recovered.tail == Tail::clean);
  CHECK(unfinished_in(again.recovered.records).size() == 8);
  CHECK(again.epoch.careful_below == again.epoch.epoch - 1);
}

TEST_CASE("damage before good records is refused, naming file and offset") {
  MemoryDisk disk;
  init(disk);
  write(disk, 1, 9);
  const std::string name = newest(disk);
  const std::string file = disk.content()[name];
  std::string damaged = file;
  damaged[kHeaderBytes + 3] ^= 1;  // the first record is in the opening
  disk.put(name, damaged);
  CHECK_THAT(refusal(disk), Contains("/disk/" + name + ", offset 80: a synced record is damaged"));
  damaged = file;
  damaged[20] ^= 1;
  disk.put(name, damaged);
  CHECK_THAT(refusal(disk), Contains("/disk/" + name + ", offset 0: its header is damaged"));
  CHECK(disk.content()[name] == damaged);
}

TEST_CASE("a segment of another ledger, or under another name, is refused") {
  MemoryDisk disk;
  init(disk);
  MemoryDisk other;
  {
    MemoryFiles files(other);
    REQUIRE(init_ledger(files, LedgerId{uuid(0xbb, 2)}, kSmallSegment).has_value());
  }
  start(other);
  disk.put("0000000000000002.log", other.content()["0000000000000002.log"]);
  CHECK_THAT(refusal(disk), Contains("0000000000000001.log, offset 16: it belongs to ledger " +
                                     to_string(kLedger)));
  disk.remove("0000000000000002.log");
  disk.put("0000000000000007.log", disk.content()["0000000000000001.log"]);
  CHECK_THAT(refusal(disk), Contains("0000000000000007.log, offset 32: it is segment"));
}

TEST_CASE("a long log is not written anew at each start, and none of it may be missing") {
  MemoryDisk disk;
  init(disk);
  write(disk, 1, 30, 16'384);  // fills more than half of a small segment
  const std::string first = newest(disk);
  REQUIRE(disk.content()[first].find_last_not_of('\0') > kSmallSegment / 2);
  for (int i = 0; i < 12; ++i) {
    disk.power_off();
    const Start started = start(disk);
    REQUIRE(unfinished_in(started.recovered.records).size() == 30);
  }
  CHECK(disk.content().count(first) == 1);
  // LOCK aside: the long one, the newest, and perhaps a spare.
  CHECK(disk.content().size() <= 3);
  write(disk, 31, 33);
  const Start started = start(disk);
  CHECK(unfinished_in(started.recovered.records).size() == 33);
}

TEST_CASE("of a long log only what must be repeated is kept in memory") {
  MemoryDisk disk;
  init(disk);
  write(disk, 1, 30, 16'384);
  start(disk);
  write(disk, 31, 60, 16'384);  // a second long segment after the first
  MemoryFiles files(disk);
  std::size_t seen = 0;
  const auto whole = read_ledger(files);
  const auto count = [&](const std::string&, std::uint64_t, const LogRecord&) { ++seen; };
  const auto bounded = read_ledger(files, count, kSmallSegment / 2);
  REQUIRE(whole.has_value());
  REQUIRE(bounded.has_value());
  CHECK(seen == whole->records.size());
  // Each commit was synced before the next was made: the last one alone is not known to be on disk.
  const LedgerSegment& last = bounded->chain.back();
  REQUIRE(last.end > kSmallSegment / 2);
  CHECK(bounded->records.size() < 4);
  CHECK(bounded->records.back() == whole->records.back());
  CHECK(whole->records.size() - whole->chain.back().first_doubtful ==
        bounded->records.size() - last.first_doubtful);
}

TEST_CASE("a missing segment is refused by name") {
  MemoryDisk disk;
  init(disk);
  write(disk, 1, 30, 16'384);
  const std::string first = newest(disk);
  start(disk);
  disk.remove(first);
  CHECK_THAT(refusal(disk), Contains("/disk/" + first + ": this segment is missing"));
}

TEST_CASE("a sealed segment is refused when its end is damaged") {
  MemoryDisk disk;
  init(disk);
  write(disk, 1, 30, 16'384);
  const std::string first = newest(disk);
  start(disk);
  std::string file = disk.content()[first];
  const auto header = std::get<SegmentHeader>(decode_header(disk.content()[newest(disk)]));
  REQUIRE(header.previous == segment_number(first));
  file[header.previous_end - 1] ^= 1;
  disk.put(first, file);
  CHECK_THAT(refusal(disk), Contains("/disk/" + first + ", offset "));
}

TEST_CASE("what only looked written after a failed sync is written anew before anyone is told") {
  MemoryDisk disk;
  init(disk);
  {
    Start started = start(disk);
    Host host;
    started.log->start(host.callbacks());
    write(started, host, 1, 3);
    REQUIRE(host.append_commit(*started.log, 4));
    started.log->flush();
    disk.fault = [](const std::string& what, const std::string&) {
      return what == "fdatasync" ? std::make_error_code(std::errc::io_error) : std::error_code{};
    };
    started.log->work_off();
    REQUIRE_FALSE(host.failure.empty());
    REQUIRE(host.durable == 3);
    disk.fault = {};
  }
  disk.kill();
  {
    const Start started = start(disk);  // the page cache still shows the fourth
    REQUIRE(unfinished_in(started.recovered.records).size() == 4);
  }
  disk.power_off();
  CHECK(unfinished_in(start(disk).recovered.records).size() == 4);
}

TEST_CASE("a record of a later release is refused, even where it is the last") {
  MemoryDisk disk;
  init(disk);
  start(disk);
  const std::string name = newest(disk);
  std::string file = disk.content()[name];
  const auto header = std::get<SegmentHeader>(decode_header(file));
  std::string frame;
  Framing(header).append(frame, header.opening_end, header.opening_end, 77, "from the future");
  file.replace(header.opening_end, frame.size(), frame);
  disk.put(name, file);
  CHECK_THAT(refusal(disk), Contains("does not know this record (kind 77)"));
}

TEST_CASE("a ledger that could not be made for want of room is made once there is some") {
  MemoryDisk disk;
  disk.room = 100;
  {
    MemoryFiles files(disk);
    const auto made = init_ledger(files, kLedger, kSmallSegment);
    REQUIRE_FALSE(made.has_value());
    CHECK_THAT(made.error().message, Contains("no room"));
  }
  disk.put("LOCK", "");  // of which a disk in memory knows nothing
  disk.room = ~0ull;
  init(disk);
  CHECK(start(disk).recovered.records.empty());
}

TEST_CASE("a start on a full disk is refused and harms nothing") {
  MemoryDisk disk;
  init(disk);
  write(disk, 1, 5);
  disk.room = 0;
  CHECK_THAT(refusal(disk), Contains("no room"));
  disk.room = ~0ull;
  CHECK(unfinished_in(start(disk).recovered.records).size() == 5);
}
