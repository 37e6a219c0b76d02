// What assent-participant can be told, and how it is understood.
#pragma once

#include "participant/postgres/database.hpp"
#include "protocol/participant_machine.hpp"
#include "protocol/runtime/daemon.hpp"
#include "protocol/runtime/tls.hpp"

namespace assent {

DaemonSpec participant_spec();
// ConfigError: the name is none, a password stands on the command line, or the pools do not fit
// together.
DatabaseOptions database_options(const Config& config);
// How the link to the coordinator is protected. ConfigError: a file cannot be used, the keys do not
// fit together, or the link would be open to the network.
struct LinkSecurity {
  TlsContext tls;     // null: none
  std::string token;  // empty: none
};
LinkSecurity link_security(const Config& config);
ParticipantLimits participant_limits(const Config& config);

}  // namespace assent
