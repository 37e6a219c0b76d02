// Transactions as the API shows them.
#pragma once

#include <string>
#include <string_view>

#include "protocol/coordinator_machine.hpp"

namespace assent {

// A branch's state in the API's words: working, preparing, prepared, read_only, refused, pending,
// applied, heuristic, unproven.
std::string_view branch_state(BranchPhase phase);

// A branch is, or may be, prepared and has not heard the outcome: it holds its locks.
bool in_doubt(const Transaction& tx);

enum class Detail {
  summary,  // in lists
  full,     // with results
};
void append_transaction(std::string& out, const Transaction& tx, Detail detail,
                        const LedgerId& ledger = {});

// A prepared branch of an earlier epoch that the coordinator may not rule on yet.
void append_doubt(std::string& out, const Doubt& doubt);

// The branches alone, as an array.
void append_branches(std::string& out, const Transaction& tx, Detail detail,
                     const LedgerId& ledger = {});

// The answer to the last statements of an interactive transaction.
void append_statements_answer(std::string& out, const Transaction& tx);

}  // namespace assent
