// What the answers to a branch's last segment prove about it. Pure.
#pragma once

#include <variant>
#include <vector>

#include "participant/postgres/connection.hpp"
#include "participant/postgres/work.hpp"
#include "protocol/participant_machine.hpp"

namespace assent {

struct Answers {
  const std::vector<Reply>& replies;  // the last one is PREPARE TRANSACTION's, or COMMIT's
  bool whole = false;                 // false: the connection was lost on the way
  bool unwanted = false;              // we asked PostgreSQL to cancel it
  Statements* statements = nullptr;   // of the same segment, if any …
  std::size_t first = 0;              // … from this reply on
};

using PrepareResult = decltype(PrepareDone::result);

// Why the segment failed before its last command, if an answer says so.
std::optional<Failure> failure_before_last(const Answers& answers);

// The vote is read from PREPARE's command tag, never from the absence of an error. `xid` is the
// branch's, 0 if it could not be read.
PrepareResult judge_prepare(const Answers& answers, Xid xid, const TypeNames& types);

// A branch that only read and was committed at once.
PrepareResult judge_commit(const Answers& answers, const TypeNames& types);

}  // namespace assent
