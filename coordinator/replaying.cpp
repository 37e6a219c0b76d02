#include "coordinator/replaying.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace assent {
namespace {

constexpr std::size_t kBatch = 512;      // records handed over at once
constexpr std::size_t kBatchesMost = 8;  // there are so many: a megabyte or two of usual records

// Filled and emptied again and again: a record that is assigned to one of its kind takes its
// memory over.
struct Batch {
  std::vector<LogRecord> records;
  std::size_t count = 0;

  void add(const LogRecord& record) {
    if (count < records.size())
      records[count] = record;
    else
      records.push_back(record);
    ++count;
  }
};

}  // namespace

// `filling`, `made` and `taken` belong to who reads, `recovery` to the replay until it has ended,
// and what lies between them to the mutex.
struct Replaying::Impl {
  Impl(CoordinatorLimits limits, Now now) : recovery(limits, now) {
    replay = std::async(std::launch::async, [this] { run(); });
  }

  ~Impl() {
    if (!replay.valid()) return;
    const std::lock_guard lock(mutex);
    given_up = true;
    changed.notify_all();
  }

  void run() try {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return !full.empty() || complete || given_up; });
      if (given_up || full.empty()) return;
      Batch batch = std::move(full.front());
      full.pop_front();
      lock.unlock();
      for (const LogRecord& record : std::span(batch.records).first(batch.count))
        recovery.take(record);
      batch.count = 0;
      lock.lock();
      empty.push_back(std::move(batch));
      changed.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex);
    failed = true;
    changed.notify_all();
    throw;
  }

  // Hands over what was filled, and takes what can be filled next.
  void hand_over() {
    std::unique_lock lock(mutex);
    full.push_back(std::exchange(filling, {}));
    changed.notify_all();
    if (made < kBatchesMost) {
      ++made;
      return;
    }
    changed.wait(lock, [this] { return !empty.empty() || failed; });
    if (failed) {
      lock.unlock();
      replay.get();
    }
    filling = std::move(empty.back());
    empty.pop_back();
  }

  void take(const LogRecord& record) {
    filling.add(record);
    ++taken;
    if (filling.count == kBatch) hand_over();
  }

  CoordinatorMachine finish(const Recovered& recovered, const EpochRecord& start) {
    {
      const std::lock_guard lock(mutex);
      full.push_back(std::move(filling));
      complete = true;
      changed.notify_all();
    }
    replay.get();
    return std::move(recovery).finish(recovered, start);
  }

  Batch filling;
  std::size_t made = 1;
  std::size_t taken = 0;

  CoordinatorRecovery recovery;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Batch> full;
  std::vector<Batch> empty;
  bool complete = false;
  bool given_up = false;
  bool failed = false;

  std::future<void> replay;  // goes first: waits for its end
};

Replaying::Replaying(CoordinatorLimits limits, Now now)
    : impl_(std::make_unique<Impl>(limits, now)) {}
Replaying::~Replaying() = default;

void Replaying::take(const LogRecord& record) {
  impl_->take(record);
}

std::size_t Replaying::taken() const {
  return impl_->taken;
}

CoordinatorMachine Replaying::finish(const Recovered& recovered, const EpochRecord& start) {
  return impl_->finish(recovered, start);
}

}  // namespace assent
