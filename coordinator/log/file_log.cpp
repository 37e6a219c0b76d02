#include "coordinator/log/file_log.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "coordinator/log/group_commit.hpp"
#include "coordinator/log/ledger_opening.hpp"
#include "coordinator/log/posix_files.hpp"

namespace assent {
namespace {

// How long a full disk is left alone before the next attempt to write ahead.
constexpr std::chrono::seconds kRoomRetry{1};

Uuid random_uuid(std::int64_t wall_ms) {
  std::random_device device;
  std::array<std::uint8_t, 10> random;
  for (auto& byte : random) byte = static_cast<std::uint8_t>(device());
  return make_uuid7(wall_ms, random);
}

std::int64_t wall_ms_now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::optional<LogError> check(const FileLogOptions& options) {
  if (options.segment_bytes >= kMinSegmentBytes && options.segment_bytes <= kMaxSegmentBytes / 2)
    return {};
  return LogError{"a segment of " + std::to_string(options.segment_bytes) +
                  " bytes: choose between " + std::to_string(kMinSegmentBytes) + " and " +
                  std::to_string(kMaxSegmentBytes / 2)};
}

// The folder's own name must survive a crash too.
std::optional<LogError> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::create_directories(folder, error) && !error) return {};
  if (error) return log_error("make the folder", folder.string(), error);
  PosixFiles parent(std::filesystem::absolute(folder).lexically_normal().parent_path().string());
  error = parent.sync_folder();
  if (error) return log_error("sync", parent.path({}), error);
  return {};
}

}  // namespace

// Two threads meet here: `commit`, `host` and `failed` belong to the I/O thread, `files` and
// `writer` to the log thread, and what lies between them to the mutex.
struct FileLog::Impl {
  Impl(std::unique_ptr<Files> its_files, OpenedLedger opened, std::uint64_t segment_bytes)
      : commit(opened.current, segment_bytes),
        files(std::move(its_files)),
        writer(std::move(opened.writer)) {
    commit.begin(jobs);
  }

  ~Impl() { stop(); }

  void stop() {
    alive.reset();
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_one();
    if (thread.joinable()) thread.join();
  }

  // ---- the log thread

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      wait_for_work(lock);
      if (jobs.empty() && stopping) return;
      // At most one step of writing ahead for each round, so that it delays no batch for long, and
      // batches do not delay it for ever.
      std::deque<LogJob> round = std::exchange(jobs, {});
      lock.unlock();
      for (const LogJob& job : round)
        if (!did([&](LogProgress& progress) { return writer->perform(job, progress); })) return;
      if (spare_due()) {
        if (!did([&](LogProgress& progress) { return writer->fill_spare(progress); })) return;
        room_retry = std::chrono::steady_clock::now() + kRoomRetry;
      }
      lock.lock();
    }
  }

  void wait_for_work(std::unique_lock<std::mutex>& lock) {
    const auto work = [this] { return stopping || !jobs.empty(); };
    if (writer->spare() == LogWriter::Spare::filling) return;
    if (writer->spare() == LogWriter::Spare::no_room)
      wake.wait_until(lock, room_retry, work);
    else
      wake.wait(lock, work);
  }

  bool spare_due() const {
    if (writer->spare() == LogWriter::Spare::no_room)
      return std::chrono::steady_clock::now() >= room_retry;
    return writer->spare() == LogWriter::Spare::filling;
  }

  // False: it failed, and the log has ended.
  template <typename Work>
  bool did(const Work& work) {
    LogProgress progress;
    const std::optional<LogError> error = work(progress);
    if (error)
      report([this, what = error->message] { fail(what); });
    else if (progress.end != 0 || progress.spare != 0)
      report([this, progress] { advance(progress); });
    return !error;
  }

  // The host may run it when this has stopped, or is gone: then it does nothing.
  template <typename Function>
  void report(Function function) {
    host.post([alive = watch, function = std::move(function)] {
      if (!alive.expired()) function();
    });
  }

  // ---- the I/O thread

  void advance(const LogProgress& progress) {
    commit.done(progress);
    if (progress.up_to > reported) {
      reported = progress.up_to;
      host.on_durable(reported);
    }
  }

  void fail(const std::string& what) {
    failed = true;
    host.on_failed(what);
  }

  void flush() {
    if (failed) return;
    {
      const std::lock_guard lock(mutex);
      commit.flush(jobs, host.snapshot);
      if (jobs.empty()) return;
    }
    wake.notify_one();
  }

  std::shared_ptr<bool> alive = std::make_shared<bool>(true);  // until stop()
  const std::weak_ptr<bool> watch = alive;
  LogHost host;
  GroupCommit commit;
  RecordNumber reported = 0;
  bool failed = false;

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<LogJob> jobs;
  bool stopping = false;

  std::unique_ptr<Files> files;
  std::unique_ptr<LogWriter> writer;  // after files: closes its handles first
  std::chrono::steady_clock::time_point room_retry;
  std::thread thread;
};

LogResult<LedgerId> FileLog::init(const FileLogOptions& options) {
  if (auto error = check(options)) return *std::move(error);
  if (auto error = make_folder(options.folder)) return *std::move(error);
  PosixFiles files(options.folder);
  return init_ledger(files, LedgerId{random_uuid(wall_ms_now())}, options.segment_bytes);
}

LogResult<FileLog::Opened> FileLog::open(const FileLogOptions& options, TakeRecord take) {
  return open(options, std::make_unique<PosixFiles>(options.folder), std::move(take));
}

LogResult<FileLog::Opened> FileLog::open(const FileLogOptions& options,
                                         std::unique_ptr<Files> files, TakeRecord take) {
  if (auto error = check(options)) return *std::move(error);
  LedgerOpening opening;
  opening.segment_bytes = options.segment_bytes;
  opening.restored = options.restored;
  opening.wall_ms = wall_ms_now();
  opening.life = random_uuid(opening.wall_ms);
  opening.take = std::move(take);
  auto ledger = open_ledger(*files, opening);
  if (!ledger) return ledger.error();
  Opened opened;
  opened.recovered = std::move(ledger->recovered);
  opened.start = ledger->start;
  opened.log.reset(new FileLog(
      std::make_unique<Impl>(std::move(files), *std::move(ledger), options.segment_bytes)));
  return opened;
}

FileLog::FileLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileLog::~FileLog() = default;

void FileLog::start(LogHost host) {
  impl_->host = std::move(host);
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

bool FileLog::append(RecordNumber number, const LogRecord& record) {
  return !impl_->failed && impl_->commit.append(number, record);
}

void FileLog::flush() {
  impl_->flush();
}

void FileLog::stop() {
  impl_->stop();
}

}  // namespace assent
