// Once a second: what is blocked, to those who follow it, and a note of who is silent. Belongs to
// the I/O thread.
#pragma once

#include <memory>

#include "protocol/time.hpp"

namespace boost::asio {
class io_context;
}

namespace assent {

class BlockingBoard;
class Engine;

class BlockingFeed {
 public:
  // Board and engine outlive this.
  BlockingFeed(boost::asio::io_context& io, BlockingBoard& board, const Engine& engine);
  ~BlockingFeed();

  void start();

 private:
  void tick();
  void publish();

  BlockingBoard& board_;
  const Engine& engine_;
  struct Timer;
  std::unique_ptr<Timer> second_;
  Instant next_{};  // no earlier is anything published again
};

}  // namespace assent
