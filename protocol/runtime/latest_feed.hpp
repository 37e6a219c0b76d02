// The latest state of something, to all who follow it, as server-sent events. Who is slow misses
// what was in between, never the latest. Belongs to the I/O thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "protocol/runtime/http_server.hpp"

namespace assent {

class LatestFeed {
 public:
  // `event`: the name of each event.
  explicit LatestFeed(std::string event);

  // Somebody is there to hear what is published.
  bool is_followed() const;
  // `json` is one line.
  void publish(const std::string& json);
  // The answer to who asks to follow; it may outlive the feed. `json`, as it is now, is the first
  // event; empty: what is published next is.
  HttpResponse follow(const std::string& json = {}) const;

 private:
  struct State;
  class Following;
  std::shared_ptr<State> state_;
};

// Whether the client asks for an endless response: Accept names text/event-stream.
bool wants_events(const HttpRequest& request);
// An endless response of server-sent events.
HttpResponse event_response(std::shared_ptr<HttpStream> stream);

}  // namespace assent
