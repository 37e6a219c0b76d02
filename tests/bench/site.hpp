// The deployment that transfers are measured on, and what its processes used.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/book.hpp"
#include "tests/integration/system/deployment.hpp"

namespace assent::bench {

struct Usage {
  double client_s = 0;  // CPU, user and system, of all threads
  double coordinator_s = 0;
  double participants_s = 0;  // of all of them together
  double postgres_s = 0;      // of all processes of all servers together
  double wal_syncs = 0;       // of the servers
  double wal_bytes = 0;
};
Usage operator-(const Usage& after, const Usage& before);
Usage operator+(const Usage& one, const Usage& other);

class Site {
 public:
  // Throwaway servers with `accounts` accounts each, their participants and a coordinator.
  Site(std::size_t banks, int accounts, std::size_t clients);

  test::Deployment& deployment() { return bank_; }
  std::uint16_t port() const;  // of the coordinator, on 127.0.0.1
  std::vector<std::string> participants() const;
  std::vector<std::string> databases();  // for the raw programs
  std::string raw_log() const { return (folder_.path() / "decisions").string(); }
  Usage usage();

  // Compares every balance with the book, once nothing is prepared any more. "" when all is well,
  // else what is not.
  std::string check(const Book& book);

 private:
  dev::TemporaryFolder folder_{"assent-bench"};
  test::Deployment bank_;
};

}  // namespace assent::bench
