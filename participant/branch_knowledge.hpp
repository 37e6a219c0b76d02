// What a participant knows of a prepared transaction, in words: how it stands, what would free it
// and what that would do.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace assent {

struct PreparedRow;
class ParticipantMachine;

struct BranchKnowledge {
  bool ours = false;         // of this participant
  std::string state;         // in_doubt, unknown, preparing, applying, denied, foreign
  std::string text;          // for people
  std::string frees_by;      // coordinator, participant, decision, database, operator
  std::string frees;         // what would free it
  std::string then;          // what that would do
  std::size_t attempts = 0;  // of phase two, that failed
};

// `away`: how long there has been no link; nullopt: there is one, to the coordinator of `ledger`.
BranchKnowledge knowledge_of(const PreparedRow& row, const ParticipantMachine& machine,
                             std::optional<std::chrono::milliseconds> away,
                             const std::optional<LedgerId>& ledger);

}  // namespace assent
