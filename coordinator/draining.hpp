// The end of a coordinator on SIGTERM: no new work, finish what is decided, go. Never rolls a
// prepared branch back.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace assent {

class Engine;
class HttpServer;

class Draining {
 public:
  // `done` is called when every transaction has ended, or after `limit`.
  Draining(boost::asio::io_context& io, Engine& engine, HttpServer& server,
           std::chrono::milliseconds limit, std::function<void()> done);
  ~Draining();
  void begin();
  // Why new work should not come here, for /readyz.
  std::vector<std::string> reasons() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace assent
