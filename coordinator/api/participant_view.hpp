// Participants as the API shows them.
#pragma once

#include <string>

#include "coordinator/api/groups.hpp"
#include "protocol/coordinator_machine.hpp"

namespace assent {

// With `prepared`, the branches it held when it last reported, else only their number.
void append_participant(std::string& out, const std::string& name, const Member& member,
                        const Groups& groups, bool prepared);

}  // namespace assent
