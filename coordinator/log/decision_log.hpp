// What a coordinator asks of whatever keeps its decisions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "protocol/coordinator_machine.hpp"

namespace assent {

// What a log asks of its host. All but `post` are called on the I/O thread only.
struct LogHost {
  // Runs the function on the I/O thread, later. Called from any thread.
  std::function<void(std::function<void()>)> post;
  // Every record taken with a number up to and including this one is on disk.
  std::function<void(RecordNumber up_to)> on_durable;
  // A write or sync has failed: what is on disk is unknown, nothing more will be written and
  // nothing more reported. The process must stop. `what` is one line for people.
  std::function<void(std::string what)> on_failed;
  // Records that stand for all that were taken so far, durable or not, and for no others: called
  // from flush() only, and what it returns lets everything older go.
  std::function<std::vector<LogRecord>()> snapshot;
};

// Used on the I/O thread only. One turn of the host: step all events, append what they ask for,
// step LogRefused for what was refused, then flush(): at once where a record is awaited
// (is_awaited) or was refused, soon otherwise.
class DecisionLog {
 public:
  virtual ~DecisionLog() = default;

  // Once, before anything else.
  virtual void start(LogHost host) = 0;

  // Takes a record; numbers rise. False: there is no room, nothing of it was written nor will be.
  [[nodiscard]] virtual bool append(RecordNumber number, const LogRecord& record) = 0;

  // Hands what was taken over to be written and synced. Returns at once.
  virtual void flush() = 0;

  // Once, last: finishes what was flushed. From its return on the host is called no more, nor is
  // anything posted to it: it may go.
  virtual void stop() = 0;
};

}  // namespace assent
