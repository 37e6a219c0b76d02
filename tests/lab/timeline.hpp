// What happened in a run, for people: marks at a moment, and spans that lasted, each in the lane of
// whom it happened to. Any thread may add.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace assent::lab {

enum class MarkKind { step, fault, death, start, answer, check, failure, message };
enum class SpanKind { in_doubt, blocked, down, sync };
const char* to_string(MarkKind kind);
const char* to_string(SpanKind kind);

struct Mark {
  double at_ms = 0;  // since the timeline was made, and with it everything that runs
  std::string lane;  // "client", "coordinator", "bank_a" (its participant), "bank_a.db"
  MarkKind kind = MarkKind::step;
  std::string text;
};
struct Span {
  double from_ms = 0;
  double to_ms = 0;
  std::string lane;
  SpanKind kind = SpanKind::in_doubt;
  std::string text;
};

class Timeline {
 public:
  double now_ms() const;
  // When the first thing was marked; what was before is of no interest.
  double begin_ms() const;
  // Of the wall clock, in microseconds.
  double at_wall(std::int64_t wall_us) const;
  void mark(std::string lane, MarkKind kind, std::string text);
  void mark_at(double at_ms, std::string lane, MarkKind kind, std::string text);
  void span(Span span);
  // The spans of that kind and lane that go on now, by their texts: what is new begins, what is
  // missing has ended.
  void going_on(SpanKind kind, const std::string& lane, const std::vector<std::string>& texts);

  std::vector<Mark> marks() const;  // in order
  std::vector<Span> spans() const;  // by their begin; what has not ended, ends now

 private:
  using Key = std::tuple<SpanKind, std::string, std::string>;

  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const std::chrono::system_clock::time_point wall_start_ = std::chrono::system_clock::now();
  mutable std::mutex mutex_;
  std::vector<Mark> marks_;
  std::vector<Span> spans_;
  std::map<Key, double> open_;
};

}  // namespace assent::lab
