// When a loop around a machine takes its turns: soon after something was put in its inbox, and when
// the machine wants a Tick. Belongs to the I/O thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "protocol/time.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

class Turns {
 public:
  // `turn` takes everything in the inbox; `tick` puts a Tick there.
  Turns(boost::asio::io_context& io, std::function<void()> turn, std::function<void()> tick);
  ~Turns();
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // A turn is taken after the handler that runs now; several requests make one turn.
  void request();
  // tick() is called at that time at the latest, perhaps also earlier; replaces what was asked for
  // before.
  void wake_at(std::optional<Instant> at);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace assent
