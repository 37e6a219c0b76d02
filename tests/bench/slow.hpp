// Thousands of connections whose requests never end: each sends its header a byte at a time. One
// that the server closes is opened again. Costs the machine next to nothing: what is to be seen is
// what they cost the server.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace assent::bench {

class SlowConnections {
 public:
  // Returns at once; they are opened over the first `between`, and each sends a byte so often.
  SlowConnections(std::uint16_t port, std::size_t connections, std::chrono::milliseconds between);
  ~SlowConnections();
  SlowConnections(const SlowConnections&) = delete;
  SlowConnections& operator=(const SlowConnections&) = delete;

  std::size_t opened() const { return opened_; }  // since the start
  std::size_t open() const { return open_; }      // as far as the last look at each says

 private:
  void run();
  void turn(int& descriptor);
  void open(int& descriptor);
  void close(int& descriptor);

  const std::uint16_t port_;
  const std::chrono::milliseconds between_;
  std::vector<int> all_;  // -1: not open
  std::atomic<std::size_t> opened_ = 0;
  std::atomic<std::size_t> open_ = 0;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

// Lets this process, and those that it starts, have so many descriptors. Throws std::runtime_error,
// saying which limit is in the way.
void allow_descriptors(std::size_t count);

}  // namespace assent::bench
