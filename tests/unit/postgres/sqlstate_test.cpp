#include "participant/postgres/sqlstate.hpp"

#include "tests/support/catch.hpp"

using namespace assent;

TEST_CASE("what an error of a statement means") {
  using enum Problem;
  const auto [state, problem] = GENERATE(table<std::string, Problem>({
      {"40001", serialization_failure},
      {"40P01", deadlock},
      {"40000", rolled_back},
      {"55P03", lock_timeout},
      {"57014", deadline_exceeded},
      {"25P03", participant_unavailable},
      {"2D000", statement_refused},
      {"08P01", statement_failed},
      {"08006", participant_unavailable},
      {"53300", participant_unavailable},
      {"53100", participant_unavailable},
      {"57P01", participant_unavailable},
      {"57P03", participant_unavailable},
      {"58030", participant_unavailable},
      {"23505", statement_failed},
      {"42P02", statement_failed},
      {"22P02", statement_failed},
      {"42601", statement_failed},
      {"25006", statement_failed},
      {"XX000", statement_failed},
      {"0A000", statement_failed},
      {"", statement_failed},
  }));
  INFO(state);
  CHECK(problem_of(state, Stage::statement) == problem);
}

TEST_CASE("what an error of PREPARE TRANSACTION means") {
  using enum Problem;
  const auto [state, problem] = GENERATE(table<std::string, Problem>({
      {"0A000", cannot_prepare},
      {"55000", cannot_prepare},
      {"53200", cannot_prepare},
      {"54000", cannot_prepare},
      {"42710", cannot_prepare},
      {"22023", cannot_prepare},
      {"23503", statement_failed},
      {"40001", serialization_failure},
      {"57014", deadline_exceeded},
      {"57P01", participant_unavailable},
  }));
  INFO(state);
  CHECK(problem_of(state, Stage::prepare) == problem);
  CHECK(prepare_remedy("55000").find("max_prepared_transactions") != std::string_view::npos);
  CHECK(prepare_remedy("53200").find("max_prepared_transactions") != std::string_view::npos);
}

TEST_CASE("an answer in phase two is never an outcome") {
  using enum FinishDone::Result;
  CHECK(finish_result_of("42704") == no_such_gid);
  for (const char* state : {"42501", "0A000", "25006"}) CHECK(finish_result_of(state) == denied);
  for (const char* state : {"55000", "57P01", "57P02", "57P03", "08006", "53300", "57014", "XX000",
                            "25001", "40001", ""})
    CHECK(finish_result_of(state) == again);
}
