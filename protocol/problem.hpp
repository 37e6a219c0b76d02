// Every way a request can fail, in one table: its code, HTTP status, what became of the transaction
// and what the client may do. The REST API, /v1/errors and docs/reference/errors.md are all made
// from this table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assent {

enum class Problem : std::uint8_t {
  none,  // not a problem; never sent
  // the request itself
  invalid_request,
  unauthenticated,
  permission_denied,
  path_not_found,
  method_not_allowed,
  unsupported_media_type,
  request_timeout,
  header_too_large,
  transaction_not_found,
  history_expired,
  session_lost,
  payload_too_large,
  result_too_large,
  idempotency_key_reused,
  idempotency_in_progress,
  sequence_gap,
  branch_not_prepared,
  already_aborted,
  already_committed,
  participant_unknown,
  // the work
  statement_failed,
  statement_refused,
  expectation_failed,
  cannot_prepare,
  serialization_failure,
  deadlock,
  lock_timeout,
  deadline_exceeded,
  rolled_back,
  heuristic_outcome,
  resolution_refused,
  // the installation
  participant_unavailable,
  log_unavailable,
  overloaded,
  draining,
  recovering,
  outcome_unknown,
  internal_error,
};

// What a problem says of the transaction it is about.
enum class Fate : std::uint8_t {
  none,       // no transaction came into being, or it is untouched by this request
  aborted,    // nothing of it was or will be applied
  committed,  // it is decided: all of it is or will be applied
  unknown,    // undecided or not known here: ask again
};

// What the client may do about it.
enum class Retry : std::uint8_t {
  never,     // the same request will fail again
  same_key,  // repeat it with the same Idempotency-Key
  new_key,   // run it again as a new transaction
  after,     // repeat it, but not before the Retry-After time
};

struct ProblemInfo {
  Problem problem;
  std::string_view code;  // stable, in every answer
  std::uint16_t status;   // HTTP
  Fate fate;              // the usual one; the answer states the actual one
  Retry retry;
  std::string_view title;   // one line
  std::string_view remedy;  // what to do, in one or two sentences
};

std::span<const ProblemInfo> all_problems();
const ProblemInfo& info(Problem problem);
// Problem::none for a code that is not in the table.
Problem parse_problem(std::string_view code);

std::string_view to_string(Problem problem);
std::string_view to_string(Fate fate);
std::string_view to_string(Retry retry);

// A failure as it travels from a participant to the client: what went wrong, where, and
// PostgreSQL's own fields where it was PostgreSQL that refused.
struct Failure {
  Problem problem = Problem::none;
  std::string participant;      // empty: not about one participant
  std::int32_t statement = -1;  // index within the branch's statements of that request; -1: none
  std::string message;          // one sentence for a person
  // PostgreSQL's error fields, as it sent them; empty where it sent none.
  std::string sqlstate;
  std::string detail;
  std::string hint;
  std::string schema;
  std::string table;
  std::string column;
  std::string constraint;
  std::string position;

  bool operator==(const Failure&) const = default;
};

}  // namespace assent
