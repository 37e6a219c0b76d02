// What every party of a schedule shares: time, chance, the trace and the observer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "protocol/invariants.hpp"
#include "tests/simulation/random.hpp"
#include "tests/simulation/scheduler.hpp"
#include "tests/simulation/trace.hpp"

namespace assent::simulation {

// A mistake made on purpose by a host: the simulator must find it. See plants.cpp.
enum class Plant : std::uint8_t {
  none,
  logged_before_durable,   // Logged is reported when a record is taken
  failed_sync_ignored,     // … or although its sync failed
  applied_for_all,         // one branch has applied: the others are taken for applied
  inquiry_presumes_abort,  // every inquiry about what is not committed is answered with Abort
  no_vote_counts_as_yes,
  prepared_without_tag,  // the absence of an error is read as a yes
  no_such_gid_is_done,
  lost_reply_is_done,  // 57P01 in phase two is read as success
  commit_not_told,     // the line before COMMIT PREPARED is not written
  absence_is_abort,    // no status and no line in the journal are read as rolled back
  marks_ignored,       // the epochs kept in the database are not looked at
  heuristic_hidden,
  copy_trusted,  // a ledger that was put back is taken for complete
  torn_tail_trusted,
  mark_not_written,
  next_xid_ignored,  // that a database gives out ids again is not looked at
  epoch_not_raised,
  standby_believed,  // nothing is ever found prepared
  failed_list_is_empty,
  expectation_ignored,  // a branch that must not be prepared is voted for
  dropped_with_link,    // what is prepared is rolled back when the link breaks
  commit_sent_at_once,  // before its record is durable
  snapshot_forgets,     // an opening segment does not repeat unfinished commits
  work_done_twice,
  key_dropped,
  yes_called_read_only,
  outcome_swapped,          // ROLLBACK PREPARED for COMMIT PREPARED
  abort_told_as_commit,     // to the client
  foreign_status_read,      // whatever the server's identity
  unknown_told_as_aborted,  // to the client
  refusal_swallowed,        // a full log is not reported
  resolution_sent_at_once,  // an operator's decision, before its record is durable
  resolution_forgotten,     // … is not read at a start
  acknowledged_at_once,     // … that damage has been seen, before its record is durable
  external_not_verified,    // what the application should have prepared is voted for unseen
  not_yet_counts_as_yes,
  gid_is_enough,  // whatever is prepared under a gid is committed, though another one voted
  // of the ledger's files
  sync_skipped,
  failed_sync_retried,
  folder_sync_skipped,
  segments_deleted_early,  // before the one that stands for them has its name for good
  checksum_ignored,
};

struct World {
  World(std::uint64_t seed, Trace::Listener listener) : random(seed), trace(std::move(listener)) {}

  Instant now() const { return scheduler.now(); }
  // Between the bounds, mostly near the lower one: latencies have long tails.
  Micros latency(std::int64_t low_us, std::int64_t high_us) {
    const auto first = random.between(low_us, high_us);
    return Micros(random.percent(90) ? low_us + (first - low_us) / 8 : first);
  }
  void say(const std::string& what) { trace.say(now(), what); }
  void count_fault(const std::string& kind) { ++faults[kind]; }
  Uuid uuid(std::int64_t wall_ms) {
    std::array<std::uint8_t, 10> bytes{};
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    return make_uuid7(wall_ms, bytes);
  }

  static constexpr std::int64_t kWallStart = 1'760'000'000'000;
  std::int64_t wall_ms(std::int64_t offset_ms = 0) const {
    return kWallStart + now().time_since_epoch().count() / 1000 + offset_ms;
  }

  Random random;
  Scheduler scheduler;
  Trace trace;
  Observer observer;
  Plant plant = Plant::none;
  bool ledger_disputed = false;  // it was copied and started, put back, or has lost its end
  // Of a participant whose database was put back.
  struct PutBack {
    std::optional<Xid> first_heard;     // what its first Hello since has told: see Hello::next_xid
    std::set<Xid> used_by_others = {};  // since
  };
  std::map<std::string, PutBack> put_back;
  std::map<std::string, std::uint64_t> faults;  // by kind
  std::uint64_t messages = 0;
};

}  // namespace assent::simulation
