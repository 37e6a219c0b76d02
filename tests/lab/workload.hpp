// Clients that move money between banks, append to lists and read sums, and keep what they were
// told. They repeat themselves with the same key until they are answered.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/system/deployment.hpp"
#include "tests/lab/history.hpp"

namespace assent::lab {

// Makes the tables it needs, once for a deployment: lab_mark and lab_list.
void install_workload(test::Deployment& deployment);
// A transfer of 1.00 that leaves its name in both banks and, unless `list` is empty, in that list.
client::OneShot marked_transfer(const std::string& name, const std::string& from, int from_account,
                                const std::string& to, int to_account, const std::string& list);
// The sum over all banks in one transaction, under locks that are held to its end.
client::OneShot locked_sum(const test::Deployment& deployment);
// Forgets what was done, when nothing is under way: marks and lists are empty again.
void clear_workload(test::Deployment& deployment);
// What the databases hold: marks, lists, sums.
void observe(test::Deployment& deployment, History& history);

class Workload {
 public:
  // `seed` makes the clients' choices; `round` keeps names apart from those of earlier workloads on
  // the same deployment.
  Workload(test::Deployment& deployment, std::size_t clients, std::uint64_t seed,
           std::string round);
  ~Workload();
  // Ends when each client has its last answer, or has given up.
  void stop();
  std::size_t committed() const { return committed_; }
  std::size_t locked_reads() const { return locked_reads_; }
  // After stop().
  void tell(History& history) const;

 private:
  void run(std::size_t number, std::uint64_t seed);
  void transfer(client::Client& assent, const std::string& name, std::uint64_t dice);
  void read(client::Client& assent, const std::string& name);

  test::Deployment& deployment_;
  const std::string url_;
  const std::string round_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> committed_{0};
  std::atomic<std::size_t> locked_reads_{0};
  mutable std::mutex mutex_;
  std::vector<Attempt> attempts_;
  std::vector<ReadOfAll> reads_;
  std::vector<std::thread> clients_;
};

}  // namespace assent::lab
