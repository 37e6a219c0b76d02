// What one participant reports as blocked: JSON, one document for its own console, for the
// coordinator and for `assent blocking`. docs/openapi.yaml describes it as BlockingReport.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "protocol/ids.hpp"

namespace assent {

struct Observation;
class ParticipantMachine;

struct ReportContext {
  const ParticipantMachine& machine;
  // How long there has been no link to the coordinator; nullopt: there is one.
  std::optional<std::chrono::milliseconds> away;
  std::optional<LedgerId> ledger;   // that coordinator's
  std::size_t most_waiters = 1000;  // listed; the rest is counted
  // With locks, rows and waiters; of the rest only what counts are made of.
  std::size_t most_whole_roots = 1000;
};

boost::json::object blocking_report(const Observation& seen, const ReportContext& context);

// What is reported while a glance at the database shows that nothing is blocked.
boost::json::object quiet_report(const ReportContext& context, std::int64_t now_ms);

}  // namespace assent
