// Connections for one use, a bounded number of them, and a bounded queue of those who wait for one.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "participant/postgres/connection.hpp"
#include "participant/postgres/database.hpp"

namespace assent {

using ConnectionPtr = std::shared_ptr<Connection>;

// One who waits. Lives in the waiting coroutine; others may refuse() it meanwhile.
struct Waiter {
  explicit Waiter(boost::asio::io_context& io) : timer(io) {}
  void refuse(Problem why, std::string text);

  boost::asio::steady_timer timer;
  ConnectionPtr granted;
  Problem problem = Problem::none;  // why nothing was granted
  std::string message;
};

class Pool {
 public:
  struct Options {
    std::size_t size = 8;
    std::size_t waiting = 1000;
    bool eager = true;  // keeps all `size` connections open, not just those once needed
  };
  // Makes one connection ready for use; nullptr, and why, where it cannot.
  using Connect = std::function<boost::asio::awaitable<ConnectionPtr>(std::string& failure)>;
  using Spawn = std::function<void(boost::asio::awaitable<void>)>;

  Pool(boost::asio::io_context& io, Options options, Connect connect, Spawn spawn);

  void open();
  // Closes every connection, those lent out too, and refuses whoever waits.
  void close(const std::string& reason);

  // Waits for a connection that the server has not ended as far as can be seen at that moment.
  // False: waiter.problem and waiter.message say why.
  boost::asio::awaitable<bool> borrow(Waiter& waiter, std::optional<SteadyTime> deadline);
  // Takes back what was borrowed; replaced unless it is open and outside any transaction.
  void give_back(ConnectionPtr connection);

  DatabaseStatistics::Use statistics() const;

 private:
  boost::asio::awaitable<bool> grant(Waiter& waiter, std::optional<SteadyTime> deadline);
  void start_connecting();
  boost::asio::awaitable<void> connect_one();
  void add_idle(ConnectionPtr connection);
  void remove(const ConnectionPtr& connection);

  boost::asio::io_context& io_;
  Options options_;
  Connect connect_;
  Spawn spawn_;
  bool open_ = false;
  std::string closed_because_ = "the database has not been reached yet";
  std::uint64_t life_ = 0;  // of open() to close()
  std::size_t connecting_ = 0;
  std::vector<ConnectionPtr> all_;
  std::vector<ConnectionPtr> idle_;
  std::deque<Waiter*> waiters_;
};

}  // namespace assent
