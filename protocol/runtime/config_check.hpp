// What `config check` looks at in both daemons.
#pragma once

#include <string_view>
#include <vector>

#include "protocol/runtime/config.hpp"
#include "protocol/runtime/finding.hpp"

namespace assent {

// Addresses to listen on, callers, TLS: everything of listening.hpp, all that is wrong.
void check_listening(const Config& config, const std::vector<std::string_view>& addresses,
                     Findings& found);
// Certificates that can still be used, but not for long. Keys that are empty are passed over, and
// so are files that cannot be read: that is for others to find.
void check_expiry(const Config& config, const std::vector<std::string_view>& certificates,
                  Findings& found);
// Files with a secret that everybody on this machine may read.
void check_secrecy(const Config& config, const std::vector<std::string_view>& files,
                   Findings& found);

}  // namespace assent
