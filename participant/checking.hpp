// GET /v1/check: what `config check --online` finds, while the participant runs. A check blocks, so
// it runs on a thread of its own, one at a time; who asks meanwhile shares it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "protocol/runtime/finding.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

class Checking {
 public:
  // `check` is called on the other thread, and lasts seconds at most.
  Checking(boost::asio::io_context& io, std::string participant, std::function<Findings()> check);
  // Waits for a check that is under way; who asked for it is not answered.
  ~Checking();
  Checking(const Checking&) = delete;
  Checking& operator=(const Checking&) = delete;

  // On the I/O thread, and so is the answer: once, later.
  void ask(std::function<void(std::string json)> answer);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace assent
