// Clients that move money and keep what they were told, to be compared with what the databases
// hold.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/system/deployment.hpp"

namespace assent::test {

class Load {
 public:
  // Each client moves 1.00 between random accounts of two neighbouring banks, again and again, and
  // leaves a row with the transaction's name in `marker` of both.
  Load(Deployment& deployment, std::size_t clients);
  ~Load();
  void stop();
  // How many transactions have been answered "committed" so far.
  std::size_t committed() const { return committed_; }
  // Every sentence that is not as it should be; empty when all is well. Call after stop() and
  // settles().
  std::vector<std::string> contradictions();

 private:
  void run(std::size_t client);

  Deployment& deployment_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> committed_{0};
  std::mutex mutex_;
  std::map<std::string, client::Fate> told_;  // by marker
  std::vector<std::thread> clients_;
};

}  // namespace assent::test
