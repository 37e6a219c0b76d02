// A decision log without a thread: whoever owns it says when the disk works. For tests and the
// simulator.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "coordinator/log/decision_log.hpp"
#include "coordinator/log/group_commit.hpp"
#include "coordinator/log/ledger_opening.hpp"

namespace assent::test {

class SteppedLog final : public DecisionLog {
 public:
  SteppedLog(OpenedLedger opened, std::uint64_t segment_bytes)
      : commit_(opened.current, segment_bytes), writer_(std::move(opened.writer)) {
    commit_.begin(jobs_);
  }

  void start(LogHost host) override { host_ = std::move(host); }  // `post` is not used
  [[nodiscard]] bool append(RecordNumber number, const LogRecord& record) override {
    return !failed_ && commit_.append(number, record);
  }
  void flush() override {
    if (!failed_) commit_.flush(jobs_, host_.snapshot);
  }
  void stop() override { host_ = {}; }

  // One step of the log thread, then what it reports to the host. False: there was nothing to do.
  bool work() {
    if (failed_ || (jobs_.empty() && !spare_wanted())) return false;
    begin();
    finish();
    return true;
  }

  // The same in two halves, for whoever lets the disk take its time: what is flushed in between
  // waits for the next step. There must be something to do.
  void begin() {
    if (jobs_.empty()) return;
    under_way_ = std::move(jobs_.front());
    jobs_.pop_front();
  }
  void finish() {
    LogProgress progress;
    const auto job = std::exchange(under_way_, std::nullopt);
    const auto error = job ? writer_->perform(*job, progress) : writer_->fill_spare(progress);
    if (error) {
      failed_ = true;
      return host_.on_failed(error->message);
    }
    commit_.done(progress);
    if (progress.up_to > reported_) host_.on_durable(reported_ = progress.up_to);
  }
  // Something to do that needs no more room than there is known to be.
  bool has_work() const {
    return !failed_ && (!jobs_.empty() || writer_->spare() == LogWriter::Spare::filling);
  }
  bool lacks_room() const { return !failed_ && writer_->spare() == LogWriter::Spare::no_room; }

  // Until nothing is left to do; a full disk is tried once.
  void work_off() {
    bool tried = false;
    while (!failed_ && (!jobs_.empty() || (spare_wanted() && !tried))) {
      tried = jobs_.empty() && writer_->spare() == LogWriter::Spare::no_room;
      work();
    }
  }

 private:
  bool spare_wanted() const {
    return writer_->spare() == LogWriter::Spare::filling ||
           writer_->spare() == LogWriter::Spare::no_room;
  }

  LogHost host_;
  GroupCommit commit_;
  std::unique_ptr<LogWriter> writer_;
  std::deque<LogJob> jobs_;
  std::optional<LogJob> under_way_;  // none: a step of writing ahead
  RecordNumber reported_ = 0;
  bool failed_ = false;
};

}  // namespace assent::test
