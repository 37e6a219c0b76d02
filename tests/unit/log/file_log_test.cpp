// The log as it runs: real files, its own thread.
#include "coordinator/log/file_log.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <stdlib.h>
#include <unistd.h>

#include "coordinator/log/inspection.hpp"
#include "coordinator/log/posix_files.hpp"
#include "tests/unit/log/test_log.hpp"

using namespace assent;
using namespace assent::test;
using namespace std::chrono_literals;

namespace {

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "assent-log-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name + "/ledger";
    base = name;
  }
  ~Folder() { std::filesystem::remove_all(base); }
  std::string base;
  std::string path;
};

// The I/O thread of a host: the thread that calls run_until.
class Loop {
 public:
  void post(std::function<void()> function) {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(function));
    wake_.notify_one();
  }
  bool run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!done()) {
      std::unique_lock lock(mutex_);
      if (!wake_.wait_until(lock, deadline, [this] { return !posted_.empty(); })) return false;
      auto turn = std::exchange(posted_, {});
      lock.unlock();
      for (auto& function : turn) function();
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> posted_;
};

LogHost callbacks(Host& host, Loop& loop) {
  LogHost made = host.callbacks();
  made.post = [&loop](std::function<void()> function) { loop.post(std::move(function)); };
  return made;
}

FileLog::Opened open(const FileLogOptions& options) {
  std::vector<LogRecord> records;
  auto opened = FileLog::open(options, [&](const LogRecord& record) { records.push_back(record); });
  if (!opened) FAIL(opened.error().message);
  opened->recovered.records = std::move(records);
  return *std::move(opened);
}

// Keeps `waiting` records under way until `count` are durable.
void commit_many(DecisionLog& log, Host& host, Loop& loop, std::uint64_t waiting,
                 RecordNumber count) {
  const CommitRecord record = commit(6);
  const auto fill = [&] {
    while (host.taken < count && host.taken < host.durable + waiting)
      REQUIRE(log.append(++host.taken, record));
    log.flush();
  };
  REQUIRE(loop.run_until([&] {
    fill();
    return host.durable == count;
  }));
}

}  // namespace

TEST_CASE("records are durable on real files, over segments and restarts") {
  Folder folder;
  const FileLogOptions options{folder.path, kMinSegmentBytes, false};
  const auto ledger = FileLog::init(options);
  REQUIRE(ledger.has_value());
  {
    Loop loop;
    Host host;
    auto opened = open(options);
    CHECK(opened.recovered.ledger == *ledger);
    host.starts.push_back(opened.start);
    opened.log->start(callbacks(host, loop));
    for (Sequence i = 1; i <= 3000; ++i) {
      REQUIRE(host.append_commit(*opened.log, i));
      if (i % 100 != 0) REQUIRE(host.append_end(*opened.log, i));
      if (i % 7 != 0) continue;
      opened.log->flush();
      REQUIRE(loop.run_until([&] { return host.durable + 50 > host.taken; }));
    }
    opened.log->flush();
    REQUIRE(loop.run_until([&] { return host.durable == host.taken; }));
    CHECK(host.snapshots > 3);
  }
  const auto again = open(options);
  CHECK(again.start.epoch == 2);
  CHECK(again.recovered.same_place == std::filesystem::exists("/etc/machine-id"));
  CHECK(unfinished_in(again.recovered.records).size() == 30);

  std::size_t seen = 0;
  const auto verified = verify_log(
      folder.path, {}, [&](const std::string& file, std::uint64_t offset, const LogRecord&) {
        CHECK(file.substr(0, folder.path.size()) == folder.path);
        CHECK(offset >= kHeaderBytes);
        ++seen;
      });
  REQUIRE(verified.has_value());
  CHECK(seen == verified->records.size());
}

TEST_CASE("a log that has stopped has written what was flushed, and posts no more") {
  Folder folder;
  const FileLogOptions options{folder.path, kMinSegmentBytes, false};
  REQUIRE(FileLog::init(options).has_value());
  {
    Host host;
    auto opened = open(options);
    host.starts.push_back(opened.start);
    std::atomic<bool> gone = false;
    std::atomic<int> late = 0;
    std::vector<std::function<void()>> posted;
    LogHost made = host.callbacks();
    made.post = [&](std::function<void()> function) {
      if (gone)
        ++late;
      else
        posted.push_back(std::move(function));
    };
    opened.log->start(std::move(made));
    REQUIRE(host.append_commit(*opened.log, 1));
    opened.log->flush();
    opened.log->stop();
    gone = true;
    REQUIRE(!posted.empty());
    for (const auto& function : posted) function();
    CHECK(host.durable == 0);  // nobody is told any more
    opened.log.reset();
    CHECK(late == 0);
  }
  CHECK(unfinished_in(open(options).recovered.records) == std::set<Sequence>{1});
}

TEST_CASE("zeros within a file are read, those at its end may be left out") {
  Folder folder;
  std::filesystem::create_directory(folder.path);
  std::string written(5 << 20, '\0');
  written[0] = 'a';
  written[(3 << 20) - 1] = 'b';
  std::ofstream(folder.path + "/file") << written;
  PosixFiles files(folder.path);
  std::string content;
  std::uint64_t size = 0;
  REQUIRE_FALSE(files.read("file", std::numeric_limits<std::uint64_t>::max(), content, size));
  CHECK(size == written.size());
  CHECK(content.size() == 3 << 20);
  CHECK((content == written.substr(0, content.size())));
  REQUIRE_FALSE(files.read("file", 2, content, size));
  CHECK(content == std::string("a\0", 2));
  CHECK(size == written.size());
}

TEST_CASE("init makes the folder, and refuses one that holds anything") {
  Folder folder;
  REQUIRE(FileLog::init({folder.path}).has_value());
  CHECK_FALSE(FileLog::init({folder.path}).has_value());
  std::filesystem::create_directory(folder.base + "/other");
  std::ofstream(folder.base + "/other/note") << "mine";
  const auto refused = FileLog::init({folder.base + "/other"});
  REQUIRE_FALSE(refused.has_value());
  CHECK_THAT(refused.error().message, Catch::Matchers::Contains("not empty (note)"));
  CHECK_FALSE(FileLog::init({folder.base + "/third", 100}).has_value());
  const auto nothing = FileLog::open({folder.base + "/nothing"});
  REQUIRE_FALSE(nothing.has_value());
  CHECK_THAT(nothing.error().message, Catch::Matchers::Contains("No such file"));
  CHECK_FALSE(std::filesystem::exists(folder.base + "/nothing"));
}

TEST_CASE("a second process is refused by the first one's number") {
  Folder folder;
  REQUIRE(FileLog::init({folder.path, kMinSegmentBytes}).has_value());
  const auto first = open({folder.path, kMinSegmentBytes});
  const auto second = FileLog::open({folder.path, kMinSegmentBytes});
  REQUIRE_FALSE(second.has_value());
  CHECK_THAT(second.error().message,
             Catch::Matchers::Contains("in use by process " + std::to_string(::getpid())));
}

TEST_CASE("the log thread reports a failed sync, once, and does nothing more") {
  MemoryDisk disk;
  init(disk, kMinSegmentBytes);
  Loop loop;
  Host host;
  auto opened = FileLog::open({"/disk", kMinSegmentBytes}, std::make_unique<MemoryFiles>(disk));
  REQUIRE(opened.has_value());
  std::atomic<int> faults{0};
  disk.fault = [&](const std::string& what, const std::string& name) {
    if (what != "fdatasync" || name == "spare") return std::error_code{};
    ++faults;
    return std::make_error_code(std::errc::io_error);
  };
  opened->log->start(callbacks(host, loop));
  REQUIRE(host.append_commit(*opened->log, 1));
  opened->log->flush();
  REQUIRE(loop.run_until([&] { return !host.failure.empty(); }));
  CHECK_FALSE(host.append_commit(*opened->log, 2));
  opened->log->flush();
  opened->log.reset();
  CHECK(faults == 1);
  CHECK(host.durable == 0);
}

TEST_CASE("the log thread tries again for room by itself") {
  MemoryDisk disk;
  init(disk, kMinSegmentBytes);
  Loop loop;
  Host host;
  auto opened = FileLog::open({"/disk", kMinSegmentBytes}, std::make_unique<MemoryFiles>(disk));
  REQUIRE(opened.has_value());
  std::atomic<bool> full{true};
  disk.fault = [&](const std::string& what, const std::string& name) {
    return full && what == "pwrite" && name == "spare"
               ? std::make_error_code(std::errc::no_space_on_device)
               : std::error_code{};
  };
  opened->log->start(callbacks(host, loop));
  Sequence next = 1;
  while (host.append_commit(*opened->log, next)) opened->log->flush(), ++next;
  REQUIRE(loop.run_until([&] { return host.durable == host.taken - 1; }));
  const Sequence refused = next;
  for (Sequence i = 1; i < refused; ++i) host.unfinished.erase(i);
  full = false;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!host.append_commit(*opened->log, ++next)) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    opened->log->flush();
    loop.run_until([&, first = true]() mutable { return !std::exchange(first, false); });
  }
  CHECK(host.failure.empty());
  opened->log->flush();
  REQUIRE(loop.run_until([&] { return host.durable == host.taken; }));
}

TEST_CASE("bench: durable records a second", "[.bench]") {
  for (const std::uint64_t waiting : {1, 8, 32, 64, 256}) {
    Folder folder;
    REQUIRE(FileLog::init({folder.path}).has_value());
    Loop loop;
    Host host;
    auto opened = open({folder.path});
    host.starts.push_back(opened.start);
    opened.log->start(callbacks(host, loop));
    const RecordNumber count = waiting * 2000;
    const auto begin = std::chrono::steady_clock::now();
    commit_many(*opened.log, host, loop, waiting, count);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    WARN(waiting << " waiting: " << static_cast<long>(count / took.count()) << " records/s, "
                 << host.snapshots << " segments opened");
  }
}

TEST_CASE("bench: start with a log of 100 MB", "[.bench]") {
  Folder folder;
  const FileLogOptions large{folder.path, 110 << 20, false};
  REQUIRE(FileLog::init(large).has_value());
  {
    Loop loop;
    Host host;
    auto opened = open(large);
    opened.log->start(callbacks(host, loop));
    commit_many(*opened.log, host, loop, 5000, 560'000);
  }
  for (int i = 0; i < 3; ++i) {
    auto begin = std::chrono::steady_clock::now();
    PosixFiles files(folder.path);
    const auto read = read_ledger(files);
    REQUIRE(read.has_value());
    const std::chrono::duration<double> reading = std::chrono::steady_clock::now() - begin;
    std::uint64_t bytes = 0;
    for (const auto& segment : read->chain) bytes += segment.end;
    begin = std::chrono::steady_clock::now();
    const auto opened = open({folder.path});
    const std::chrono::duration<double> opening = std::chrono::steady_clock::now() - begin;
    WARN(bytes / 1000000 << " MB: read in " << reading.count() << " s ("
                         << static_cast<double>(bytes) / 1e6 / reading.count()
                         << " MB/s), opened in " << opening.count() << " s");
  }
}
