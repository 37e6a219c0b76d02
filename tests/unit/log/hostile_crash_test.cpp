// Every disk that a crash may leave of a ledger that is made, opened, written to, rotated and
// opened again; and every disk that a second crash, during the recovery from the first, may leave
// of that.
#include <algorithm>
#include <unordered_set>

#include "tests/support/crash_states.hpp"
#include "tests/unit/log/test_log.hpp"

using namespace assent;
using namespace assent::test;

namespace {

constexpr std::uint64_t kSegment = 4096;
constexpr std::uint64_t kEnumerated = 4096;  // states of one crash; of more, a sample of so many

// What is true of the ledger from some change of its disk on.
struct Truth {
  std::size_t changes = 0;
  bool made = false;      // init has returned
  std::size_t taken = 0;  // records handed to the log
  std::size_t told = 0;   // of these, reported durable
  Epoch epoch = 0;        // the highest told
};

// What was done, and what anybody knew at each point of it.
struct Run {
  DiskHistory history;
  std::vector<Truth> truths{{}};
  std::vector<std::set<Sequence>> unfinished{{}};  // [n]: after the first n records

  void note(Truth truth) {
    truth.changes = history.changes.size();
    truths.push_back(truth);
  }
  Truth& last() { return truths.back(); }
  // After so many changes, the last of which may be under way: whoever takes a record or is told of
  // one after it was begun comes too late for it.
  Truth at(std::size_t changes) const {
    Truth truth;
    std::size_t taken = 0;
    for (const Truth& each : truths) {
      if (each.changes <= changes) truth = each;
      if (each.changes < changes) taken = each.taken;
    }
    truth.taken = std::max(truth.told, taken);
    return truth;
  }
};

LogResult<OpenedLedger> open(Files& files, std::uint64_t life) {
  std::vector<LogRecord> records;
  auto opened = open_ledger(files, {kSegment, false, 5, uuid(2, life),
                                    [&](const LogRecord& record) { records.push_back(record); }});
  if (opened) opened->recovered.records = std::move(records);
  return opened;
}

// One life: opens the ledger and takes `turns` batches of one to six commits, ending old ones.
void live(Run& run, MemoryDisk& disk, int turns, std::size_t kept) {
  MemoryFiles memory(disk);
  RecordingFiles files(memory, run.history);
  auto opened = open(files, run.truths.size());
  REQUIRE(opened.has_value());
  Truth truth = run.last();
  truth.epoch = opened->start.epoch;
  REQUIRE(unfinished_in(opened->recovered.records) == run.unfinished.back());
  run.note(truth);

  Host host;
  host.starts.push_back(opened->start);
  for (const Sequence each : run.unfinished.back()) host.unfinished[each] = commit(each);
  const std::size_t before = truth.taken;
  SteppedLog log(*std::move(opened), kSegment);
  LogHost callbacks = host.callbacks();
  callbacks.on_durable = [&](RecordNumber up_to) {
    truth.told = before + up_to;
    run.note(truth);
  };
  log.start(callbacks);
  Sequence next = 1000 * run.truths.size();
  const auto took = [&] {
    run.unfinished.emplace_back();
    for (const auto& [sequence, record] : host.unfinished) run.unfinished.back().insert(sequence);
    truth.taken = before + host.taken;
    run.note(truth);
  };
  for (int turn = 0; turn < turns; ++turn) {
    for (int i = 0; i <= turn % 6; ++i) {
      REQUIRE(host.append_commit(log, ++next));
      took();
    }
    while (host.unfinished.size() > kept) {
      REQUIRE(host.append_end(log, host.unfinished.begin()->first));
      took();
    }
    log.flush();
    log.work_off();
  }
  REQUIRE(truth.told == truth.taken);
}

// Made, written to over several segments, opened again while it is short, and while it is long.
Run recorded() {
  Run run;
  MemoryDisk disk;
  {
    MemoryFiles memory(disk);
    RecordingFiles files(memory, run.history);
    REQUIRE(init_ledger(files, kLedger, kSegment).has_value());
    Truth truth;
    truth.made = true;
    run.note(truth);
  }
  live(run, disk, 28, 3);
  live(run, disk, 3, 5);
  live(run, disk, 2, 6);
  live(run, disk, 2, 2);
  REQUIRE(run.last().told >= 200);
  return run;
}

// How often a crash was looked at, and how many different disks it left.
struct Count {
  std::uint64_t states = 0;
  std::uint64_t disks = 0;
};

class Checker {
 public:
  explicit Checker(const Run& run) : run_(run) {}

  // What the next process makes of the disk must be true; and of every disk that its own death may
  // leave, the one after it makes the same.
  void recover(const DiskImage& image, const Truth& truth) {
    ++first.states;
    if (!seen_.insert(hash(image, truth)).second) return;
    ++first.disks;
    DiskHistory history;
    history.before = image;
    const auto found = check_open(image, truth, &history);
    if (!found) return;
    const Truth now = truth_of(truth, *found);
    for (std::size_t changes = 1; changes <= history.changes.size(); ++changes)
      CrashStates(history, changes).each(kEnumerated, changes, [&](const DiskImage& again) {
        ++second.states;
        if (!seen_again_.insert(hash(again, now)).second) return;
        ++second.disks;
        if (*check_open(again, truth) != *found) FAIL("a second recovery says something else");
      });
  }

  // The process dies, the machine goes on; then it dies during recovery.
  void recover_after_kill(std::size_t changes, std::size_t bytes, const Truth& truth) {
    DiskHistory history = run_.history;
    history.changes.resize(changes);
    if (changes > 0 && history.changes.back().kind == DiskChange::Kind::write) {
      std::string& written = history.changes.back().bytes;
      written.resize(std::min(bytes, written.size()));
    }
    const DiskImage seen = seen_after(history, changes);
    ++first.states;
    const std::size_t before = history.changes.size();
    const auto found = check_open(seen, truth, &history);
    if (!found) return;
    for (std::size_t done = before + 1; done <= history.changes.size(); ++done)
      CrashStates(history, done).each(kEnumerated, done, [&](const DiskImage& again) {
        ++second.states;
        // Once the recovery is through, its process has told what it found.
        const Truth now = done == history.changes.size() ? truth_of(truth, *found) : truth;
        if (!seen_again_.insert(hash(again, now)).second) return;
        ++second.disks;
        check_open(again, now);
      });
  }

  Count first, second;

 private:
  using Found = std::set<Sequence>;

  static std::size_t hash(const DiskImage& image, const Truth& truth) {
    std::string all = std::to_string(truth.told) + ' ' + std::to_string(truth.taken) + ' ' +
                      std::to_string(truth.epoch) + ' ' + std::to_string(truth.made);
    for (const auto& [name, content] : image)
      all.append(name).append(std::to_string(content.size())).append(content);
    return std::hash<std::string>()(all);
  }

  // Whoever acted on what was found has made it known.
  Truth truth_of(Truth truth, const Found& found) const {
    while (truth.told < truth.taken && run_.unfinished[truth.told] != found) ++truth.told;
    truth.taken = truth.told;
    return truth;
  }

  // Opens the disk; with `history`, remembers how. nullopt: there is no ledger, and nobody was told
  // that there is.
  std::optional<Found> check_open(const DiskImage& image, const Truth& truth,
                                  DiskHistory* history = nullptr) {
    MemoryDisk disk;
    for (const auto& [name, content] : image) disk.put(name, content);
    MemoryFiles memory(disk);
    DiskHistory unused;
    std::optional<RecordingFiles> recording;
    if (history) recording.emplace(memory, *history);
    const auto opened = open(history ? static_cast<Files&>(*recording) : memory, 99);
    if (!opened) {
      if (truth.made) FAIL("refused: " << opened.error().message);
      return {};
    }
    if (opened->start.epoch <= truth.epoch) FAIL("an epoch twice");
    const Found found = unfinished_in(opened->recovered.records);
    for (std::size_t records = truth.told; records <= truth.taken; ++records)
      if (run_.unfinished[records] == found) return found;
    FAIL("neither the records that were told of nor a beginning of the rest");
    return {};
  }

  const Run& run_;
  std::unordered_set<std::size_t> seen_, seen_again_;
};

std::string kinds(const DiskHistory& history, std::size_t from, std::size_t to) {
  std::string all;
  for (std::size_t i = from; i < to; ++i) {
    const DiskChange& change = history.changes[i];
    all += (all.empty() ? "" : " ") + std::string(to_string(change.kind));
  }
  return all;
}

}  // namespace

TEST_CASE("what append, rotation and opening do to the disk, change by change") {
  DiskHistory history;
  MemoryDisk disk;
  const std::string spare = "create write sync";              // and its zeros
  const std::string named = "write sync rename sync_folder";  // the opening, then its name
  const std::string deleted = "unlink sync_folder";
  {
    MemoryFiles memory(disk);
    RecordingFiles files(memory, history);
    REQUIRE(init_ledger(files, kLedger, kSegment).has_value());
  }
  MemoryFiles memory(disk);
  RecordingFiles files(memory, history);
  CHECK(kinds(history, 0, history.changes.size()) == spare + " " + named);

  std::size_t done = history.changes.size();
  auto opened = open(files, 1);
  REQUIRE(opened.has_value());
  CHECK(kinds(history, done, history.changes.size()) == spare + " " + named + " " + deleted);

  done = history.changes.size();
  Host host;
  SteppedLog log(*std::move(opened), kSegment);
  log.start(host.callbacks());
  log.work_off();
  CHECK(kinds(history, done, history.changes.size()) == spare);

  done = history.changes.size();
  REQUIRE(host.append_commit(log, 1));
  log.flush();
  log.work_off();
  CHECK(kinds(history, done, history.changes.size()) == "write sync");

  for (Sequence i = 2; host.snapshots == 0; ++i) {
    REQUIRE(host.append_commit(log, i));
    host.unfinished.clear();
    done = history.changes.size();
    log.flush();
    log.work_off();
  }
  CHECK(kinds(history, done, history.changes.size()) ==
        "write sync " + named + " " + deleted + " " + spare);
}

TEST_CASE("a loss of power at any change, and another one in any recovery from it") {
  const Run run = recorded();
  Checker checker(run);
  std::uint64_t sampled = 0;
  for (std::size_t changes = 0; changes <= run.history.changes.size(); ++changes) {
    const CrashStates states(run.history, changes);
    sampled += states.count() > kEnumerated ? 1 : 0;
    INFO("after " << changes << " changes");
    states.each(kEnumerated, changes,
                [&](const DiskImage& image) { checker.recover(image, run.at(changes)); });
  }
  CHECK(sampled == 0);
  WARN(run.history.changes.size() << " changes: " << checker.first.states << " states, "
                                  << checker.first.disks << " different disks; in their recoveries "
                                  << checker.second.states << " states, " << checker.second.disks
                                  << " disks");
}

TEST_CASE("the death of the process at any change, and a loss of power in the recovery from it") {
  const Run run = recorded();
  Checker checker(run);
  for (std::size_t changes = 0; changes <= run.history.changes.size(); ++changes) {
    std::vector<std::size_t> torn{~0ul};
    if (changes > 0 && run.history.changes[changes - 1].kind == DiskChange::Kind::write)
      for (std::size_t at = 100; at < run.history.changes[changes - 1].bytes.size(); at += 512)
        torn.push_back(at);
    // Where all is synced it is the same as a loss of power.
    if (CrashStates(run.history, changes).count() == 1) continue;
    INFO("after " << changes << " changes");
    for (const std::size_t bytes : torn)
      checker.recover_after_kill(changes, bytes, run.at(changes));
  }
  WARN(checker.first.states << " deaths, " << checker.second.states << " states in recovery, "
                            << checker.second.disks << " different disks");
}
