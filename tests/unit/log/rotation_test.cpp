#include "tests/unit/log/test_log.hpp"

using namespace assent;
using namespace assent::test;

namespace {

struct Running {
  explicit Running(MemoryDisk& disk) : started(start(disk)) {
    host.starts.push_back(started.epoch);
    started.log->start(host.callbacks());
    started.log->work_off();
  }
  SteppedLog& log() { return *started.log; }
  void turn() {
    log().flush();
    log().work_off();
  }
  Start started;
  Host host;
};

std::size_t segments(const MemoryDisk& disk) {
  std::size_t count = 0;
  for (const auto& [name, content] : disk.content()) count += segment_number(name) != 0;
  return count;
}

}  // namespace

TEST_CASE("old segments go, unfinished commits stay") {
  MemoryDisk disk;
  init(disk);
  Running running(disk);
  for (Sequence i = 1; i <= 500; ++i) {
    REQUIRE(running.host.append_commit(running.log(), i));
    running.turn();
    if (i % 50 != 0) {
      REQUIRE(running.host.append_end(running.log(), i));
      running.turn();
    }
    REQUIRE(segments(disk) == 1);
  }
  REQUIRE(running.host.snapshots > 10);
  REQUIRE(running.host.durable == running.host.taken);
  disk.power_off();
  Start again = start(disk);
  std::set<Sequence> expected;
  for (Sequence i = 50; i <= 500; i += 50) expected.insert(i);
  CHECK(unfinished_in(again.recovered.records) == expected);
  CHECK(again.epoch.epoch == 2);
}

TEST_CASE("a snapshot that does not fit gets a larger segment") {
  MemoryDisk disk;
  init(disk);
  Running running(disk);
  for (Sequence i = 1; i <= 300; ++i) {
    REQUIRE(running.host.append_commit(running.log(), i));
    running.turn();
  }
  // Growing by half at least each time: the log does not repeat itself over and over.
  CHECK(running.host.snapshots < 30);
  disk.power_off();
  CHECK(unfinished_in(start(disk).recovered.records).size() == 300);
}

TEST_CASE("after a small segment the next ones grow to what is configured") {
  SegmentHeader small;
  small.size = 65'536;
  small.opening_end = kHeaderBytes;
  GroupCommit commit(small, 1 << 20);
  std::deque<LogJob> queue;
  commit.begin(queue);
  std::vector<std::uint64_t> sizes;
  const auto take = [&] {
    for (const LogJob& job : std::exchange(queue, {}))
      if (const auto* wish = std::get_if<MakeSpare>(&job)) {
        sizes.push_back(wish->size);
        LogProgress ready;
        ready.spare = wish->size;
        commit.done(ready);
      }
  };
  take();
  for (RecordNumber number = 1; sizes.size() < 4; ++number) {
    REQUIRE(commit.append(number, test::commit(number)));
    commit.flush(queue, [] { return std::vector<LogRecord>{}; });
    take();
  }
  CHECK(sizes == std::vector<std::uint64_t>{262'144, 1 << 20, 1 << 20, 1 << 20});
}

TEST_CASE("records wait in one batch while another is being synced") {
  MemoryDisk disk;
  init(disk);
  Running running(disk);
  const auto operations = disk.operations;
  for (Sequence i = 1; i <= 5; ++i) {
    REQUIRE(running.host.append_commit(running.log(), i));
    running.log().flush();
    CHECK(running.host.durable == 0);
  }
  running.log().work_off();
  CHECK(running.host.durable == 5);
  CHECK(disk.operations == operations + 2);  // one write, one sync
}

TEST_CASE("a full disk refuses records without a trace, and all is well when there is room again") {
  MemoryDisk disk;
  init(disk);
  Running running(disk);
  // The spare there is gets used up, and another one does not fit.
  disk.room = 2 * kSmallSegment + 100;
  std::set<Sequence> refused;
  Sequence next = 1;
  for (; refused.size() < 3; ++next) {
    REQUIRE(next < 1000);
    if (!running.host.append_commit(running.log(), next)) refused.insert(next);
    running.turn();
  }
  CHECK(running.host.failure.empty());
  const std::set<Sequence> durable = running.host.durable_commits();
  CHECK(durable.size() == next - 1 - refused.size());

  SECTION("what was refused is not there after a restart") {
    disk.power_off();
    disk.room = ~0ull;
    CHECK(unfinished_in(start(disk).recovered.records) == durable);
  }
  SECTION("it goes on once there is room") {
    disk.room = ~0ull;
    running.turn();  // makes the spare
    running.turn();  // opens it, and asks for a larger one where the snapshot wants it
    running.turn();
    for (int i = 0; i < 50; ++i, ++next) {
      REQUIRE(running.host.append_commit(running.log(), next));
      running.turn();
    }
    CHECK(running.host.durable_commits().size() == durable.size() + 50);
    disk.power_off();
    CHECK(unfinished_in(start(disk).recovered.records) == running.host.durable_commits());
  }
}

TEST_CASE("a record too large for any frame is refused") {
  MemoryDisk disk;
  init(disk);
  Running running(disk);
  CommitRecord record = commit(1);
  record.labels.assign(kMaxPayloadBytes, 'x');
  CHECK_FALSE(running.log().append(1, record));
}

TEST_CASE("a failed write or sync ends the log at once and is never tried again") {
  for (const std::string failing : {"pwrite", "fdatasync"}) {
    MemoryDisk disk;
    init(disk);
    Running running(disk);
    REQUIRE(running.host.append_commit(running.log(), 1));
    running.turn();
    disk.fault = [&](const std::string& what, const std::string&) {
      return what == failing ? std::make_error_code(std::errc::io_error) : std::error_code{};
    };
    REQUIRE(running.host.append_commit(running.log(), 2));
    running.turn();
    CHECK_THAT(running.host.failure, Catch::Matchers::Contains("/disk/"));
    CHECK(running.host.durable == 1);
    disk.fault = {};
    const auto operations = disk.operations;
    CHECK_FALSE(running.log().append(9, commit(3)));
    running.turn();
    CHECK(disk.operations == operations);
    CHECK(running.host.durable == 1);
  }
}
