// PostgreSQL as the explorer knows it: one transaction's branch at one participant.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/invariants.hpp"
#include "protocol/participant_machine.hpp"

namespace assent::explore {

// What happened in a database, for the observer.
struct Fact {
  enum class Kind : std::uint8_t { prepared, ended, raised };
  Kind kind = Kind::prepared;
  Gid gid;
  Outcome outcome = Outcome::aborted;
  Mark mark;
};
std::string to_text(const Fact& fact);

struct Database {
  std::vector<StatusRead::Status> xids;  // of transactions kFirstXid, kFirstXid + 1 …
  std::optional<Xid> prepared;           // holds the branch, under this xid
  Gid gid;                               // of what is or was prepared
  std::optional<Mark> mark;
  std::optional<Mark> durable_mark;
  std::optional<JournalLine> journal;
  bool journal_durable = false;
  std::optional<FinishPrepared> told;  // the line of before COMMIT PREPARED
  bool told_durable = false;

  static constexpr Xid kFirstXid = 700;
  static ServerIdentity identity() { return {7, 1, "shop"}; }

  std::vector<HeldBranch> list() const;
  std::vector<ToldCommit> told_of_held() const;
  bool has_unsynced() const;
  void tell(const FinishPrepared& verb);
  void sync();
  void lose_unsynced();
};
std::string to_text(const Database& database);

// One way a verb may come out.
struct Effect {
  Database after;
  ParticipantEvent completion;
  std::vector<Fact> facts;
  bool in_part = false;  // the connection was lost meanwhile: nobody waits for the completion
};
// Every way, the expected one first. For PrepareBranch also those without success: a statement that
// fails, a branch without writes, an expectation that is not met.
std::vector<Effect> carry_out(const Database& database, const ParticipantAction& verb);

// What the participant is told of a verb when the connection is lost before its answer;
// `sent`: it may have been carried out.
ParticipantEvent told_when_lost(const ParticipantAction& verb, bool sent);
// It may have an effect after nobody waits for it any more.
bool has_effect(const ParticipantAction& verb);

}  // namespace assent::explore
