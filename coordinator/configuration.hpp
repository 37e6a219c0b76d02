// What assent-coordinator can be told, and how it is understood.
#pragma once

#include "coordinator/api/admission.hpp"
#include "coordinator/api/groups.hpp"
#include "coordinator/log/file_log.hpp"
#include "protocol/coordinator_machine.hpp"
#include "protocol/runtime/daemon.hpp"

namespace assent {

DaemonSpec coordinator_spec();
FileLogOptions log_options(const Config& config);
CoordinatorLimits coordinator_limits(const Config& config);
AdmissionLimits admission_limits(const Config& config);
// Throws ConfigError where a group cannot be one. That its members exist is not asked: they dial
// in.
Groups groups_of(const Config& config);

}  // namespace assent
