// What coordinator and participant say to each other. Plain values; protocol/codec.hpp gives them
// bytes.
//
// A conversation on one link:
//
//   participant                                   coordinator
//     Hello   who I am, what I have seen     ──▶    refuses, or stops itself if I have seen a
//     higher epoch
//             ◀── Welcome  ledger, epoch, life
//     (makes the epoch durable: nothing of a lower one can have effect here any more)
//     Ready   what I hold prepared           ──▶    rules on each gid it may rule on
//             ◀── Execute / Prepare / Commit / Abort / Ask
//     Executed / Vote / Applied / Inquiry / Evidence ──▶
//
// Everything after Ready tolerates loss, duplication, reordering and delay.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/problem.hpp"
#include "protocol/time.hpp"

namespace assent {

// Statements and their options, and their results: bytes of assent.wire.Work and
// assent.wire.Results. The protocol carries them and never looks inside.
struct Work {
  std::string bytes;
  bool operator==(const Work&) const = default;
};
struct Results {
  std::string bytes;
  bool operator==(const Results&) const = default;
};

enum class Outcome : std::uint8_t { committed, aborted };
std::string_view to_string(Outcome outcome);

// How high a participant has seen a ledger count. Kept durably in the participant's database.
struct Mark {
  LedgerId ledger;
  Epoch epoch = 0;
  Uuid life;  // tells two starts that took the same epoch apart (an original and its copy)
  Sequence sequence = 0;  // the highest commit sequence number applied here
  bool operator==(const Mark&) const = default;
};

// A branch found prepared in a participant's database.
struct HeldBranch {
  Gid gid;
  Xid xid = 0;
  std::vector<std::string> peers;  // the transaction's participants; empty where no longer known
  bool operator==(const HeldBranch&) const = default;
};

// ---- link
// ------------------------------------------------------------------------------------------

struct Hello {
  std::string participant;
  ServerIdentity server;
  std::vector<Mark> marks;
  // Higher than every transaction id that the database had given out, also to what it voted for. An
  // id that was voted and is not below it is of a history that is gone. 0: not told.
  Xid next_xid = 0;
  bool operator==(const Hello&) const = default;
};

struct Welcome {
  LedgerId ledger;
  Epoch epoch = 0;
  Uuid life;
  bool operator==(const Welcome&) const = default;
};

// The participant has made the epoch durable. `mark` is its mark for this ledger, from its
// database.
struct Ready {
  Mark mark;
  ServerIdentity server;
  std::vector<HeldBranch> held;
  bool operator==(const Ready&) const = default;
};

// ---- coordinator to participant
// --------------------------------------------------------------------

// Runs statements in an open (interactive) branch; the first one begins it.
struct Execute {
  Gid gid;
  std::uint32_t seq = 0;
  Work work;
  Duration time_left{};  // until the transaction's deadline
  bool operator==(const Execute&) const = default;
};

// Asks for a vote. With `work`: begin, run and prepare at once (one-shot). Without: prepare the
// open branch. With `ask`: the application prepares the branch (external); only look whether it
// has.
struct Prepare {
  Gid gid;
  std::optional<Work> work;
  std::vector<std::string> peers;
  Duration time_left{};
  // External: how often the commit has been asked for, this time among them; 0: not external. The
  // vote repeats it, so that what was seen for an earlier asking is not taken for what is there
  // now.
  std::uint32_t ask = 0;
  bool operator==(const Prepare&) const = default;
};

// The decision, or the answer to an inquiry. A coordinator that may not say either says nothing.
struct Commit {
  Gid gid;
  Sequence sequence = 0;
  Xid xid = 0;            // as voted: the witness where the gid is gone
  ServerIdentity server;  // where the xid means something
  bool operator==(const Commit&) const = default;
};
struct Abort {
  Gid gid;
  Xid xid = 0;              // as voted yes; 0: no such vote was heard
  ServerIdentity server{};  // with the xid only
  bool external = false;    // the application may have prepared it unseen: look now
  bool operator==(const Abort&) const = default;
};

// A ledger that may have lost its last records asks what a participant knows of a transaction.
struct Ask {
  Gid gid;
  bool operator==(const Ask&) const = default;
};

// ---- participant to coordinator
// --------------------------------------------------------------------

struct Executed {
  Gid gid;
  std::uint32_t seq = 0;
  std::variant<Results, Failure> result;
  bool operator==(const Executed&) const = default;
};

enum class Verdict : std::uint8_t {
  yes,        // prepared; bound to the decision until it comes
  read_only,  // nothing to commit: it has ended and takes no part in phase two
  no,         // it has ended, or will without being told
  not_yet,    // external: not seen prepared. Nothing has ended and nothing is promised; ask again
};
std::string_view to_string(Verdict verdict);

struct Vote {
  Gid gid;
  Verdict verdict = Verdict::no;
  Xid xid = 0;                     // yes only
  ServerIdentity server;           // yes only
  std::optional<Results> results;  // of a one-shot branch, unless no
  std::optional<Failure> failure;  // no and not_yet only
  std::uint32_t ask = 0;           // of the Prepare that it answers
  bool operator==(const Vote&) const = default;
};

// What became of a decided branch.
enum class Application : std::uint8_t {
  applied,    // as decided, by this participant
  proved,     // as decided, by somebody else; PostgreSQL's commit log is the witness
  heuristic,  // the other way, by hand: the databases differ
  unproven,   // gone, and no witness is left to say which way
};
std::string_view to_string(Application application);

struct Applied {
  Gid gid;
  Outcome outcome = Outcome::aborted;  // the one decided
  Application application = Application::applied;
  Sequence durable_mark = 0;  // this participant's mark can never again be found below this
  // From PREPARE done to its end done, by the participant's host; 0: not measured. For people.
  std::uint64_t locks_held_us = 0;
  bool operator==(const Applied&) const = default;
};

// "I hold this prepared and do not know the outcome."
struct Inquiry {
  Gid gid;
  std::vector<std::string> peers;
  bool operator==(const Inquiry&) const = default;
};

enum class Knowledge : std::uint8_t {
  committed,  // it was applied here
  aborted,    // it was rolled back here on the ledger's word, or was refused and will never be
              // prepared here
  prepared,   // it is in doubt here
  nothing,    // no trace of it: not evidence of anything
};
std::string_view to_string(Knowledge knowledge);

struct Evidence {
  Gid gid;
  Knowledge knowledge = Knowledge::nothing;
  Sequence sequence = 0;  // committed only; 0 where not known
  bool operator==(const Evidence&) const = default;
};

using ToParticipant = std::variant<Welcome, Execute, Prepare, Commit, Abort, Ask>;
using ToCoordinator = std::variant<Hello, Ready, Executed, Vote, Applied, Inquiry, Evidence>;

}  // namespace assent
