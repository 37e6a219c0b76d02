// A daemon's configuration as text: what is in force, and a file to begin with. Both are files that
// the daemon reads.
#pragma once

#include <string>

#include "protocol/runtime/daemon.hpp"

namespace assent {

// Every key, its value with its unit, and where that came from. Of a secret, and of a text that
// holds a password, only where it came from.
std::string config_page(const DaemonSpec& spec, const Config& config);
// Every key, explained and commented out.
std::string sample_page(const DaemonSpec& spec);

}  // namespace assent
