// `assent-coordinator log verify`, `log dump` and `log backup`: the ledger for a person, whether a
// coordinator uses it or not. Each returns an exit code; what is wrong with the ledger is a
// ConfigError, which names file and offset.
#pragma once

#include <optional>
#include <string>

#include "protocol/records.hpp"
#include "protocol/runtime/daemon.hpp"

namespace assent {

// nullopt: the command is none of these.
std::optional<int> run_log_command(const DaemonRun& run);

// One line of JSON, with the place where it stands.
std::string record_line(const std::string& file, std::uint64_t offset, const LogRecord& record);

}  // namespace assent
