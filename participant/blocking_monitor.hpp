// Watches what is blocked in this participant's database, whether there is a coordinator or not:
// a glance a second at rest, a full picture a second while something is in doubt or waits.
// Belongs to the I/O thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "participant/postgres/observation.hpp"
#include "protocol/runtime/http_server.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

class Agent;

class BlockingMonitor {
 public:
  // The agent outlives it.
  BlockingMonitor(boost::asio::io_context& io, Agent& agent);
  ~BlockingMonitor();
  BlockingMonitor(const BlockingMonitor&) = delete;
  BlockingMonitor& operator=(const BlockingMonitor&) = delete;

  // `console`: where this participant serves its console; told with every report.
  void start(std::string console);
  void stop();

  // GET /v1/blocking: of a picture that is no older than a quarter of a second. `answer` is called
  // once, now or later.
  void ask(std::function<void(std::string json)> answer);
  // The same as events: at once, and then once a second.
  HttpResponse follow();
  // GET /v1/blocking/history
  std::string history() const;
  // Sessions that wait for a branch of ours, directly or behind others, as last seen; nullopt: the
  // database could not be looked at.
  std::optional<std::int64_t> blocked() const;
  // As last seen; zeros before the first look.
  PreparedSlots slots() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace assent
