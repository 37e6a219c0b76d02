// What was blocked: the lock is often gone when somebody comes to look. Bounded in time, in number
// and in bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include <boost/json/fwd.hpp>

namespace assent {

class BlockingHistory {
 public:
  static constexpr std::int64_t kKeptMs = 15 * 60'000;  // samples
  static constexpr std::size_t kMostSamples = 1000;
  static constexpr std::size_t kMostEnded = 50;             // roots that are no more
  static constexpr std::size_t kMostLive = 500;             // roots whose end is waited for
  static constexpr std::size_t kMostRootBytes = 64 * 1024;  // a larger picture loses its waiters

  BlockingHistory();
  ~BlockingHistory();

  // A report, as blocking_report.hpp makes it. One in which nothing is blocked is noted only where
  // it ends something.
  void note(const boost::json::object& report, std::int64_t now_ms);

  // {"samples": [{at_ms, in_doubt, waiting, linked}], "ended": [{ended_at_ms, most_waiting, root}]}
  // Of each root the last picture before its end.
  boost::json::object document() const;

 private:
  struct Sample {
    std::int64_t at_ms;
    std::size_t in_doubt;
    std::size_t waiting;
    bool linked;
    bool is_quiet() const { return in_doubt == 0 && waiting == 0 && linked; }
  };
  struct Picture {
    std::string root;  // JSON
    std::int64_t most_waiting = 0;
    std::int64_t ended_at_ms = 0;
  };

  std::deque<Sample> samples_;
  std::map<std::string, Picture> live_;  // by gid or pid
  std::deque<Picture> ended_;
};

}  // namespace assent
