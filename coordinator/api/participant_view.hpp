// Participants as the API shows them.
#pragma once

#include <string>

#include "protocol/coordinator_machine.hpp"

namespace assent {

// With `prepared`, the branches it held when it last reported, else only their number.
void append_participant(std::string& out, const std::string& name, const Member& member,
                        bool prepared);

}  // namespace assent
