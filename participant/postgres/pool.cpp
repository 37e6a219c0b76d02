#include "participant/postgres/pool.hpp"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace assent {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

void Waiter::refuse(Problem why, std::string text) {
  if (granted != nullptr || problem != Problem::none) return;
  problem = why;
  message = std::move(text);
  timer.cancel();
}

Pool::Pool(asio::io_context& io, Options options, Connect connect, Spawn spawn)
    : io_(io), options_(options), connect_(std::move(connect)), spawn_(std::move(spawn)) {}

void Pool::open() {
  open_ = true;
  ++life_;
  connecting_ = 0;
  if (!options_.eager) return;
  while (connecting_ < options_.size) start_connecting();
}

void Pool::close(const std::string& reason) {
  open_ = false;
  ++life_;
  closed_because_ = reason;
  idle_.clear();
  for (const ConnectionPtr& connection : std::exchange(all_, {})) connection->close(reason);
  for (Waiter* waiter : std::exchange(waiters_, {}))
    waiter->refuse(Problem::participant_unavailable, reason);
}

awaitable<bool> Pool::borrow(Waiter& waiter, std::optional<SteadyTime> deadline) {
  bool granted = co_await grant(waiter, deadline);
  // The server may have ended it while it was idle, or between its last answer and now.
  while (granted && !waiter.granted->is_alive()) {
    remove(std::exchange(waiter.granted, nullptr));
    granted = co_await grant(waiter, deadline);
  }
  co_return granted;
}

awaitable<bool> Pool::grant(Waiter& waiter, std::optional<SteadyTime> deadline) {
  if (!open_) {
    waiter.refuse(Problem::participant_unavailable, closed_because_);
    co_return false;
  }
  if (waiters_.empty() && !idle_.empty()) {
    waiter.granted = std::move(idle_.back());
    idle_.pop_back();
    co_return true;
  }
  if (waiters_.size() >= options_.waiting) {
    waiter.refuse(Problem::overloaded, "Too many branches wait for a connection to the database.");
    co_return false;
  }
  waiters_.push_back(&waiter);
  if (all_.size() + connecting_ < options_.size && connecting_ < waiters_.size())
    start_connecting();
  waiter.timer.expires_at(deadline.value_or(SteadyTime::max()));
  co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  std::erase(waiters_, &waiter);
  if (waiter.granted != nullptr && waiter.problem != Problem::none)
    give_back(std::exchange(waiter.granted, nullptr));
  if (waiter.granted == nullptr && waiter.problem == Problem::none)
    waiter.refuse(Problem::deadline_exceeded,
                  "No connection to the database became free before the deadline.");
  co_return waiter.granted != nullptr;
}

void Pool::give_back(ConnectionPtr connection) {
  if (std::find(all_.begin(), all_.end(), connection) == all_.end()) return;  // of an earlier life
  if (connection->is_idle())
    add_idle(std::move(connection));
  else
    remove(connection);
}

void Pool::add_idle(ConnectionPtr connection) {
  if (waiters_.empty()) {
    idle_.push_back(std::move(connection));
    return;
  }
  Waiter& first = *waiters_.front();
  waiters_.pop_front();
  first.granted = std::move(connection);
  first.timer.cancel();
}

void Pool::remove(const ConnectionPtr& connection) {
  connection->close("no longer usable");
  std::erase(all_, connection);
  if (open_ && (options_.eager || !waiters_.empty())) start_connecting();
}

void Pool::start_connecting() {
  ++connecting_;
  spawn_(connect_one());
}

awaitable<void> Pool::connect_one() {
  const std::uint64_t life = life_;
  for (auto pause = 50ms;; pause = std::min<std::chrono::milliseconds>(pause * 2, 1s)) {
    std::string failure;
    ConnectionPtr connection = co_await connect_(failure);
    if (life != life_) {
      if (connection != nullptr) connection->close("the database was lost");
      co_return;
    }
    if (connection != nullptr) {
      --connecting_;
      all_.push_back(connection);
      add_idle(std::move(connection));
      co_return;
    }
    // Whoever waits learns why, unless others can still serve him.
    if (all_.empty() && !waiters_.empty()) {
      Waiter& first = *waiters_.front();
      waiters_.pop_front();
      first.refuse(Problem::participant_unavailable, failure);
    }
    if (!options_.eager && waiters_.empty()) break;
    asio::steady_timer timer(io_, pause);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (life != life_) co_return;
  }
  --connecting_;
}

DatabaseStatistics::Use Pool::statistics() const {
  const std::size_t idle = idle_.size();
  return {all_.size() + connecting_, all_.size() - std::min(idle, all_.size()), waiters_.size()};
}

}  // namespace assent
