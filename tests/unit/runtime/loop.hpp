// An event loop on a thread of its own, and ways to look at what belongs to it.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace assent::test {

class Loop {
 public:
  Loop() : work_(io.get_executor()) {
    std::packaged_task<void()> running([this] { io.run(); });
    ended_ = running.get_future();
    thread_ = std::thread(std::move(running));
  }
  // What was closed gets to its end first, as it would in a program.
  ~Loop() {
    work_.reset();
    if (ended_.wait_for(std::chrono::seconds(5)) != std::future_status::ready) io.stop();
    thread_.join();
  }

  // Runs something on the loop's thread and returns what it returns.
  template <class Work>
  auto run(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    boost::asio::post(io, [&task] { task(); });
    return result.get();
  }

  // Looks at a condition on the loop's thread until it holds; false after ten seconds.
  bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!run(condition)) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  boost::asio::io_context io{1};

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::future<void> ended_;
  std::thread thread_;
};

}  // namespace assent::test
