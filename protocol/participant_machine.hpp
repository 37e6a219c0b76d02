// The participant's half of two-phase commit, as a value: events in, actions out.
//
// It owns every decision about a branch: what to vote, what an answer of the database proves, what
// to tell the coordinator. It has no I/O, clock, thread or randomness. The host
// (participant/agent.cpp) does what the actions ask and reports each completion as an event.
//
// The host's duties, in this order, for every event:
//   1. step() with the event and the time;
//   2. carry out the actions in their order; every database verb ends in exactly one completion
//   event, unless
//      its comment says otherwise;
//   3. send what was given to Send, all of one turn in one write; if the link is down, drop it.
// wake_at() tells when a Tick is due.
//
// A branch:
//
//   (none) ──Execute──▶ working ──Prepare──▶ preparing ──yes──▶ prepared ──Commit──▶ committing ──▶
//   ended
//      └──────────Prepare with work───────────▲ │               │   ▲                   │  ▲ 42704
//                            lost ▼ │ settled   │ no            │   │ listed             ▼  │ in
//                            progress
//                              settling         └──▶ ended      │ (none)               proving ──▶
//                              ended
//                                                               └──Abort──▶ rolling_back ──▶ ended
//   working, preparing ──Abort, link lost──▶ dropping ──▶ ended
//   (none) ──verified, for an external Prepare──▶ prepared
//
//   prepared is the uncertainty window: nothing but the coordinator's word (or a person) ends it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "protocol/messages.hpp"
#include "protocol/time.hpp"

namespace assent {

// ---- database verbs (actions) and their completions (events)
// ---------------------------------------

// Runs statements in the branch's own connection; the first RunWork of a branch begins it.
struct RunWork {
  Gid gid;
  std::uint32_t seq = 0;
  Work work;
  Duration time_left{};
  bool operator==(const RunWork&) const = default;
};
struct WorkDone {
  Gid gid;
  std::uint32_t seq = 0;
  // After a Failure the branch's transaction is over and its connection released.
  std::variant<Results, Failure> result;
  bool operator==(const WorkDone&) const = default;
};

// Begins (where there is work), runs, and prepares. One round trip where possible.
struct PrepareBranch {
  Gid gid;
  std::optional<Work> work;  // absent: prepare the open branch
  Duration time_left{};
  bool operator==(const PrepareBranch&) const = default;
};
struct PrepareDone {
  struct Yes {  // the command tag was PREPARE TRANSACTION
    Xid xid = 0;
    Results results;
    bool operator==(const Yes&) const = default;
  };
  struct ReadOnly {  // it had no xid and was committed at once
    Results results;
    bool operator==(const ReadOnly&) const = default;
  };
  struct No {  // it certainly is not prepared and never will be
    Failure failure;
    bool operator==(const No&) const = default;
  };
  struct Refused {  // it is prepared, but must not be: an expectation failed. No vote was given yet
    Xid xid = 0;
    Failure failure;
    bool operator==(const Refused&) const = default;
  };
  struct Lost {  // the connection broke while PREPARE was under way: it may be prepared now, or
                 // later
    bool operator==(const Lost&) const = default;
  };
  Gid gid;
  std::variant<Yes, ReadOnly, No, Refused, Lost> result;
  bool operator==(const PrepareDone&) const = default;
};

// After Lost: ends the backend that ran the PREPARE, waits until it is gone, and only then looks.
// Completes when it knows, however long the database is away.
struct SettleLost {
  Gid gid;
  bool operator==(const SettleLost&) const = default;
};
struct Settled {
  Gid gid;
  std::optional<Xid> xid;  // present: it is prepared, with this xid
  bool operator==(const Settled&) const = default;
};

// Rolls back an open branch (never one that is prepared) and releases its connection. Running work
// is cancelled; its WorkDone, if one was due, still comes, before Dropped.
struct DropOpen {
  Gid gid;
  bool operator==(const DropOpen&) const = default;
};
struct Dropped {
  Gid gid;
  bool operator==(const Dropped&) const = default;
};

// Asks PostgreSQL to cancel the work under way for a PrepareBranch that nobody wants any more. Best
// effort; it has no completion of its own: the PrepareDone comes, sooner or later.
struct CancelPrepare {
  Gid gid;
  bool operator==(const CancelPrepare&) const = default;
};

// COMMIT PREPARED or ROLLBACK PREPARED, on a connection of phase two. Before a commit its line is
// written, as told and without a sync of its own; if that fails, the commit is not tried. So no
// commit is without its line, though a line may be without its commit.
struct FinishPrepared {
  Gid gid;
  Outcome outcome = Outcome::aborted;
  Sequence sequence = 0;  // commits only, for the line
  Xid xid = 0;            // …, if this server gave it out
  bool operator==(const FinishPrepared&) const = default;
};
struct FinishDone {
  enum class Result : std::uint8_t {
    done,         // the command tag said so
    no_such_gid,  // 42704: proves nothing by itself
    again,   // anything else: 55000 busy, connection lost, 57P01 …; says nothing of the outcome
    denied,  // 42501, 0A000, 25006: an operator must help; retried, slowly
  };
  Gid gid;
  Outcome outcome = Outcome::aborted;  // as asked
  Result result = Result::again;
  std::string message;  // PostgreSQL's, unless done
  bool operator==(const FinishDone&) const = default;
};

// pg_xact_status(xid), asked only where the server's identity is `server`. In progress it is as
// long as the gid is prepared: without that, the id is somebody else's, and the status unknown.
struct ReadStatus {
  Gid gid;
  Xid xid = 0;
  ServerIdentity server;
  bool operator==(const ReadStatus&) const = default;
};
struct StatusRead {
  enum class Status : std::uint8_t {
    committed,
    aborted,
    in_progress,
    unknown,      // too old, in the future, or another server or timeline: no witness
    unavailable,  // the question could not be asked; ask again
  };
  Gid gid;
  Status status = Status::unavailable;
  bool operator==(const StatusRead&) const = default;
};

// The journal's line says that a commit was decided of a branch that is prepared.
struct ToldCommit {
  Gid gid;
  Sequence sequence = 0;
  Xid xid = 0;  // of the transaction that was to be committed; 0: not known
  bool operator==(const ToldCommit&) const = default;
};

// Lists the prepared transactions of this database that carry this participant's name, from a
// primary.
struct ListPrepared {
  bool operator==(const ListPrepared&) const = default;
};
struct ListDone {
  std::vector<HeldBranch> held;
  std::vector<ToldCommit> told{};  // read after the list
  bool operator==(const ListDone&) const = default;
};
// The list could not be had (error, standby, connection lost). Nothing may be concluded from it.
struct ListFailed {
  std::string message;
  bool operator==(const ListFailed&) const = default;
};

// Makes a ledger's epoch durable in the database, if it is higher than what is there.
struct RaiseMark {
  Mark mark;
  bool operator==(const RaiseMark&) const = default;
};
struct MarkRaised {
  Mark mark;  // what the database holds now; a higher epoch or another life means: refused
  bool operator==(const MarkRaised&) const = default;
};
struct MarkFailed {
  LedgerId ledger;
  std::string message;
  bool operator==(const MarkFailed&) const = default;
};

// Writes outcomes into assent.outcome, over lines that were only told, and raises the marks'
// sequence numbers, in one transaction without a sync of its own. A commit that was carried out has
// its line already: it only raises its ledger's mark.
struct JournalLine {
  Gid gid;
  Outcome outcome = Outcome::aborted;  // what happened here
  Application application = Application::applied;
  Sequence sequence = 0;  // commits only
  bool operator==(const JournalLine&) const = default;
};
struct WriteJournal {
  std::uint64_t batch = 0;
  std::vector<JournalLine> lines;
  std::map<LedgerId, Sequence> up_to{};  // the highest of the commits that were carried out
  bool operator==(const WriteJournal&) const = default;
};
struct JournalWritten {
  std::uint64_t batch = 0;
  bool ok = false;  // not ok: the same lines are written again later
  bool operator==(const JournalWritten&) const = default;
};
struct ReadJournal {
  Gid gid;
  bool operator==(const ReadJournal&) const = default;
};
struct JournalRead {
  Gid gid;
  Knowledge knowledge = Knowledge::nothing;  // committed, aborted or nothing
  Sequence sequence = 0;
  bool available = false;                          // false: the question could not be asked
  Application application = Application::applied;  // as journalled
  // A line of before COMMIT PREPARED: a commit was decided. How it ended, only the id can say.
  bool told = false;
  Xid xid = 0;  // of such a line; 0: not known
  bool operator==(const JournalRead&) const = default;
};

// External: looks for a branch that the application has prepared, on a primary. `peers` and `ask`
// come back as they were given.
struct VerifyPrepared {
  Gid gid;
  std::uint32_t ask = 0;
  std::vector<std::string> peers;
  bool operator==(const VerifyPrepared&) const = default;
};
struct Verified {
  Gid gid;
  std::uint32_t ask = 0;
  std::vector<std::string> peers;
  // The xid: it is prepared in this database, and this participant may finish it. A Failure:
  // it is not (branch_not_prepared), or that could not be seen. Neither says what will be.
  std::variant<Xid, Failure> result;
  bool operator==(const Verified&) const = default;
};

// ---- events that are not completions
// ---------------------------------------------------------------

// The database can be worked with: this process holds the advisory lock of its name, every backend
// of its predecessor is gone, and only then were the marks and the prepared branches read.
struct DatabaseUp {
  ServerIdentity server;
  std::vector<Mark> marks;
  std::vector<HeldBranch> held;
  Xid next_xid = 0;  // higher than every id given out before; 0: not known
  std::vector<ToldCommit> told{};
  bool operator==(const DatabaseUp&) const = default;
};
struct DatabaseDown {
  std::string reason;
  bool operator==(const DatabaseDown&) const = default;
};

struct LinkOpened {
  bool operator==(const LinkOpened&) const = default;
};
struct LinkClosed {
  bool operator==(const LinkClosed&) const = default;
};
struct FromCoordinator {
  ToParticipant message;
  bool operator==(const FromCoordinator&) const = default;
};
struct ParticipantTick {
  bool operator==(const ParticipantTick&) const = default;
};

using ParticipantEvent =
    std::variant<DatabaseUp, DatabaseDown, LinkOpened, LinkClosed, FromCoordinator, WorkDone,
                 PrepareDone, Settled, Dropped, FinishDone, StatusRead, ListDone, ListFailed,
                 MarkRaised, MarkFailed, JournalWritten, JournalRead, Verified, ParticipantTick>;

// ---- actions that are not verbs
// --------------------------------------------------------------------

struct SendToCoordinator {
  ToCoordinator message;
  bool operator==(const SendToCoordinator&) const = default;
};
// The link must be closed and not used again until the next attempt: the coordinator is one this
// participant must not obey. `reason` is for the log and the operator.
struct CloseLink {
  std::string reason;
  bool operator==(const CloseLink&) const = default;
};
// Something a person must hear of. `gid` names the branch.
struct Alarm {
  Gid gid;
  std::string text;
  bool operator==(const Alarm&) const = default;
};

using ParticipantAction =
    std::variant<SendToCoordinator, CloseLink, Alarm, RunWork, PrepareBranch, SettleLost, DropOpen,
                 CancelPrepare, FinishPrepared, ReadStatus, ListPrepared, RaiseMark, WriteJournal,
                 ReadJournal, VerifyPrepared>;

// ---- state
// -----------------------------------------------------------------------------------------

enum class BranchState : std::uint8_t {
  working,       // interactive: open, with or without a statement running
  preparing,     // PREPARE is under way; no vote given
  settling,      // PREPARE's connection was lost; no vote given
  dropping,      // open, being rolled back; no vote given
  prepared,      // bound to the decision: in doubt
  committing,    // decided: COMMIT PREPARED under way or to be tried again
  rolling_back,  // decided, or refused before a vote: ROLLBACK PREPARED under way or to be tried
                 // again
  proving,       // the gid is gone; the commit log is asked
  denied,  // as committing/rolling_back, but PostgreSQL says this role may not: an operator must
           // help
};
std::string_view to_string(BranchState state);

struct Branch {
  BranchState state = BranchState::working;
  Gid gid;
  std::vector<std::string> peers;
  Xid xid = 0;            // once known
  ServerIdentity server;  // where the xid means something
  std::uint32_t seq = 0;  // of the last Execute
  bool busy = false;      // a verb is under way for this branch
  bool unwanted = false;  // Abort came, or the link went, while preparing or settling
  bool missing = false;   // prepared, but not in the last list of what the database holds
  std::optional<Outcome> decided;
  Sequence sequence = 0;  // of the commit
  // Decided, but of another transaction than `xid`, which was prepared under the same gid and is
  // being rolled back: then it is proved how this one ended. 0: none.
  Xid decided_xid = 0;
  // What this process has last voted yes for, and where that id means something. 0: nothing.
  Xid voted_xid = 0;
  ServerIdentity voted_server;
  Instant since{};     // in this state
  Instant retry_at{};  // inquiry or next attempt
  std::uint32_t attempts = 0;
  Sequence journalled_before = 0;  // the mark journalled when the finishing verb was issued
  std::string trouble;             // the last refusal by PostgreSQL, for people
  bool operator==(const Branch&) const = default;
};

// A branch that ended: what a late or repeated message is answered from.
struct EndedBranch {
  Gid gid;
  Knowledge knowledge = Knowledge::nothing;
  Application application = Application::applied;
  Sequence sequence = 0;
  Xid xid = 0;  // 0: not known
  bool operator==(const EndedBranch&) const = default;
};

struct ParticipantLimits {
  std::size_t open_branches = 1000;  // more are refused with `overloaded`
  // Ended branches remembered; new work is refused while as many lines wait for the journal.
  std::size_t ended_kept = 20'000;
  Duration inquiry_interval{1000};  // in doubt: how often to ask
  Duration sweep_interval{4000};    // how often to look for prepared branches nobody works on
  Duration retry_first{50};         // phase two: first pause after a failure, doubled up to …
  Duration retry_longest{5000};
  Duration journal_interval{200};
  std::size_t journal_batch = 500;
  bool operator==(const ParticipantLimits&) const = default;
};

class ParticipantMachine {
 public:
  ParticipantMachine(std::string name, ParticipantLimits limits);

  // Total: takes every event in every state, never throws but for want of memory.
  void step(const ParticipantEvent& event, Now now, std::vector<ParticipantAction>& out);
  // When the next Tick is due; nullopt: nothing waits for time.
  std::optional<Instant> wake_at() const;

  enum class LinkState : std::uint8_t {
    down,
    waiting,   // open, but the database is away: nothing to say hello with
    greeting,  // said hello
    raising,   // welcomed; the epoch is being made durable
    ready,
  };
  const std::string& name() const { return name_; }
  LinkState link() const { return link_; }
  bool database_up() const { return database_up_; }
  const ServerIdentity& server() const { return server_; }
  const std::map<Gid, Branch>& branches() const { return branches_; }
  const std::deque<EndedBranch>& ended() const { return ended_; }
  const std::map<LedgerId, Mark>& marks() const { return marks_; }
  // Nothing is under way and nothing waits to be journalled.
  bool idle() const;

  bool operator==(const ParticipantMachine&) const = default;

 private:
  friend struct ParticipantStep;
  friend class TextForm;

  std::string name_;
  ParticipantLimits limits_;

  LinkState link_ = LinkState::down;
  Welcome coordinator_;  // of the link, from greeting on

  bool database_up_ = false;
  ServerIdentity server_;
  std::map<LedgerId, Mark> marks_;
  Xid next_xid_ = 0;  // see Hello

  std::map<Gid, Branch> branches_;
  std::deque<EndedBranch> ended_;
  std::map<Gid, std::size_t>
      ended_index_;  // gid → number of the entry; entry i is ended_[i - ended_first_]
  std::size_t ended_first_ = 0;

  std::set<std::pair<Instant, Gid>> timers_;  // (retry_at, gid) of every branch that has one

  bool listing_ = false;
  Instant listing_at_{};  // when the list was asked for
  std::set<Gid> ended_while_listing_;
  Instant sweep_at_{};

  std::vector<JournalLine> journal_;         // to be written
  std::vector<JournalLine> journal_flying_;  // being written
  std::map<LedgerId, Sequence> up_to_;       // commits that the marks are to show
  std::map<LedgerId, Sequence> up_to_flying_;
  bool writing_ = false;
  std::uint64_t journal_batch_ = 0;
  Instant journal_at_{};
  std::map<LedgerId, Sequence> journalled_;  // written without a sync
  std::map<LedgerId, Sequence> durable_;     // … and followed by a synced commit
};

}  // namespace assent
