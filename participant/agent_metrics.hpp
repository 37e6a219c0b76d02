// What an operator wants to see of a participant. Belongs to the I/O thread.
#pragma once

#include <cstdint>
#include <optional>

#include "protocol/runtime/metrics.hpp"

namespace assent {

class Agent;
struct PreparedSlots;

class AgentMetrics {
 public:
  explicit AgentMetrics(Metrics& metrics) : metrics_(metrics) {}
  // `blocked`: as BlockingMonitor::blocked.
  void refresh(Agent& agent, const PreparedSlots& slots, std::optional<std::int64_t> blocked);

 private:
  Metrics& metrics_;
};

}  // namespace assent
