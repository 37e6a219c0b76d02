// The decision log in a folder of this machine, synced by a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/log/decision_log.hpp"
#include "coordinator/log/ledger_reader.hpp"
#include "coordinator/log/log_error.hpp"

namespace assent {

class Files;

struct FileLogOptions {
  std::string folder;
  std::uint64_t segment_bytes = 16 << 20;  // kMinSegmentBytes … kMaxSegmentBytes / 2
  bool restored = false;                   // --restored: the folder was put back from a copy
};

inline constexpr std::uint64_t kMinSegmentBytes = 64 * 1024;

using TakeRecord = std::function<void(const LogRecord&)>;

class FileLog final : public DecisionLog {
 public:
  struct Opened {
    Recovered recovered;  // but for its records
    EpochRecord start;    // of this start; on disk
    std::unique_ptr<FileLog> log;
  };

  // Makes a new ledger in `options.folder`, which must be empty or not exist yet; nothing else ever
  // makes one.
  static LogResult<LedgerId> init(const FileLogOptions& options);
  // `take` hears the records as they are read; nothing of the ledger has changed by then.
  static LogResult<Opened> open(const FileLogOptions& options, TakeRecord take = {});
  // The same over other files (those of a test, or wrapped for failure injection).
  static LogResult<Opened> open(const FileLogOptions& options, std::unique_ptr<Files> files,
                                TakeRecord take = {});

  // Stops, where nobody has, and gives up the lock.
  ~FileLog() override;

  void start(LogHost host) override;
  [[nodiscard]] bool append(RecordNumber number, const LogRecord& record) override;
  void flush() override;
  void stop() override;

 private:
  struct Impl;
  explicit FileLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent
