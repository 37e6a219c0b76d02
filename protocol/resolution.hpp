// What a person decides where nobody else can: the decision, what it would do, and that damage has
// been seen. Values; protocol/coordinator_resolution.cpp decides with them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/messages.hpp"
#include "protocol/problem.hpp"

namespace assent {

// An operator's decision, durable. It holds for ever: what is heard afterwards is compared with it.
struct Resolution {
  Outcome outcome = Outcome::aborted;
  std::string by;      // who decided, and …
  std::string reason;  // … why, in their words
  std::int64_t wall_ms = 0;
  // Nobody knows how it ended there. They are asked until they say so.
  std::set<std::string> unheard;
  bool operator==(const Resolution&) const = default;
};

// An operator has seen the damage at these participants. It stays recorded and shown, and alarms no
// more.
struct Acknowledgement {
  std::vector<std::string> participants;
  std::string by;
  std::string reason;
  std::int64_t wall_ms = 0;
  bool operator==(const Acknowledgement&) const = default;
};

// What a decision does to one branch.
enum class BranchEffect : std::uint8_t {
  none,       // it has ended, or there is nothing of it
  commit,     // it is committed, now or when its participant is back
  roll_back,  // likewise
  prove,      // it was prepared and is gone; it is found out how it ended
  ask,        // not heard of; if it is prepared there, it follows the decision
};
std::string_view to_string(BranchEffect effect);

struct EffectOnBranch {
  std::string participant;
  std::string known;  // what is known of the branch, in one word
  BranchEffect effect = BranchEffect::none;
  bool operator==(const EffectOnBranch&) const = default;
};

// What asking for a decision would do at this moment; it is by the same look that it is done.
struct ResolutionPreview {
  std::optional<Failure> refusal;  // it would be refused, for this reason
  Fate fate = Fate::unknown;       // what can be said of the transaction now
  bool records = false;            // a decision is written into the ledger
  std::string why;                 // it is in doubt; empty: it is not
  std::vector<EffectOnBranch> branches;

  // "orders=prepared,stock=unheard": what was known. Who decides hands it back, so that nothing
  // else is decided than what was looked at.
  std::string seen() const;
  bool operator==(const ResolutionPreview&) const = default;
};

}  // namespace assent
