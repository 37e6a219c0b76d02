// What assent-coordinator can be told, and how it is understood.
#pragma once

#include "coordinator/api/admission.hpp"
#include "coordinator/log/file_log.hpp"
#include "protocol/coordinator_machine.hpp"
#include "protocol/runtime/daemon.hpp"

namespace assent {

DaemonSpec coordinator_spec();
FileLogOptions log_options(const Config& config);
CoordinatorLimits coordinator_limits(const Config& config);
AdmissionLimits admission_limits(const Config& config);

}  // namespace assent
