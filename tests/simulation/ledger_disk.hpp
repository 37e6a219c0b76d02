// A ledger's folder on a simulated disk, and the decision log of production over it: its opening,
// framing, group commit, segments and writer. The disk takes its time, fills up, fails, and loses
// what was not synced; the process dies between any two operations.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/ledger_files.hpp"
#include "tests/simulation/world.hpp"
#include "tests/support/stepped_log.hpp"

namespace assent::simulation {

class LedgerDisk {
 public:
  enum class Crash : std::uint8_t {
    process,  // what was written stays
    machine,  // of what was not synced any sector stays, or none
  };
  struct Host {
    std::function<void(RecordNumber)> on_durable;
    std::function<void()> on_failed;  // the log has failed: the process must end
    // The process dies in the middle of a file operation.
    std::function<void(Crash)> on_death;
    std::function<std::vector<LogRecord>()> snapshot;
  };
  struct Opened {
    Recovered recovered;
    EpochRecord start;
  };

  // Makes the ledger.
  LedgerDisk(World& world, LedgerId ledger);
  // An operator's copy of the folder of a log that is settled(), elsewhere.
  std::unique_ptr<LedgerDisk> copy() const;

  // A start. Nothing: the log refused, or the process died on the way.
  std::optional<Opened> open(Host host, std::int64_t wall_ms);
  // The process is gone.
  void close(Crash crash);
  [[nodiscard]] bool append(RecordNumber number, const LogRecord& record);
  void flush();

  // ---- what befalls it
  // Dies in, before or after one of the next operations on the files.
  void die_at_operation(std::uint64_t next, Crash crash);
  // The next `times` operations of this name fail: "pwrite", "fdatasync", "sync_folder" …
  void fail(const std::string& operation, unsigned times);
  void fill_up();
  void make_room();
  // Content from elsewhere in this very folder; the process must be gone.
  void put_back(const LedgerDisk& copy);
  void move_elsewhere();
  // The last record becomes unreadable, as if its write had been torn.
  void damage_last();
  // Anything anywhere; the log must notice, or have lost nothing. mend() puts back what was there.
  void damage();
  void mend();
  // Somebody starts a second coordinator in the same folder.
  void start_twice();
  void heal();

  // Everything is on disk, and nothing under way.
  bool settled() const;
  // … and the last record is a decision.
  bool ends_with_commit() const { return settled() && last_is_commit_; }
  bool damaged() const { return !undamaged_.empty(); }
  std::set<TxId> commits() const;
  Epoch last_epoch() const { return last_epoch_; }
  // From now on somebody else decides with a copy of this ledger.
  void compete() { competed_ = true; }
  bool competed() const { return competed_; }

  bool slow = false;
  bool restored = false;  // the operator says so at the next start

 private:
  using Content = std::map<std::string, std::string>;

  LedgerDisk(World& world, LedgerId ledger, const Content& content);
  void pump();
  void work();
  void look_for_room();
  void report_durable(RecordNumber up_to);
  void refused(const std::string& why);
  void found(const Recovered& recovered, const EpochRecord& start);
  void learn_content();
  void replace(const Content& content);
  void note(const LogRecord& record);
  std::vector<LogRecord> readable() const;
  std::uint64_t used() const;

  World& world_;
  LedgerId ledger_;
  std::uint64_t segment_bytes_;
  std::unique_ptr<test::MemoryDisk> disk_;
  std::mt19937_64 chance_;  // what survives when the power goes
  Host host_;
  std::unique_ptr<LedgerFiles> files_;
  std::unique_ptr<test::SteppedLog> log_;  // after files_: closes its handles first
  std::uint64_t life_ = 0;                 // of the process that has it open
  bool busy_ = false;                      // the disk works
  bool waits_for_room_ = false;
  bool competed_ = false;
  bool excused_ = false;  // an error was injected, or there is no room: a refusal is due
  Crash death_ = Crash::process;
  std::deque<std::pair<RecordNumber, LogRecord>> taken_;  // not known to be durable
  std::optional<RecordNumber> told_durable_;              // by the log, in this step
  bool failed_ = false;                                   // likewise
  std::set<TxId> unfinished_;  // commits that are on disk, whose end is not
  std::set<TxId> resolved_;    // operators' decisions that are on disk
  Epoch last_epoch_ = 0;
  bool last_is_commit_ = false;
  std::string current_;  // the segment in use
  Content undamaged_;    // while it is damaged: the files, and the commits in them
  std::set<TxId> commits_before_;
};

}  // namespace assent::simulation
