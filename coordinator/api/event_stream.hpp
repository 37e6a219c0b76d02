// The timeline as server-sent events.
#pragma once

#include <string>

#include "coordinator/timeline.hpp"
#include "protocol/runtime/http_stream.hpp"

namespace assent {

// Every event of the timeline from a place on, or those of one transaction. Each is
//
//   id: 7-4711
//   event: voted
//   data: {"at":…}
//
// Where the place is gone (of an earlier epoch, or too long ago), first comes `event: gap`: the
// follower has missed something and should ask for the present state.
class EventStream final : public HttpStream {
 public:
  struct From {
    Epoch epoch = 0;          // the present one
    std::uint64_t after = 0;  // the id seen last
    bool gap = false;
    TxId only;  // all zeros: every transaction
  };
  // The timeline outlives this.
  EventStream(Timeline& timeline, From from);
  ~EventStream() override;

  std::string next() override;
  void on_more(std::function<void()> more) override;
  std::string heartbeat() const override { return ":\n\n"; }

 private:
  Timeline& timeline_;
  From from_;
  Timeline::Follower follower_ = 0;
};

}  // namespace assent
