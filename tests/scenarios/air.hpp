// What is on its way between the parties of a scenario: messages on links, verbs to a database and
// what comes of them, answers to clients.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "protocol/coordinator_machine.hpp"
#include "protocol/participant_machine.hpp"
#include "tests/scenarios/names.hpp"

namespace assent::scenarios {

// A line of a scenario that cannot be obeyed. The text says what to do next.
struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// From a participant's dialling until both ends know that it is broken.
struct Link {
  std::string coordinator;
  std::string participant;
  Epoch epoch = 0;  // of the coordinator at its end
  bool at_coordinator = true;
  bool at_participant = true;
};

using Cargo =
    std::variant<ToParticipant, ToCoordinator, ParticipantAction, ParticipantEvent, Reply>;

struct Message {
  std::string kind;      // "Prepare"
  std::string tx;        // "t1"; empty where it is not about one
  std::string from, to;  // "coordinator", "orders", "orders.database", "client"
  Cargo cargo;
  std::shared_ptr<Link> link;               // of what travels on one
  std::optional<ParticipantEvent> if_lost;  // what a participant is told when its database is gone
  Instant deadline{};                       // of a verb with one
  bool held = false;                        // until it is delivered by name
  bool waits = false;                       // for a row's lock, or for its database to return

  bool is_of_database() const;
  std::string brief() const;  // "Commit t1 to orders"
};

Message make_message(std::string from, std::string to, Cargo cargo, const Names& names);

// "commit t1 to orders": what a command means of all that is in the air. What is empty is any.
struct Pattern {
  std::string kind, tx, from, to, at;
  std::string text;
  int line = 0;
  int used = 0;
  bool matches(const Message& message) const;
};

// From the words after "deliver", "hold" …; refuses a kind of message that does not exist.
Pattern parse_pattern(const std::vector<std::string>& words, int line);
bool same_word(const std::string& a, const std::string& b);

}  // namespace assent::scenarios
