// What must hold whatever happens, as checks over the machines and over what was seen to happen.
//
//   I1  no Commit leaves before its record is durable, nor anything of an operator's decision
//   I2  a commit record is written only after all voted yes
//   I3  a decision never changes, an operator's neither
//   I4  no two branches of a transaction end differently, unless by hand or by a database that was
//       put back, or an operator decided what had been carried out; and then it is reported
//   I5  the reply equals the decision
//   I6  no branch is ended after its yes without the decision
//   I7  nothing of a lower epoch has effect after a higher one was seen
//   I8  a commit record is forgotten only after every branch has durably applied
//   I9  "unknown, therefore aborted" is never said of what was committed
//   I10 once faults end, nothing stays prepared and everything returns to rest
//
// check() looks at one machine and is cheap enough for debug builds of the daemons. The Observer
// looks at a whole installation: it is for simulators and tests, which know what every party did.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/coordinator_machine.hpp"
#include "protocol/participant_machine.hpp"

namespace assent {

struct Violation {
  std::string invariant;  // "I4"
  std::string what;       // one sentence, with the ids
};

// What must hold in one machine between two steps.
std::vector<Violation> check(const CoordinatorMachine& machine);
std::vector<Violation> check(const ParticipantMachine& machine);

// I10 for one machine: what is still under way. Damage and what waits for an operator is at rest.
std::vector<Violation> check_at_rest(const CoordinatorMachine& machine);
std::vector<Violation> check_at_rest(const ParticipantMachine& machine);

// How a prepared branch came to its end in the database.
enum class EndedBy : std::uint8_t { participant, hand };

// Is told everything, in the order it happened, and finds what contradicts an invariant.
class Observer {
 public:
  // ---- coordinators
  void coordinator_took(const CoordinatorEvent& event, Epoch epoch);
  void coordinator_did(const CoordinatorAction& action, const CoordinatorMachine& after);
  // `competed`: somebody else decides with a copy of this ledger, so that what it records may be
  // lost.
  void record_durable(const LogRecord& record, bool competed);
  // The ledger lost these records: what it had decided may be decided anew, but for all branches
  // alike, and the replies already given are void.
  void commits_lost(const std::set<TxId>& lost);

  // ---- participants; `from` is the epoch of the coordinator that the event came from, if it did
  void participant_took(const std::string& name, const ParticipantEvent& event, Epoch from);
  void participant_did(const std::string& name, const ParticipantAction& action);

  // ---- databases
  void mark_raised(const std::string& name, const Mark& mark);
  void branch_prepared(const Gid& gid, Xid xid = 0);
  void branch_ended(const Gid& gid, Outcome outcome, EndedBy by);
  // The server lost the branch (failover), or went back in time altogether.
  void branch_lost(const Gid& gid);
  // … to a state in which it held these, and these had ended.
  void database_put_back(const std::string& name, const std::map<Gid, Xid>& prepared,
                         const std::map<Gid, Outcome>& ended);

  // ---- the end
  // No more faults and everything at rest: what nobody may be left with.
  void at_rest(const CoordinatorMachine& coordinator);

  // A violation found elsewhere, such as by check().
  void report(Violation violation) { violations_.push_back(std::move(violation)); }
  const std::vector<Violation>& violations() const { return violations_; }
  // All that it goes by from here on, in lines. Observers of equal memory find the same, though
  // they may name another party as the first that was told.
  std::string memory() const;
  bool is_committed(const TxId& tx) const;
  // An operator has decided it, whatever its votes were.
  bool is_resolved(const TxId& tx) const;
  // Somebody interfered with the branch, or its database lost it: its outcome is its own.
  bool is_excused(const TxId& tx, const std::string& participant) const;
  // The id that the branch voted yes with last; 0: it has not.
  Xid promised_xid(const Gid& gid) const;

 private:
  struct Branch {
    bool asked = false;            // was given work or asked to prepare
    std::uint32_t ask = 0;         // external: the last asking
    std::optional<Verdict> voted;  // as the coordinator heard it; external: of the last asking
    bool promised = false;         // sent yes
    bool told_commit = false;      // heard from a coordinator
    bool told_abort = false;
    bool told_since = false;         // either, since it was prepared
    bool knows_nothing = false;      // has said so since then: of an abort that was not journalled
    bool prepared = false;           // in the database, now
    std::optional<Outcome> outcome;  // in the database, once prepared
    bool again = false;              // what voted has ended, and another is prepared under its gid
    Xid prepared_xid = 0;            // that was prepared last; 0: not known
    Xid promised_xid = 0;            // that it voted yes with last
    bool by_hand = false;
    bool unseen = false;            // by hand, what an application had prepared and had not voted
    bool excused = false;           // lost or put back by its database
    bool put_back = false;          // the latter
    std::optional<Outcome> undone;  // how it had ended before that, or another was prepared
    bool damage_written = false;    // durable in a ledger, though perhaps in one of two
    bool recorded = false;          // its damage is durable in the ledger
  };
  // An operator's decision that was asked for, by the coordinator of that epoch.
  struct Resolving {
    Outcome outcome = Outcome::aborted;
    Epoch epoch = 0;
    RecordNumber number = 0;
  };
  struct History {
    std::map<std::string, Branch> branches;
    std::optional<CommitRecord> commit;  // durable
    bool void_commit = false;            // … but lost with its ledger
    bool was_lost = false;               // … at some time; what stands there may be found again
    std::optional<std::string> aborted;  // who was told, first
    bool told_committed = false;
    bool ended = false;                  // an End of it was written: it may be forgotten
    std::optional<Resolving> resolving;  // not durable
    std::optional<Outcome> resolution;   // durable
    bool resolved = false;  // … once; with its ledger it may be lost. What was before is void
    std::set<std::string> acknowledged;  // durably
  };

  History& of(const TxId& tx) { return histories_[tx]; }
  Branch& of(const Gid& gid) { return histories_[gid.tx].branches[gid.participant]; }
  void violated(std::string invariant, std::string what);
  void asked_to_vote(const Prepare& message);
  static void promised_anew(Branch& branch);
  void commit_told(const TxId& tx, const std::string& whom);
  void abort_told(const TxId& tx, const std::string& whom);
  void replied(const Reply& reply, const CoordinatorMachine& after);
  void commit_asked(const CommitRecord& record, Epoch epoch);
  void end_asked(const EndRecord& record);
  void compare_branches(const Gid& gid);
  bool recorded_as_promised(const Gid& gid);
  void finishing(const FinishPrepared& verb);
  // invariants_resolution.cpp
  void resolution_asked(const ResolutionRecord& record, RecordNumber number, Epoch epoch);
  void resolution_durable(const ResolutionRecord& record, bool competed);
  void resolution_refused(RecordNumber number, Epoch epoch);
  void told_of_resolution(const TxId& tx, Outcome outcome, const std::string& whom);
  void acknowledgement_shown(const Transaction& tx);
  void resolved_at_rest(const TxId& tx, const CoordinatorMachine& coordinator);
  void claimed(const Applied& message);

  std::map<TxId, History> histories_;
  std::map<std::string, std::map<LedgerId, Mark>> marks_;  // durable, by participant
  std::vector<Violation> violations_;
  Epoch speaking_ = 0;  // of the coordinator whose actions are told
};

}  // namespace assent
