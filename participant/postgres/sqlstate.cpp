#include "participant/postgres/sqlstate.hpp"

#include <array>

namespace assent {
namespace {

struct Row {
  std::string_view prefix;  // the longest that fits counts: a code comes before its class
  Problem problem;
};

constexpr std::array at_any_stage = {
    Row{"40001", Problem::serialization_failure},
    Row{"40P01", Problem::deadlock},
    Row{"40", Problem::rolled_back},
    Row{"55P03", Problem::lock_timeout},
    Row{"57014", Problem::deadline_exceeded},
    Row{"25P03", Problem::participant_unavailable},  // idle in transaction for too long
    Row{"25P04", Problem::deadline_exceeded},        // transaction_timeout
    Row{"2D000", Problem::statement_refused},        // a procedure tried to end the transaction
    Row{"08P01", Problem::statement_failed},         // wrong number of parameters
    Row{"08", Problem::participant_unavailable},
    Row{"53", Problem::participant_unavailable},
    Row{"57P", Problem::participant_unavailable},
    Row{"58", Problem::participant_unavailable},
    Row{"", Problem::statement_failed},
};

constexpr std::array at_prepare = {
    Row{"0A000", Problem::cannot_prepare},  // temporary objects, LISTEN, exported snapshot …
    Row{"55000", Problem::cannot_prepare},  // max_prepared_transactions = 0
    Row{"53200", Problem::cannot_prepare},  // no slot free
    Row{"54", Problem::cannot_prepare},     // too much state
    Row{"42710", Problem::cannot_prepare},  // the gid is in use
    Row{"22023", Problem::cannot_prepare},  // the gid is too long
};

}  // namespace

Problem problem_of(std::string_view sqlstate, Stage stage) {
  if (stage == Stage::prepare)
    for (const Row& row : at_prepare)
      if (sqlstate.starts_with(row.prefix)) return row.problem;
  for (const Row& row : at_any_stage)
    if (sqlstate.starts_with(row.prefix)) return row.problem;
  return Problem::statement_failed;
}

std::string_view prepare_remedy(std::string_view sqlstate) {
  if (sqlstate == "55000")
    return "Prepared transactions are switched off: ALTER SYSTEM SET max_prepared_transactions = "
           "200, then restart PostgreSQL.";
  if (sqlstate == "53200")
    return "All slots for prepared transactions are taken: end those in doubt, or raise "
           "max_prepared_transactions and restart PostgreSQL.";
  if (sqlstate == "0A000")
    return "Leave temporary tables, LISTEN and NOTIFY, cursors WITH HOLD and exported snapshots "
           "out "
           "of the transaction.";
  return {};
}

FinishDone::Result finish_result_of(std::string_view sqlstate) {
  if (sqlstate == "42704") return FinishDone::Result::no_such_gid;
  if (sqlstate == "42501" || sqlstate == "0A000" || sqlstate == "25006")
    return FinishDone::Result::denied;
  return FinishDone::Result::again;
}

}  // namespace assent
