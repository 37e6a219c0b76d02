// What a ledger remembers. docs/LOG_FORMAT.md describes the bytes around these.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/messages.hpp"

namespace assent {

// A client's Idempotency-Key and the request it stands for, both as SHA-256 cut to 16 bytes.
struct RequestKey {
  std::array<std::uint8_t, 16> key{};
  std::array<std::uint8_t, 16> body{};
  // When the client first sent the request, as it says; 0: it does not.
  std::int64_t first_sent_ms = 0;
  bool operator==(const RequestKey&) const = default;
};

// Where a ledger lives. A start that finds itself elsewhere (copied, moved, put back) is careful.
struct Place {
  std::string machine_id;    // /etc/machine-id; empty where there is none
  std::uint64_t device = 0;  // of the ledger's folder
  std::uint64_t inode = 0;   // of the ledger's folder
  bool operator==(const Place&) const = default;
};

// A start of a coordinator. Durable before anything is accepted.
struct EpochRecord {
  Epoch epoch = 0;
  Uuid life;
  Place place;
  std::int64_t wall_ms = 0;
  // The last commit sequence number known when this epoch began; 0: count the records before this
  // one.
  Sequence sequence = 0;
  // Gids of epochs below this are not presumed aborted without asking: the ledger was moved,
  // copied, torn or put back at that start. Inherited by every later start. 0: none.
  Epoch careful_below = 0;
  // … and not even then, but only on evidence: a participant has seen commits that this ledger does
  // not hold.
  Epoch contradicted_below = 0;
  // Transactions with an id made at or before this time may have committed and been forgotten
  // since.
  std::int64_t forgotten_wall_ms = 0;
  // Likewise: requests first sent at or before this time may have committed under a key that has
  // been forgotten since.
  std::int64_t forgotten_key_ms = 0;
  bool operator==(const EpochRecord&) const = default;
};

// A participant this ledger has ever worked with. Durable before the first work is sent to it, so
// that a careful ledger knows whom to ask.
struct MemberRecord {
  std::string participant;
  ServerIdentity server;
  // Its database was put back or has failed over: prepared branches of epochs below this may be
  // revenants of transactions that committed and were forgotten, and are not presumed aborted. 0:
  // never happened.
  Epoch rewound_below = 0;
  // The last commit sequence number known when its database was last seen to have been put back:
  // the transaction ids of these commits mean nothing there any more. 0: never happened.
  Sequence witness_after = 0;
  bool operator==(const MemberRecord&) const = default;
};

struct DecidedBranch {
  std::string participant;
  Xid xid = 0;
  ServerIdentity server;
  bool operator==(const DecidedBranch&) const = default;
};

// The decision. Durable before anyone hears "commit". Read-only branches are not in it.
struct CommitRecord {
  TxId tx;
  Epoch epoch = 0;  // the epoch in the branches' gids
  Sequence sequence = 0;
  std::vector<DecidedBranch> branches;
  std::optional<RequestKey> key;
  std::string labels;  // the client's labels, JSON text
  std::int64_t wall_ms = 0;
  bool operator==(const CommitRecord&) const = default;
};

// Every branch has durably applied, but for those whose HeuristicRecord stands before this; nobody
// will ask again. `marks` are the participants' durable
// marks: a participant found below its own has been put back from a backup.
struct EndRecord {
  struct ParticipantMark {
    std::string participant;
    Sequence sequence = 0;
    bool operator==(const ParticipantMark&) const = default;
  };
  TxId tx;
  Sequence sequence = 0;
  std::vector<ParticipantMark> marks;
  bool operator==(const EndRecord&) const = default;
};

// A branch that ended against the decision, or of which nobody can say how it ended. Kept for ever.
struct HeuristicRecord {
  TxId tx;
  std::string participant;
  Outcome decided = Outcome::committed;
  Application application = Application::heuristic;
  std::int64_t wall_ms = 0;
  bool operator==(const HeuristicRecord&) const = default;
};

// An operator's decision of a transaction that this ledger had no record of. One record, so that no
// crash leaves half of it. Durable before anyone hears of it, and kept for ever: the ledger cannot
// tell by its own lights which way it went.
struct ResolutionRecord {
  TxId tx;
  Epoch epoch = 0;  // the epoch in the branches' gids
  Outcome outcome = Outcome::aborted;
  // Of a commit, its own. Of an abort, the last one known: what was voted is older.
  Sequence sequence = 0;
  std::vector<DecidedBranch> branches;  // known to be prepared
  std::vector<std::string> unheard;     // nobody knows what is there; asked until they say so
  std::string by;
  std::string reason;
  std::int64_t wall_ms = 0;
  bool operator==(const ResolutionRecord&) const = default;
};

// An operator has seen the damage of these branches. Kept as long as the damage is: for ever.
struct AcknowledgementRecord {
  TxId tx;
  std::vector<std::string> participants;
  std::string by;
  std::string reason;
  std::int64_t wall_ms = 0;
  bool operator==(const AcknowledgementRecord&) const = default;
};

using LogRecord = std::variant<EpochRecord, MemberRecord, CommitRecord, EndRecord, HeuristicRecord,
                               ResolutionRecord, AcknowledgementRecord>;

// Whether anybody waits for the record to be on disk. Nobody does for the end of a transaction:
// until it is there, a start tells the participants once more what they have done. So it needs no
// sync of its own.
inline bool is_awaited(const LogRecord& record) {
  return !std::holds_alternative<EndRecord>(record);
}

// What the reader of a log found beyond its records.
enum class Tail : std::uint8_t {
  clean,  // the last record is whole, and nothing but zeros follows
  torn,   // bytes of an incomplete or damaged last record follow; they are not among the records
};

// What a coordinator knows when it starts.
struct Recovered {
  LedgerId ledger;
  // In order, without this start's own EpochRecord; empty where CoordinatorRecovery took them.
  std::vector<LogRecord> records;
  Tail tail = Tail::clean;
  bool same_place = true;  // the last EpochRecord was written on this machine, in this folder
  bool restored = false;   // the operator said so (--restored)
  bool operator==(const Recovered&) const = default;
};

}  // namespace assent
