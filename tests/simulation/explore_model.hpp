// One installation with one transaction, as states and steps: the real machines, driven as their
// hosts drive them, between a network, a log and databases that do everything they may.
//
// What may happen, in any order:
//   - a message arrives, whichever of those on the way on its link. Hello, Welcome and Ready come
//     before what was sent after them: a link begins in order. The same message sent twice while
//     it is on its way is one message; that it comes twice is a fault (`duplicates`);
//   - the log makes some more of its records durable and says so;
//   - a database carries out a verb, in any way it may come out, and later its answer arrives;
//   - a timer is due. No time passes otherwise, and any time may pass: that is every order of
//     timers and other events, since no two timers of a machine run at a time here but for the
//     finished transaction's, and the sweep's, which has a step of its own;
//   - an end of a broken link notices; a participant dials; who has crashed starts again;
//   - the client asks how the transaction ended.
// Nothing is on the way any more when a finished transaction is forgotten (P12).
// And these faults, so many of each: a crash (the coordinator, and with it any records that are
// not durable; a participant; a database; the connection between these two), a break (a link, the
// log's room for a record), a message that is lost, a message that comes twice.
// `unreliable` counts no losses and no duplicates: there may be any number of both. Then a message
// that was sent on a link stays there until the link ends, may arrive again and again, and may
// never arrive. That is every loss and every duplicate at once, and fewer states: nobody has to
// remember which of them have arrived. See explore_network.cpp for what follows from it.
//
// What needs no step of its own:
//   - a crash between two actions of one step. What was logged may be lost, what was sent dies
//     with its link, and a verb that was asked for may not be carried out: it is the crash after;
//   - records durable and Logged not told: it is the crash that loses no record;
//   - a new link before the old one's end was noticed: nothing passes on it before Hello, which
//     makes the coordinator's host notice first.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/invariants.hpp"
#include "tests/simulation/explore_database.hpp"
#include "tests/simulation/explore_tables.hpp"
#include "tests/simulation/world.hpp"

namespace assent::explore {

using simulation::Plant;

constexpr std::size_t kMostParticipants = 3;

struct Bounds {
  std::size_t participants = 2;
  unsigned crashes = 2;
  unsigned breaks = 0;
  unsigned losses = 0;
  unsigned duplicates = 0;
  unsigned sweeps = 0;
  bool sound_databases = false;  // crashes are those of the coordinator and the participants
  bool saturated = true;  // `unreliable` only; false: also what explore_network.cpp leaves out
  bool unreliable = false;
  Plant plant = Plant::none;
};

// A link, and whether the participant has its database. Numbers in a Site.
struct Link {
  bool open_at_participant = false;
  bool open_at_coordinator = false;
  bool named = false;   // the coordinator has heard Hello
  bool broken = false;  // nothing that is sent from now on arrives
  bool has_database = false;
  Epoch epoch = 0;  // of the coordinator at the other end

  bool carries() const { return open_at_participant && open_at_coordinator && !broken; }
  std::uint64_t packed() const;
};

// A participant, its database, and what is on the way between it and others.
struct Site {
  Id machine = 0;
  Id database = 0;
  Link link;
  std::vector<Id> tasks;  // verbs at the database
  std::vector<Id> to_coordinator;
  std::vector<Id> to_participant;
};

// A verb from when it was asked for until its answer has arrived.
struct Task {
  ParticipantAction verb;
  std::optional<ParticipantEvent> answer;
  bool orphan = false;  // nobody waits for the answer; it may be carried out all the same
};

struct State {
  Id coordinator = 0;  // 0: it is down
  Id ledger = 0;
  Id observer = 0;
  std::uint32_t budget = 0;
  std::array<Id, kMostParticipants> sites{};
  bool operator==(const State&) const = default;
};

enum class Fault : std::uint8_t { crash, loss, duplicate, sweep, breakage };
unsigned left_of(std::uint32_t budget, Fault fault);

// A step out of a state: where it leads and how it reads.
struct Step {
  State to;
  bool is_fault = false;
  std::vector<Violation> violations;
  std::vector<std::string> text;  // only if asked for
};

class Model {
 public:
  explicit Model(const Bounds& bounds);
  ~Model();

  // Everybody is up and ready, and the client has begun the transaction.
  State initial();
  // Calls `take` with every step that is possible in `from`.
  void steps(const State& from, const std::function<void(Step&)>& take, bool with_text = false);
  // Nothing of the transaction is left to do, and everybody is up and ready.
  bool at_rest(const State& state);
  // What has become of the transaction, here and there, in words.
  std::string end_of(const State& state) const;
  std::vector<Violation> violations_at_rest(const State& state);
  // The same for two states that differ only by which participant is which.
  std::array<std::uint64_t, 2> fingerprint(const State& state);
  // How many different coordinators, participants … were met.
  std::string census() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assent::explore
