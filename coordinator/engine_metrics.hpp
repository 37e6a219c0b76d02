// What the engine counts. Belongs to the I/O thread.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "coordinator/activity.hpp"
#include "protocol/coordinator_machine.hpp"
#include "protocol/runtime/metrics.hpp"

namespace assent {

class EngineMetrics {
 public:
  explicit EngineMetrics(Metrics& metrics);

  void answered(const Reply& reply, Instant asked, Instant now);
  void durable(Instant appended, Instant now);
  // A batch of records, of which the first was appended then.
  void synced(Instant first_appended, Instant now);
  // Sets what is looked up rather than counted.
  void refresh(const CoordinatorMachine& machine, Now now);

  const Activity& activity() const { return activity_; }

 private:
  Metrics& metrics_;
  Activity activity_;
  std::map<std::pair<Fate, Problem>, prometheus::Counter*> answers_;  // looked up once each
  prometheus::Histogram& answer_seconds_;
  prometheus::Histogram& durable_seconds_;
  prometheus::Gauge& epoch_;
  prometheus::Gauge& sequence_;
  prometheus::Gauge& in_doubt_;
  prometheus::Gauge& oldest_in_doubt_;
  prometheus::Gauge& damaged_;
  prometheus::Gauge& acknowledged_;
  prometheus::Gauge& doubts_;
};

}  // namespace assent
