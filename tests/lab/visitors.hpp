// Those who send an installation whatever comes: good transactions, questions, retries, and what is
// malformed, too large, forged, unauthorised or abandoned, mixed by chance.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/api/bad_input.hpp"
#include "tests/integration/system/deployment.hpp"
#include "tests/lab/history.hpp"

namespace assent::lab {

// What they have done, together. Used from all their threads.
class Visits {
 public:
  void count(const std::string& kind);
  // A sentence of what was answered wrongly; the first few are kept.
  void wrong(std::string sentence);
  // A bad input must be refused, or get no answer (status 0).
  void expect_refusal(const std::string& kind, const std::string& what, unsigned status);
  std::map<std::string, std::size_t> counts() const;
  Names wrongs() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::size_t> counts_;
  Names wrongs_;
};

// Bad inputs, of every kind that the tests of the API try one by one.
struct BadInputs {
  std::vector<test::BadInput> bytes, bodies, statements, ids;
  std::size_t distinct() const {
    return bytes.size() + bodies.size() + statements.size() + ids.size();
  }
};
BadInputs bad_inputs();

class Visitors {
 public:
  // So many requests a second of all together, until this goes. `tokens` are that of a client and
  // that of somebody who may look at everything.
  Visitors(test::Deployment& deployment, const test::DeploymentOptions::Tokens& tokens,
           const BadInputs& inputs, double rate, std::uint64_t seed, Visits& visits);
  ~Visitors();

 private:
  std::atomic<bool> over_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace assent::lab
