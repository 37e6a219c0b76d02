// A response without an end, as server-sent events are.
#pragma once

#include <functional>
#include <string>

namespace assent {

// All calls on the I/O thread. Destroyed when the client has gone or the server closes.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // What to send next; empty: nothing for now. Asked only when all before it has been sent, so a
  // slow client makes nothing pile up but what the stream itself keeps.
  virtual std::string next() = 0;
  // Once, before the first next(): `more` is to be called whenever next() may have something.
  virtual void on_more(std::function<void()> more) = 0;
  // Sent when nothing else has been for a while, so that both sides notice a dead connection.
  virtual std::string heartbeat() const = 0;
};

}  // namespace assent
