#include "coordinator/blocking_feed.hpp"

#include <algorithm>
#include <chrono>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "coordinator/blocking.hpp"
#include "coordinator/engine.hpp"

namespace assent {

namespace {
using namespace std::chrono_literals;
constexpr auto kInterval = 1s;
// Looking takes one part in so many of the loop's time, however much is blocked …
constexpr int kShare = 20;
// … but who follows hears something every few seconds.
constexpr Instant::duration kLongest = 4s;
}  // namespace

struct BlockingFeed::Timer : boost::asio::steady_timer {
  using boost::asio::steady_timer::steady_timer;
};

BlockingFeed::BlockingFeed(boost::asio::io_context& io, BlockingBoard& board, const Engine& engine)
    : board_(board), engine_(engine), second_(std::make_unique<Timer>(io)) {}

BlockingFeed::~BlockingFeed() = default;

void BlockingFeed::start() {
  second_->expires_after(kInterval);
  second_->async_wait([this](boost::system::error_code error) {
    if (!error) tick();
  });
}

void BlockingFeed::tick() {
  start();
  board_.note_silence(engine_.machine(), engine_.now());
  publish();
}

void BlockingFeed::publish() {
  const Instant begun = engine_.now().steady;
  if (begun < next_ || !board_.is_followed()) return;
  board_.publish(engine_.machine(), begun);
  const Instant done = engine_.now().steady;
  next_ = done + std::min(kLongest, (done - begun) * kShare);
}

}  // namespace assent
