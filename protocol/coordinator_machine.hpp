// The coordinator's half of two-phase commit, as a value: events in, actions out.
//
// It owns every decision about a transaction. It has no I/O, clock, thread or randomness. The host
// (coordinator/engine.cpp) does what the actions ask and reports what happened as events.
//
// The host's duties, in this order, for every event:
//   1. step() with the event and the time;
//   2. carry out the actions in their order: Log goes to the decision log, Send to the
//   participant's link (if it
//      is down, drop it), Reply to the waiting request;
//   3. when the log says that records up to and including number n are on disk, step(Logged{n});
//      if the log cannot take a record (its space is used up; nothing was written),
//      step(LogRefused{n}).
// The machine never sends or answers what depends on a record before it has heard Logged.
//
// A transaction:
//
//   open ──CommitAsked──▶ preparing ──all yes──▶ deciding ──Logged──▶ committing ──all applied──▶
//   committed
//     │                      │  no, deadline,       │ LogRefused           (Commit resent until
//     then) │ RollbackAsked,       │  link lost           │ │ deadline, link lost  ▼ ▼
//     └──────────────────▶ aborting ◀───────────────┘ ──all told──▶ aborted
//
//   one-shot transactions start in preparing. All branches read-only: preparing ──▶ committed, no
//   record. External: preparing ──▶ open, where a branch is not prepared yet or nobody could look.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "protocol/messages.hpp"
#include "protocol/records.hpp"
#include "protocol/resolution.hpp"
#include "protocol/time.hpp"

namespace assent {

using RequestId = std::uint64_t;     // the host's name for a request that waits for a Reply
using RecordNumber = std::uint64_t;  // counts Log actions of one machine: 1, 2, 3 …

// ---- events
// ----------------------------------------------------------------------------------------

struct BranchWork {
  std::string participant;
  Work work;
  bool operator==(const BranchWork&) const = default;
};

enum class Mode : std::uint8_t {
  one_shot,
  interactive,
  external,  // the application prepares the branches over its own connections
};
std::string_view to_string(Mode mode);
enum class WaitFor : std::uint8_t {
  applied,  // answer when every branch has applied the decision (bounded by `apply_wait`)
  decided,  // answer as soon as the decision is durable
};

// Starts a transaction. One-shot: with all its work; the reply tells the outcome. Interactive:
// without; the reply tells that it is open. External: with its branches and no work; the same.
struct Begin {
  RequestId request = 0;
  TxId tx;  // a new UUIDv7, made by the host
  Mode mode = Mode::one_shot;
  std::vector<BranchWork> branches;
  Duration timeout{};       // from begin to the last vote
  Duration idle_timeout{};  // interactive: longest pause between requests
  WaitFor wait_for = WaitFor::applied;
  std::optional<RequestKey> key;
  std::string labels;
  // Why it may not begin, for a reason that only the host knows. A request repeated with a key that
  // is known joins all the same.
  std::optional<Failure> refusal;
  bool operator==(const Begin&) const = default;
};
// Interactive: runs statements in one branch.
struct ExecuteAsked {
  RequestId request = 0;
  TxId tx;
  std::string participant;
  std::uint32_t seq = 0;  // 1, 2, 3 … over all branches of the transaction
  Work work;
  bool operator==(const ExecuteAsked&) const = default;
};
struct CommitAsked {
  RequestId request = 0;
  TxId tx;
  WaitFor wait_for = WaitFor::applied;
  bool operator==(const CommitAsked&) const = default;
};
struct RollbackAsked {
  RequestId request = 0;
  TxId tx;
  bool operator==(const RollbackAsked&) const = default;
};
// An operator decides a transaction in doubt, or rolls back one that is not decided yet. The reply
// comes when the decision is durable.
struct ResolveAsked {
  RequestId request = 0;
  TxId tx;
  Outcome outcome = Outcome::aborted;
  std::string by;
  std::string reason;
  std::string seen;  // ResolutionPreview::seen() of what was decided upon; empty: not compared
  bool operator==(const ResolveAsked&) const = default;
};
// An operator has seen the damage of a transaction. The reply comes when that is durable.
struct AcknowledgeAsked {
  RequestId request = 0;
  TxId tx;
  std::string by;
  std::string reason;
  bool operator==(const AcknowledgeAsked&) const = default;
};

// A participant's link. The host closes an older link of the same name (LinkDown) before it reports
// the next.
struct LinkUp {
  Hello hello;
  bool operator==(const LinkUp&) const = default;
};
struct LinkDown {
  std::string participant;
  bool operator==(const LinkDown&) const = default;
};
struct FromParticipant {
  std::string participant;
  ToCoordinator message;
  bool operator==(const FromParticipant&) const = default;
};

struct Logged {
  RecordNumber up_to = 0;
  bool operator==(const Logged&) const = default;
};
struct LogRefused {
  RecordNumber record = 0;
  bool operator==(const LogRefused&) const = default;
};
// No new transactions from now on (shutdown). What is decided is finished.
struct Drain {
  bool operator==(const Drain&) const = default;
};
// What was in CoordinatorLimits before is replaced. Who is in already stays.
struct LimitsChanged {
  std::size_t open_transactions = 0;
  std::size_t participant_branches = 0;
  bool operator==(const LimitsChanged&) const = default;
};
struct CoordinatorTick {
  bool operator==(const CoordinatorTick&) const = default;
};

using CoordinatorEvent = std::variant<Begin, ExecuteAsked, CommitAsked, RollbackAsked, ResolveAsked,
                                      AcknowledgeAsked, LinkUp, LinkDown, FromParticipant, Logged,
                                      LogRefused, Drain, LimitsChanged, CoordinatorTick>;

// ---- actions
// ---------------------------------------------------------------------------------------

struct Send {
  std::string participant;
  ToParticipant message;
  bool operator==(const Send&) const = default;
};
struct Log {
  RecordNumber number = 0;
  LogRecord record;
  bool operator==(const Log&) const = default;
};
// The answer to a request. `failure` says why it was not done as asked; otherwise find(tx) shows
// what was done.
struct Reply {
  RequestId request = 0;
  TxId tx;  // of the transaction that was joined, where the key was known already
  std::optional<Failure> failure;
  Fate fate = Fate::none;  // what can be said of the transaction at this moment
  bool operator==(const Reply&) const = default;
};
// Close the participant's link: its hello cannot be accepted.
struct Disconnect {
  std::string participant;
  std::string reason;
  bool operator==(const Disconnect&) const = default;
};
// Somebody else coordinates this ledger now, or has since the copy was made: end the process.
struct Stop {
  std::string reason;
  bool operator==(const Stop&) const = default;
};

using CoordinatorAction = std::variant<Send, Log, Reply, Disconnect, Stop>;

// ---- state
// -----------------------------------------------------------------------------------------

enum class TxState : std::uint8_t {
  open,
  preparing,
  deciding,
  committing,
  committed,
  aborting,
  aborted
};
std::string_view to_string(TxState state);
// What a client may be told of a transaction in this state.
Fate fate_of(TxState state);

enum class BranchPhase : std::uint8_t {
  working,    // open, not asked to vote
  preparing,  // asked to vote
  yes,        // voted yes
  read_only,  // voted read-only; ended
  no,         // voted no; ended
  not_yet,    // external: was not seen prepared when it was last asked for
  finishing,  // told the decision (or to be told when its link is back)
  applied,    // has durably done as decided
  heuristic,  // ended the other way, by hand
  unproven,   // ended, nobody can say how
};
std::string_view to_string(BranchPhase phase);

struct TxBranch {
  std::string participant;
  BranchPhase phase = BranchPhase::working;
  Xid xid = 0;
  ServerIdentity server;           // where the xid means something; none: nowhere any more
  std::optional<Results> results;  // of the last statements, until the transaction is forgotten
  Instant resend_at{};
  bool operator==(const TxBranch&) const = default;
};

struct Waiter {
  RequestId request = 0;
  WaitFor wait_for = WaitFor::applied;
  bool operator==(const Waiter&) const = default;
};

// An interactive transaction's statement channel.
struct Conversation {
  std::uint32_t last_seq = 0;    // the last one taken
  std::string last_participant;  // where it went
  bool running = false;
  std::optional<Results> last_answer;  // when not running
  std::vector<RequestId> waiting;      // for the running one
  Instant idle_at{};                   // aborted then
  Duration idle_timeout{};
  bool operator==(const Conversation&) const = default;
};

struct Transaction {
  TxId tx;
  Epoch epoch = 0;
  Mode mode = Mode::one_shot;
  TxState state = TxState::open;
  std::vector<TxBranch> branches;  // in the order they joined
  Conversation conversation;       // interactive only
  std::vector<Waiter> waiters;
  std::optional<Failure> failure;  // why it aborted
  std::uint32_t asks = 0;          // external: how often its commit was asked for
  std::vector<Failure> missing;    // external, preparing: why branches are not_yet
  std::optional<RequestKey> key;
  std::string labels;
  Sequence sequence = 0;
  RecordNumber record = 0;  // of the commit record, while deciding
  bool replayed = false;    // known from the log of an earlier start
  std::int64_t begun_wall_ms = 0;
  std::int64_t decided_wall_ms = 0;
  std::int64_t ended_wall_ms = 0;
  Instant begun_at{};
  Instant deadline{};   // of the votes
  Instant answer_at{};  // committing: answer "pending" to those who wait for `applied`
  Instant timer_at{};   // when this transaction next wants a Tick
  std::optional<Resolution> resolution;  // decided by an operator
  std::vector<Acknowledgement> acknowledgements;
  bool operator==(const Transaction&) const = default;

  const TxBranch* branch(std::string_view participant) const;
  TxBranch* branch(std::string_view participant);
  // A branch ended against the decision, or unproven.
  bool damaged() const;
  // Those branches of them that no operator has acknowledged.
  std::vector<std::string> alarming() const;
};

struct Member {
  enum class State : std::uint8_t {
    away,      // no link
    greeting,  // said hello; its MemberRecord is not durable yet
    welcomed,  // has been told the epoch
    ready,     // has made the epoch durable; works
  };
  State state = State::away;
  ServerIdentity server;
  bool recorded = false;       // a MemberRecord with this server identity is durable
  RecordNumber record = 0;     // … or on its way
  Mark mark;                   // as of its last Hello or Ready
  Sequence durable_mark = 0;   // told by it, or by the log: it can never be found lower
  Epoch rewound_below = 0;     // … and yet it was: see MemberRecord
  Sequence witness_after = 0;  // see MemberRecord
  // Requests in a row that it let time out without an answer. From limits.unanswered on, work for
  // it is refused until then; the first after that is let through, and so on.
  std::size_t unanswered = 0;
  Instant refused_until{};
  Xid highest_xid = 0;           // that it has voted with, in its database's present history
  std::vector<HeldBranch> held;  // prepared there as of its last Ready
  bool operator==(const Member&) const = default;
};

// An operator's decision on its way to the disk.
struct PendingResolution {
  RecordNumber number = 0;
  ResolutionRecord record;
  std::vector<RequestId> requests;
  bool operator==(const PendingResolution&) const = default;
};
struct PendingAcknowledgement {
  AcknowledgementRecord record;
  std::vector<RequestId> requests;
  bool operator==(const PendingAcknowledgement&) const = default;
};

// A prepared branch of an earlier epoch that this ledger has no record of, while the ledger may not
// simply presume abort. Kept until there is evidence.
struct Doubt {
  Gid gid;  // as first asked about; the participant in it is one of the askers
  std::vector<std::string> peers;  // whom to ask; empty: every member
  std::map<std::string, Knowledge> evidence;
  std::set<std::string> askers;  // hold it prepared and wait for an answer
  std::map<std::string, DecidedBranch>
      held;         // what is known of the branches, for a commit found by evidence
  std::string why;  // for people: what is missing
  Instant ask_at{};
  std::optional<PendingResolution> pending;  // nothing else decides it any more, nor any evidence
  bool operator==(const Doubt&) const = default;
};

// Whether "I have no record of it, therefore it is aborted" may be said about earlier epochs.
enum class Standing : std::uint8_t {
  complete,      // same machine, same folder, clean tail: the log is all there ever was
  careful,       // moved, copied, torn or restored: only after the transaction's participants agree
  contradicted,  // a participant has seen commits that this log does not hold: only on evidence of
                 // abort
};
std::string_view to_string(Standing standing);

struct CoordinatorLimits {
  std::size_t open_transactions = 20'000;
  std::size_t participant_branches = 10'000;  // of unfinished transactions at one participant
  std::size_t unanswered = 5;                 // requests in a row, see Member
  Duration unanswered_pause{1000};
  std::size_t branches = 64;
  std::size_t waiters = 64;  // requests waiting on one transaction
  std::size_t finished_kept =
      100'000;  // finished transactions kept in memory, and no longer than …
  Duration finished_kept_for{600'000};
  Duration apply_wait{10'000};  // how long a commit waits for `applied` before it answers "pending"
  Duration resend_interval{2000};
  Duration outcome_retention{604'800'000};  // older gids are not presumed aborted; 7 days
  bool operator==(const CoordinatorLimits&) const = default;
};

class CoordinatorMachine {
 public:
  // Recovery is construction: see CoordinatorRecovery, of which this is the short form.
  CoordinatorMachine(CoordinatorLimits limits, const Recovered& recovered, const EpochRecord& start,
                     Now now);

  // Total: takes every event in every state, never throws but for want of memory.
  void step(const CoordinatorEvent& event, Now now, std::vector<CoordinatorAction>& out);
  // When the next Tick is due; nullopt: nothing waits for time.
  std::optional<Instant> wake_at() const;

  const Transaction* find(const TxId& tx) const;
  const std::map<TxId, Transaction>& transactions() const { return transactions_; }
  const std::map<std::string, Member>& members() const { return members_; }
  const std::map<TxId, Doubt>& doubts() const { return doubts_; }
  // The worst that holds for any earlier epoch; and what holds for one.
  Standing standing() const { return standing(0); }
  Standing standing(Epoch epoch) const;
  LedgerId ledger() const { return ledger_; }
  Epoch epoch() const { return epoch_; }
  Uuid life() const { return life_; }
  Sequence sequence() const { return sequence_; }
  // Transactions that are neither committed nor aborted.
  std::size_t unfinished() const { return unfinished_; }
  // Branches of these, by participant; none: no entry.
  const std::map<std::string, std::size_t>& branches() const { return branches_; }
  // What can be said of a transaction that find() does not know.
  Fate fate_of_unknown(const TxId& tx, Now now) const;
  // … and why it is not known: nobody was given the id, or it may be older than what is kept.
  Failure failure_of_unknown(const TxId& tx, Now now) const;
  // What an operator's decision would do. It does nothing.
  ResolutionPreview preview(const TxId& tx, Outcome outcome, Now now) const;

  // The records that an opening segment must repeat so that older segments can go: epochs,
  // members and their marks, unfinished commits, damage, and the finished commits still in memory.
  std::vector<LogRecord> snapshot() const;

  bool operator==(const CoordinatorMachine&) const = default;

 private:
  friend struct CoordinatorStep;
  friend class TextForm;
  friend class CoordinatorRecovery;
  friend struct Replay;

  explicit CoordinatorMachine(CoordinatorLimits limits);  // knows nothing yet

  // A request under this key, which is not known, may have committed and been forgotten.
  bool may_be_forgotten(const RequestKey& key) const;
  // Transactions as old as this may have committed and been forgotten.
  bool may_be_forgotten(std::int64_t made_ms, Now now) const;
  // The last commit sequence number this ledger knows of the time up to and including `epoch`.
  Sequence known_sequence(Epoch epoch) const;
  // The mark is of a start that is none of this ledger's: another coordinator rules, or has ruled,
  // with a copy of it. A ledger that knows itself to be such a copy expects marks of earlier
  // starts.
  bool is_foreign(const Mark& mark) const;

  CoordinatorLimits limits_;
  LedgerId ledger_;
  Epoch epoch_ = 0;
  Uuid life_;
  std::vector<EpochRecord>
      epochs_;  // every start, this one last, with what it must be careful about
  bool draining_ = false;
  bool stopped_ = false;                // Stop was given: nothing has any effect any more
  Sequence sequence_ = 0;               // of the last commit record
  std::int64_t forgotten_wall_ms_ = 0;  // see EpochRecord
  std::int64_t forgotten_key_ms_ = 0;   // see EpochRecord
  RecordNumber last_record_ = 0;
  RecordNumber durable_record_ = 0;

  std::map<TxId, Transaction> transactions_;
  std::size_t unfinished_ = 0;
  std::map<std::string, std::size_t> branches_;  // of unfinished transactions, by participant
  std::map<std::array<std::uint8_t, 16>, TxId> keys_;
  std::deque<TxId> deciding_;  // in the order of their records
  std::deque<TxId> finished_;  // in the order they finished
  std::set<std::pair<Instant, TxId>> timers_;
  std::map<std::string, Member> members_;
  bool epoch_corrected_ = false;   // the last of epochs_ says more than the log does
  RecordNumber epoch_record_ = 0;  // a corrected epoch record on its way; hellos wait for it
  std::map<TxId, Doubt> doubts_;
  std::map<RecordNumber, HeuristicRecord>
      unlogged_damage_;                          // until durable, lest a full log lose it
  std::vector<HeuristicRecord> refused_damage_;  // the log had no room; asked for again
  Instant relog_at_{};
  std::map<RecordNumber, TxId> resolving_;  // doubts whose decision is on its way to the disk
  std::map<RecordNumber, PendingAcknowledgement> acknowledging_;
};

// Makes a machine from what its ledger says, as it is read: a long log is never in memory whole.
class CoordinatorRecovery {
 public:
  CoordinatorRecovery(CoordinatorLimits limits, Now now);

  // Each record of the log, in its order, but for this start's own.
  void take(const LogRecord& record);

  // Once, at the end. `recovered` is what else the coordinator knows; its records are not looked
  // at. `start` is this start's own epoch record, already durable. Whoever writes it must write
  // into it what later starts must be careful about (careful_below and the other inherited fields),
  // for a crash may come before this machine can.
  CoordinatorMachine finish(const Recovered& recovered, const EpochRecord& start) &&;

 private:
  CoordinatorMachine machine_;
  Now now_;
};

}  // namespace assent
