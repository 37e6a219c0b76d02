// What PostgreSQL's error codes mean here: one table for phase one, one for phase two.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/participant_machine.hpp"
#include "protocol/problem.hpp"

namespace assent {

enum class Stage : std::uint8_t { statement, prepare };

// Why a branch could not be worked on or prepared.
Problem problem_of(std::string_view sqlstate, Stage stage);

// What to do about a PREPARE TRANSACTION that PostgreSQL refuses; empty where its own message says
// it.
std::string_view prepare_remedy(std::string_view sqlstate);

// What the answer to COMMIT PREPARED or ROLLBACK PREPARED means. Never an outcome: all that is not
// known to be otherwise is asked again.
FinishDone::Result finish_result_of(std::string_view sqlstate);

}  // namespace assent
