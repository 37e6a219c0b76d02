#include "protocol/problem.hpp"

#include <array>

namespace assent {
namespace {

using enum Problem;

constexpr std::array kProblems = {
    ProblemInfo{none, "none", 200, Fate::none, Retry::never, "No problem", ""},
    ProblemInfo{invalid_request, "invalid-request", 400, Fate::none, Retry::never,
                "The request is malformed", "Correct what the detail names and send it again."},
    ProblemInfo{unauthenticated, "unauthenticated", 401, Fate::none, Retry::never,
                "Nobody known has sent this request",
                "Show a token of this coordinator's access file (Authorization: Bearer), or a "
                "client certificate that it names."},
    ProblemInfo{permission_denied, "permission-denied", 403, Fate::none, Retry::never,
                "The caller may not do this",
                "Use another caller's token, or have an operator change the access file."},
    ProblemInfo{path_not_found, "path-not-found", 404, Fate::none, Retry::never, "No such path",
                "Check the path against docs/API.md; the detail names the nearest one."},
    ProblemInfo{method_not_allowed, "method-not-allowed", 405, Fate::none, Retry::never,
                "The path does not take this method", "Use one of the methods in Allow."},
    ProblemInfo{unsupported_media_type, "unsupported-media-type", 415, Fate::none, Retry::never,
                "The body is not JSON", "Send JSON, with Content-Type: application/json."},
    ProblemInfo{request_timeout, "request-timeout", 408, Fate::none, Retry::same_key,
                "The request did not arrive in time", "Send the whole request without pauses."},
    ProblemInfo{header_too_large, "header-too-large", 431, Fate::none, Retry::never,
                "The request's header is too large", "Send fewer or shorter headers."},
    ProblemInfo{transaction_not_found, "transaction-not-found", 404, Fate::none, Retry::never,
                "No such transaction",
                "Check the id. The outcome field says what can be said of it."},
    ProblemInfo{history_expired, "history-expired", 410, Fate::unknown, Retry::never,
                "The transaction is older than what is remembered",
                "It may have committed: check the data. The coordinator's history.keep and "
                "history.count say how long a transaction can be asked for."},
    ProblemInfo{session_lost, "session-lost", 410, Fate::aborted, Retry::new_key,
                "The interactive transaction is gone",
                "It was aborted: nothing of it was applied. Begin a new transaction."},
    ProblemInfo{payload_too_large, "payload-too-large", 413, Fate::none, Retry::never,
                "The request is too large", "Send less at once; the limit is in the detail."},
    ProblemInfo{result_too_large, "result-too-large", 413, Fate::aborted, Retry::never,
                "The result is too large",
                "Ask for fewer rows or columns; the limit is in the detail."},
    ProblemInfo{idempotency_key_reused, "idempotency-key-reused", 422, Fate::none, Retry::never,
                "The Idempotency-Key was used for another request",
                "Use a new key for a new transaction; repeat a request only with the same body."},
    ProblemInfo{idempotency_in_progress, "idempotency-in-progress", 409, Fate::unknown,
                Retry::same_key, "A request with this Idempotency-Key is still running",
                "Repeat it with the same key a little later."},
    ProblemInfo{sequence_gap, "sequence-gap", 409, Fate::unknown, Retry::never,
                "The statement number is not the next one",
                "Send seq as given in next_seq, or repeat the last one to get its answer again."},
    ProblemInfo{branch_not_prepared, "branch-not-prepared", 409, Fate::none, Retry::never,
                "The application has not prepared every branch",
                "The transaction stays open: prepare the branches that the detail names, under "
                "their gids, and ask for the commit again; or roll back."},
    ProblemInfo{already_aborted, "already-aborted", 409, Fate::aborted, Retry::new_key,
                "The transaction was aborted",
                "Nothing of it was applied. Begin a new transaction."},
    ProblemInfo{already_committed, "already-committed", 409, Fate::committed, Retry::never,
                "The transaction is committed", "It cannot be rolled back or extended any more."},
    ProblemInfo{participant_unknown, "participant-unknown", 400, Fate::none, Retry::never,
                "No such participant", "Check the name against GET /v1/participants."},
    ProblemInfo{statement_failed, "statement-failed", 422, Fate::aborted, Retry::never,
                "A statement failed",
                "See the sqlstate and message; nothing was applied anywhere."},
    ProblemInfo{statement_refused, "statement-refused", 422, Fate::aborted, Retry::never,
                "A statement is not allowed inside a transaction",
                "Transaction control and session state belong to Assent; leave them out."},
    ProblemInfo{expectation_failed, "expectation-failed", 422, Fate::aborted, Retry::never,
                "A statement affected an unexpected number of rows",
                "Nothing was applied anywhere. Check the data and decide whether to try again."},
    ProblemInfo{cannot_prepare, "cannot-prepare", 422, Fate::aborted, Retry::never,
                "PostgreSQL could not prepare the branch",
                "See the message: temporary tables, LISTEN/NOTIFY and the like cannot be prepared; "
                "max_prepared_transactions must be large enough."},
    ProblemInfo{serialization_failure, "serialization-failure", 409, Fate::aborted, Retry::new_key,
                "The transaction conflicted with another one", "Run it again."},
    ProblemInfo{deadlock, "deadlock", 409, Fate::aborted, Retry::new_key, "A deadlock was resolved",
                "Run it again; taking locks in the same order everywhere avoids it."},
    ProblemInfo{lock_timeout, "lock-timeout", 409, Fate::aborted, Retry::new_key,
                "A lock was not granted in time",
                "GET /v1/blocking or `assent participants` shows what holds it. Run it again."},
    ProblemInfo{deadline_exceeded, "deadline-exceeded", 409, Fate::aborted, Retry::new_key,
                "The deadline passed before all had voted",
                "Nothing was applied. Run it again, with a longer timeout_ms if it needs one."},
    ProblemInfo{rolled_back, "rolled-back", 409, Fate::aborted, Retry::new_key,
                "The transaction was rolled back on request", "Begin a new transaction."},
    ProblemInfo{heuristic_outcome, "heuristic-outcome", 409, Fate::committed, Retry::never,
                "A branch was resolved by hand against the decision",
                "The databases differ. An operator must compare and mend them; see the branches."},
    ProblemInfo{resolution_refused, "resolution-refused", 409, Fate::unknown, Retry::never,
                "An operator cannot decide this, or not any more as it was looked at",
                "See the detail; preview it again before deciding."},
    ProblemInfo{participant_unavailable, "participant-unavailable", 503, Fate::aborted,
                Retry::after, "A participant cannot be reached",
                "Nothing was applied. Try again when it is back."},
    ProblemInfo{log_unavailable, "log-unavailable", 503, Fate::aborted, Retry::after,
                "The decision log cannot take a record",
                "Nothing was applied. Free space on the coordinator's disk."},
    ProblemInfo{overloaded, "overloaded", 429, Fate::none, Retry::after,
                "Too many transactions are open", "Try again after the Retry-After time."},
    ProblemInfo{draining, "draining", 503, Fate::none, Retry::after,
                "The coordinator is shutting down",
                "Try again when it is back, or at another address."},
    ProblemInfo{recovering, "recovering", 503, Fate::unknown, Retry::after,
                "The coordinator is recovering", "Ask again shortly."},
    ProblemInfo{
        outcome_unknown, "outcome-unknown", 504, Fate::unknown, Retry::same_key,
        "The outcome is not known yet",
        "Ask for the transaction again, or repeat the request with the same Idempotency-Key."},
    ProblemInfo{internal_error, "internal-error", 500, Fate::unknown, Retry::same_key,
                "The coordinator failed to answer",
                "Ask for the transaction, or repeat the request with the same Idempotency-Key; "
                "report the trace_id."},
};

constexpr bool table_is_in_order() {
  for (std::size_t i = 0; i < kProblems.size(); ++i)
    if (static_cast<std::size_t>(kProblems[i].problem) != i) return false;
  return true;
}
static_assert(table_is_in_order(), "kProblems must list the problems in the order of the enum");

}  // namespace

std::span<const ProblemInfo> all_problems() {
  return std::span(kProblems).subspan(1);
}

const ProblemInfo& info(Problem problem) {
  return kProblems[static_cast<std::size_t>(problem)];
}

Problem parse_problem(std::string_view code) {
  for (const ProblemInfo& row : kProblems)
    if (row.code == code) return row.problem;
  return none;
}

std::string_view to_string(Problem problem) {
  return info(problem).code;
}

std::string_view to_string(Fate fate) {
  switch (fate) {
    case Fate::none:
      return "none";
    case Fate::aborted:
      return "aborted";
    case Fate::committed:
      return "committed";
    case Fate::unknown:
      return "unknown";
  }
  return "?";
}

std::string_view to_string(Retry retry) {
  switch (retry) {
    case Retry::never:
      return "never";
    case Retry::same_key:
      return "same-key";
    case Retry::new_key:
      return "new-key";
    case Retry::after:
      return "after";
  }
  return "?";
}

}  // namespace assent
