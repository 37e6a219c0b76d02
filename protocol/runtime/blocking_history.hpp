// What was blocked in one database: the lock is often gone when somebody comes to look. Bounded in
// time, in number and in bytes.
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
  struct Limits {
    std::int64_t kept_ms = 15 * 60'000;  // spans
    std::size_t spans = 1000;
    std::size_t ended = 50;              // roots that are no more
    std::size_t live = 500;              // roots whose end is waited for
    std::size_t root_bytes = 64 * 1024;  // a larger picture loses its waiters
  };

  BlockingHistory();
  explicit BlockingHistory(Limits limits);
  ~BlockingHistory();
  BlockingHistory(BlockingHistory&&) noexcept;

  // A report, as participant/blocking_report.hpp makes it. Whatever else it is changes nothing but
  // the picture.
  void note(const boost::json::object& report, std::int64_t now_ms);
  // Nothing is known of the database at this moment.
  void note_silence(std::int64_t now_ms);

  // {"spans": [{from_ms, to_ms, answers, linked, in_doubt, waiting}],
  //  "ended": [{ended_at_ms, most_waiting, root}]}
  // A span: the same was seen from its first to its last moment. Of each root the last picture
  // before its end. Times are Unix times.
  boost::json::object document() const;

  // The same for one whose clock is another: times are milliseconds before now_ms, and the latest
  // of `ended` are given that fit into so many bytes.
  boost::json::object handover(std::int64_t now_ms, std::size_t most_bytes) const;
  // What another has seen meanwhile takes the place of silence; what was seen here stays. To be
  // called before its first report is noted.
  void take_over(const boost::json::object& handed, std::int64_t now_ms);

 private:
  struct Moment {
    bool answers = true;  // the database could be looked at
    bool linked = true;   // … and had a coordinator
    std::int64_t in_doubt = 0;
    std::int64_t waiting = 0;
    bool operator==(const Moment&) const = default;
  };
  struct Span {
    std::int64_t from_ms = 0;
    std::int64_t to_ms = 0;
    Moment what;
    bool silence = false;  // noted for want of a report
  };
  struct Picture {
    std::string root;  // JSON
    std::int64_t most_waiting = 0;
    std::int64_t ended_at_ms = 0;
  };

  void add(const Moment& moment, bool silence, std::int64_t now_ms);
  void take_ended(const boost::json::object& handed, std::int64_t since_ms, std::int64_t now_ms);
  std::map<std::string, Picture> pictures(const boost::json::object& report) const;
  void end_what_is_missing_from(const std::map<std::string, Picture>& live, std::int64_t now_ms);
  void bound(std::int64_t now_ms);

  Limits limits_;
  std::deque<Span> spans_;
  std::map<std::string, Picture> live_;  // by gid or pid
  std::deque<Picture> ended_;
};

}  // namespace assent
