// What no database sees alone: a branch is in doubt in one because its transaction's work in
// another waits there behind somebody else.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <boost/json/fwd.hpp>

namespace assent {

// Adds to each branch in doubt who holds up its transaction elsewhere ("held_up_by"), and to what
// frees it the same as a sentence. `reports`: of the databases that answer, each with its
// participant's name.
void note_hold_ups(const std::vector<std::pair<std::string, boost::json::object*>>& reports);

}  // namespace assent
