// What happens to PostgreSQL servers beside being killed: nothing is free any more, a standby takes
// over. Failures are std::runtime_error.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "clients/dev/cluster.hpp"
#include "tests/lab/proxy.hpp"

namespace assent::lab {

// The backends that serve the participant, those at work first. `conninfo`: of its database.
std::vector<pid_t> participant_backends(const std::string& conninfo);

// Prepares foreign transactions, named lab-slot-…, until no slot is free. Superuser's conninfo.
void take_slots(const std::string& conninfo);
void give_slots_back(const std::string& conninfo);

// Holds every connection that the server has for roles that are no superusers.
class Crowd {
 public:
  explicit Crowd(const std::string& conninfo);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A second server that follows the first one, over a link that can be held.
class Standby {
 public:
  // Has everything that the primary has when this returns. `synchronous`: from then on what commits
  // or is prepared there waits for it. `options` are the primary's.
  Standby(dev::Cluster& primary, dev::ClusterOptions options, bool synchronous);
  Proxy& link() { return link_; }
  bool following() const { return cluster_ != nullptr; }
  const dev::Cluster& cluster() const { return *cluster_; }
  // Ends its following; it can be written to when this returns.
  std::unique_ptr<dev::Cluster> promote();

 private:
  Proxy link_;
  std::unique_ptr<dev::Cluster> cluster_;
};

}  // namespace assent::lab
