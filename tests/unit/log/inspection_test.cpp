// A ledger looked at and copied while it is written.
#include "coordinator/log/inspection.hpp"

#include <filesystem>

#include <unistd.h>

#include "clients/dev/machine.hpp"
#include "coordinator/log/file_log.hpp"
#include "coordinator/log/sync_speed.hpp"
#include "tests/unit/log/test_log.hpp"

using namespace assent;
using namespace assent::test;

namespace {

// Files during whose reading something happens.
class WatchedFiles final : public Files {
 public:
  explicit WatchedFiles(MemoryDisk& disk) : files_(disk) {}
  std::function<void(const std::string& name)> before_read;

  std::error_code lock(std::string& holder) override { return files_.lock(holder); }
  std::error_code list(std::vector<std::string>& names) override { return files_.list(names); }
  std::error_code read(const std::string& name, std::uint64_t limit, std::string& content,
                       std::uint64_t& size) override {
    if (before_read) before_read(name);
    return files_.read(name, limit, content, size);
  }
  std::error_code create(const std::string&, Handle&) override { return refused(); }
  std::error_code pwrite(Handle, std::uint64_t, std::string_view) override { return refused(); }
  std::error_code fdatasync(Handle) override { return refused(); }
  void close(Handle) override {}
  std::error_code rename(const std::string&, const std::string&) override { return refused(); }
  std::error_code unlink(const std::string&) override { return refused(); }
  std::error_code sync_folder() override { return refused(); }
  Place place() override { return files_.place(); }
  std::string path(const std::string& name) const override { return files_.path(name); }

 private:
  // Whoever only looks writes nothing.
  static std::error_code refused() {
    return std::make_error_code(std::errc::read_only_file_system);
  }
  MemoryFiles files_;
};

struct Running {
  explicit Running(MemoryDisk& disk) : started(start(disk)) {
    host.starts.push_back(started.epoch);
    started.log->start(host.callbacks());
    started.log->work_off();
  }
  void commit_and_end(Sequence sequence) {
    REQUIRE(host.append_commit(*started.log, sequence));
    started.log->flush();
    started.log->work_off();
    if (sequence % 10 == 0) return;
    REQUIRE(host.append_end(*started.log, sequence));
    started.log->flush();
    started.log->work_off();
  }
  Start started;
  Host host;
};

// What a start that is told to be from a copy finds in it.
std::set<Sequence> unfinished_after_restore(MemoryDisk& copy) {
  Start restored = start(copy, true);
  CHECK(restored.recovered.tail == Tail::clean);
  CHECK(restored.recovered.restored);
  return unfinished_in(restored.recovered.records);
}

std::string name_of_only_segment(const MemoryDisk& disk) {
  for (const auto& [name, content] : disk.content())
    if (segment_number(name) != 0) return name;
  return {};
}

struct Folder {
  dev::TemporaryFolder parent;
  std::string path = parent.path() / "ledger";
};

}  // namespace

TEST_CASE("a copy made while segments come and go holds all that was on disk when it began") {
  MemoryDisk disk;
  init(disk);
  Running running(disk);
  Sequence next = 1;
  while (next < 40) running.commit_and_end(next++);
  std::set<Sequence> before;
  for (const auto& [sequence, record] : running.host.unfinished) before.insert(sequence);
  REQUIRE(before.size() >= 3);

  // The first readings find the log gone on, by enough for new segments; then it rests.
  WatchedFiles from(disk);
  int busy = 6;
  from.before_read = [&](const std::string&) {
    if (busy-- <= 0) return;
    for (int i = 0; i < 30; ++i) running.commit_and_end(next++);
  };
  MemoryDisk target;
  MemoryFiles to(target);
  const auto copied = copy_ledger(from, to);
  if (!copied) FAIL(copied.error().message);
  CHECK(busy <= 0);
  CHECK(running.host.snapshots > 3);
  CHECK(copied->tail == Tail::clean);

  target.power_off();  // it was synced
  const auto after = unfinished_after_restore(target);
  for (const Sequence sequence : before) CHECK(after.contains(sequence));
  CHECK(running.host.failure.empty());
}

TEST_CASE("a copy that is always overtaken is given up") {
  MemoryDisk disk;
  init(disk);
  Running running(disk);
  Sequence next = 1;
  WatchedFiles from(disk);
  std::string seen;
  from.before_read = [&](const std::string& name) {
    // Each time a segment has been looked at, it goes before it is read again.
    if (name == seen)
      while (name_of_only_segment(disk) == seen) running.commit_and_end(next++);
    seen = name_of_only_segment(disk);
  };
  MemoryDisk target;
  MemoryFiles to(target);
  const auto copied = copy_ledger(from, to);
  REQUIRE_FALSE(copied.has_value());
  CHECK(copied.error().message.find(".log") != std::string::npos);
}

TEST_CASE("what is being written is left out of a copy, and no torn tail is in it") {
  MemoryDisk disk;
  init(disk);
  Running running(disk);
  for (Sequence i = 1; i <= 5; ++i) running.commit_and_end(i);
  MemoryDisk torn = disk;
  torn.kill();
  const std::string name = name_of_only_segment(torn);
  std::string content = torn.content().at(name);
  MemoryFiles reader(torn);
  const auto end = read_ledger(reader)->chain.back().end;
  content.replace(end, 20, std::string(20, 'x'));  // half of a record
  torn.put(name, content);
  REQUIRE(read_ledger(reader)->tail == Tail::torn);

  MemoryDisk target;
  MemoryFiles to(target);
  const auto copied = copy_ledger(reader, to);
  REQUIRE(copied.has_value());
  CHECK(copied->chain.back().end == end);
  CHECK(target.content().at(name).size() == content.size());
  CHECK(unfinished_after_restore(target).empty());
}

TEST_CASE("what looks damaged for a moment is read again; what stays so is refused") {
  MemoryDisk disk;
  init(disk);
  Running running(disk);
  for (Sequence i = 1; i <= 5; ++i) running.commit_and_end(i);
  const std::string name = name_of_only_segment(disk);
  const std::string whole = disk.content().at(name);
  std::string damaged = whole;
  damaged[kHeaderBytes + 20] = static_cast<char>(damaged[kHeaderBytes + 20] ^ 1);

  WatchedFiles files(disk);
  int readings = 0;
  std::size_t records = 0;
  disk.put(name, damaged);
  const auto mended = inspect_ledger(
      files,
      [&] {
        records = 0;
        if (++readings == 2) disk.put(name, whole);
      },
      [&](const std::string&, std::uint64_t, const LogRecord&) { ++records; });
  REQUIRE(mended.has_value());
  CHECK(readings == 2);
  CHECK(records == mended->records.size());

  disk.put(name, damaged);
  const auto refused = inspect_ledger(files);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find(name + ", offset 80: ") != std::string::npos);
  MemoryDisk target;
  MemoryFiles to(target);
  CHECK(copy_ledger(files, to).error().message == refused.error().message);
  CHECK(target.content().empty());
}

TEST_CASE("a copy is worth nothing before it is synced, and says so") {
  MemoryDisk disk;
  init(disk);
  {
    Running running(disk);
    for (Sequence i = 1; i <= 5; ++i) running.commit_and_end(i);
  }
  for (const std::string what : {"create", "pwrite", "fdatasync", "sync_folder"}) {
    INFO(what);
    MemoryDisk target;
    target.fault = [&](const std::string& done, const std::string&) {
      return done == what ? std::make_error_code(std::errc::io_error) : std::error_code();
    };
    MemoryFiles from(disk);
    MemoryFiles to(target);
    CHECK_FALSE(copy_ledger(from, to).has_value());
  }
}

TEST_CASE("a backup gets its name when it is whole, and never that of something else") {
  Folder folder;
  REQUIRE(FileLog::init({folder.path, kMinSegmentBytes, false}).has_value());
  const std::string to = folder.path + "-copy";
  const auto copied = backup_log(folder.path, to + "/");
  if (!copied) FAIL(copied.error().message);
  CHECK(verify_log(to)->ledger == verify_log(folder.path)->ledger);
  CHECK_FALSE(std::filesystem::exists(to + ".unfinished"));
  CHECK(backup_log(folder.path, to).error().message.find("exists already") != std::string::npos);

  std::filesystem::create_directory(to + "2.unfinished");
  CHECK(backup_log(folder.path, to + "2").error().message.find("did not end") != std::string::npos);
  CHECK_FALSE(backup_log(folder.path + "-missing", to + "3").has_value());
  CHECK_FALSE(std::filesystem::exists(to + "3"));
  CHECK_FALSE(std::filesystem::exists(to + "3.unfinished"));
}

TEST_CASE("whose a ledger is can be seen without taking its lock") {
  Folder folder;
  const FileLogOptions options{folder.path, kMinSegmentBytes, false};
  REQUIRE(FileLog::init(options).has_value());
  CHECK_FALSE(user_of_ledger(folder.path).has_value());
  {
    const auto opened = FileLog::open(options);
    REQUIRE(opened.has_value());
    CHECK(user_of_ledger(folder.path) == std::to_string(::getpid()));
  }
  CHECK_FALSE(user_of_ledger(folder.path).has_value());
  CHECK_FALSE(user_of_ledger(folder.path + "-missing").has_value());
}

TEST_CASE("the sync speed of a disk is measured without leaving anything behind") {
  Folder folder;
  std::filesystem::create_directory(folder.path);
  const auto speed = measure_sync(folder.path);
  REQUIRE(speed.has_value());
  CHECK(speed->syncs > 1);
  CHECK(speed->median <= speed->slowest);
  CHECK(std::filesystem::is_empty(folder.path));
  CHECK_FALSE(measure_sync(folder.path + "-missing").has_value());
}
