// `assent-coordinator config check`: what is wrong with the configuration, and with what it names.
#pragma once

#include "protocol/runtime/config.hpp"
#include "protocol/runtime/finding.hpp"

namespace assent {

Findings check_coordinator(const Config& config);
// --online: addresses can be listened on, or are the running coordinator's; the ledger is one, and
// whose; its disk's sync speed. May run beside the coordinator.
Findings check_coordinator_online(const Config& config);
// Only the last of these.
void check_sync_speed(const std::string& ledger, Findings& found);

}  // namespace assent
