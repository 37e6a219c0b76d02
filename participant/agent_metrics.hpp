// What an operator wants to see of a participant. Belongs to the I/O thread.
#pragma once

#include "protocol/runtime/metrics.hpp"

namespace assent {

class Agent;
struct PreparedSlots;

class AgentMetrics {
 public:
  explicit AgentMetrics(Metrics& metrics) : metrics_(metrics) {}
  void refresh(Agent& agent, const PreparedSlots& slots);

 private:
  Metrics& metrics_;
};

}  // namespace assent
