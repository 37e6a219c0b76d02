// Listens to what the coordinator says of its doings (/v1/events), from each of its starts on: what
// it knew when it was killed is not lost with it.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/lab/addresses.hpp"

namespace assent::lab {

class Listener {
 public:
  explicit Listener(Endpoint coordinator);
  ~Listener();
  // Each event heard so far: a JSON object, as GET /v1/events gives it.
  std::vector<std::string> heard() const;

 private:
  void listen();
  int dial() const;  // -1: nobody is there
  void take(const std::string& line);

  const Endpoint coordinator_;
  std::string last_ = "0-0";  // epoch and number of the last event; of no epoch: all there are
  std::string next_;
  mutable std::mutex mutex_;
  std::vector<std::string> heard_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace assent::lab
