// A response that is given when there is something to say: a long poll.
#pragma once

#include <chrono>
#include <functional>

#include "protocol/runtime/http_server.hpp"

namespace assent {

// All calls on the I/O thread. Destroyed when it has answered, or when the client has gone.
class HttpWait {
 public:
  explicit HttpWait(std::chrono::milliseconds longest) : longest_(longest) {}
  virtual ~HttpWait() = default;
  HttpWait(const HttpWait&) = delete;
  HttpWait& operator=(const HttpWait&) = delete;

  // Once, before answer(): `ready` is to be called when there is something to say, but not from
  // within.
  virtual void on_ready(std::function<void()> ready) = 0;
  // What there is to say now. Once: when it is ready, after its longest time, or because the server
  // drains. Without a wait of its own.
  virtual HttpResponse answer() = 0;
  std::chrono::milliseconds longest() const { return longest_; }

 private:
  const std::chrono::milliseconds longest_;
};

}  // namespace assent
