// What happened to each transaction, in the order in which this coordinator saw it: the answer to
// "why does it take so long, and who waits for whom".
//
// Kept in memory for as long as the machine knows the transaction; after a restart it begins with
// what the ledger still tells. Nothing is decided by it. Belongs to the I/O thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coordinator/watchers.hpp"
#include "protocol/coordinator_machine.hpp"

namespace assent {

enum class Happening : std::uint8_t {
  started,          // this coordinator: its epoch is durable, it serves
  connected,        // a participant's link is up
  ready,            // … it has made the epoch durable, and works
  disconnected,     // … its link is down
  begun,            // a transaction
  recovered,        // … known from the ledger when this coordinator started
  statements_sent,  // … to a branch
  statements_done,
  commit_asked,  // … by the client
  rollback_asked,
  prepare_sent,
  voted,         // detail: yes | read-only | no
  record_asked,  // the commit record went to the log
  decided,       // detail: committed (the record is on disk) | aborted
  commit_sent,
  abort_sent,
  inquired,      // a participant in doubt asks for the outcome
  asked,         // a participant is asked for evidence
  applied,       // detail: applied | proved | heuristic | unproven
  damaged,       // a branch ended against the decision, or nobody knows how
  resolved,      // an operator decided; detail: committed | aborted
  acknowledged,  // … has seen the damage
  answered,      // the client; detail: committed | aborted | unknown | none
  ended,         // every branch has applied the commit, durably
};
std::string_view to_string(Happening kind);

// One entry, as it is shown.
struct TimelineEvent {
  std::uint64_t id = 0;  // counts the happenings of one coordinator process: 1, 2, 3 …
  std::int64_t wall_us = 0;
  Happening kind = Happening::begun;
  TxId tx;                       // all zeros: of no transaction in particular
  std::string_view participant;  // empty: the coordinator's own. Valid as long as the timeline
  std::string_view detail;
  std::uint32_t times = 1;        // repeated so often …
  std::int64_t last_wall_us = 0;  // … the last time then
  // Of `applied`: for so long the participant saw its locks held in doubt. 0: not measured.
  std::uint64_t locks_held_us = 0;
};

class Timeline {
 public:
  // Happenings of one transaction beyond this are counted, not kept; those that tell its fate
  // always are.
  static constexpr std::size_t kEventsPerTransaction = 256;
  static constexpr std::size_t kFeed = 16'384;  // the latest of all, for those who follow
  static constexpr std::size_t kLinkHappenings = 4096;

  // `machine` outlives this. Starts with what it has recovered.
  Timeline(const CoordinatorMachine& machine, Now now);

  // After the machine has taken the event, before its actions are carried out.
  void saw(const CoordinatorEvent& event, Now now);
  // When the action is carried out.
  void did(const CoordinatorAction& action, Now now);
  // The trace (W3C Trace Context) that the transaction's begin belongs to; told before the Begin.
  void traced(const TxId& tx, std::string trace_id);
  // At the end of a loop turn: wakes those who follow, if there was anything.
  void turn_ended();

  // The time of a happening, in microseconds since 1970. It follows the steady clock, so that a
  // jump of the wall clock disorders nothing.
  std::int64_t wall_us(Now now) const;

  // The transaction's events and, from its begin to its end, those of its participants' links and
  // of the coordinator; in order. Empty: not known.
  std::vector<TimelineEvent> of(const TxId& tx) const;
  // Empty where the transaction was begun by an earlier start, or is not known.
  std::string_view trace_id(const TxId& tx) const;
  // Happenings of the transaction that were not kept.
  std::size_t omitted(const TxId& tx) const;

  // The latest of everything, after the event of that id; at most `most`.
  std::vector<TimelineEvent> after(std::uint64_t id, std::size_t most) const;
  std::uint64_t oldest() const;  // id of the first that after() can still give
  std::uint64_t latest() const { return last_id_; }

  // `more` is called at the end of each turn that had something, until unfollow().
  using Follower = std::uint64_t;
  Follower follow(std::function<void()> more);
  void unfollow(Follower follower) { followers_.erase(follower); }
  // Those who wait for one transaction only.
  Watchers& watchers() { return watchers_; }

 private:
  friend struct TimelineWriter;

  struct Entry {
    std::uint64_t id;
    std::int64_t wall_us;
    std::int64_t last_wall_us;
    std::uint32_t times;
    std::uint16_t participant;  // index into names_
    Happening kind;
    std::uint8_t detail;
  };
  struct Story {
    std::vector<Entry> entries;
    std::size_t omitted = 0;
    bool aborted = false;
    std::string trace_id = {};
    std::vector<std::pair<std::uint16_t, std::uint64_t>> locks_held_us = {};  // by participant
  };
  struct FeedEntry {
    Entry entry;
    TxId tx;
  };

  void add(const TxId& tx, Happening kind, std::string_view participant = {},
           std::uint8_t detail = 0);
  void add_applied(const Applied& applied, std::string_view participant);
  void add_aborted(const TxId& tx);
  void add_of_link(Happening kind, std::string_view participant);
  void recover(const Transaction& tx);
  void add_resolution(const ResolutionRecord& record, RecordNumber number);
  void forget_what_the_machine_forgot();
  void publish(const Entry& entry, const TxId& tx);
  std::uint16_t index_of(std::string_view participant);
  TimelineEvent shown(const Entry& entry, const TxId& tx) const;
  std::uint64_t locks_held_us(const Entry& entry, const TxId& tx) const;

  const CoordinatorMachine& machine_;
  const Now start_;
  std::int64_t now_us_ = 0;  // of the happening being written down, on the wall
  std::uint64_t last_id_ = 0;
  std::uint64_t told_ = 0;
  std::deque<std::string> names_{""};  // a deque: shown() hands out views
  std::map<std::string, std::uint16_t, std::less<>> indices_;
  std::unordered_map<TxId, Story> stories_;
  std::unordered_map<TxId, std::string> traces_;  // of transactions whose Begin is to come
  std::deque<TxId> begun_;                        // oldest first, looked at again and again
  struct Deciding {
    RecordNumber record;
    TxId tx;
    Outcome outcome;
  };
  std::deque<Deciding> records_;  // of decisions that are not durable yet
  std::deque<Entry> links_;
  std::deque<FeedEntry> feed_;
  std::map<Follower, std::function<void()>> followers_;
  Follower last_follower_ = 0;
  Watchers watchers_{machine_};
};

}  // namespace assent
