#include "tests/lab/timeline.hpp"

#include <algorithm>

namespace assent::lab {

const char* to_string(MarkKind kind) {
  switch (kind) {
    case MarkKind::step:
      return "step";
    case MarkKind::fault:
      return "fault";
    case MarkKind::death:
      return "death";
    case MarkKind::start:
      return "start";
    case MarkKind::answer:
      return "answer";
    case MarkKind::check:
      return "check";
    case MarkKind::failure:
      return "failure";
    case MarkKind::message:
      return "message";
  }
  return "?";
}

const char* to_string(SpanKind kind) {
  switch (kind) {
    case SpanKind::in_doubt:
      return "in doubt";
    case SpanKind::blocked:
      return "blocked";
    case SpanKind::down:
      return "down";
    case SpanKind::sync:
      return "log sync";
  }
  return "?";
}

double Timeline::now_ms() const {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_)
      .count();
}

double Timeline::begin_ms() const {
  const std::lock_guard lock(mutex_);
  double first = now_ms();
  for (const Mark& mark : marks_) first = std::min(first, mark.at_ms);
  return first;
}

double Timeline::at_wall(std::int64_t wall_us) const {
  const std::chrono::system_clock::time_point at{std::chrono::microseconds(wall_us)};
  return std::chrono::duration<double, std::milli>(at - wall_start_).count();
}

void Timeline::mark(std::string lane, MarkKind kind, std::string text) {
  mark_at(now_ms(), std::move(lane), kind, std::move(text));
}

void Timeline::mark_at(double at_ms, std::string lane, MarkKind kind, std::string text) {
  const std::lock_guard lock(mutex_);
  marks_.push_back({at_ms, std::move(lane), kind, std::move(text)});
}

void Timeline::span(Span span) {
  const std::lock_guard lock(mutex_);
  spans_.push_back(std::move(span));
}

void Timeline::going_on(SpanKind kind, const std::string& lane,
                        const std::vector<std::string>& texts) {
  const double now = now_ms();
  const std::lock_guard lock(mutex_);
  for (const std::string& text : texts) open_.try_emplace({kind, lane, text}, now);
  for (auto each = open_.begin(); each != open_.end();) {
    const auto& [its_kind, its_lane, text] = each->first;
    const bool over = its_kind == kind && its_lane == lane &&
                      std::find(texts.begin(), texts.end(), text) == texts.end();
    if (!over) {
      ++each;
      continue;
    }
    spans_.push_back({each->second, now, its_lane, its_kind, text});
    each = open_.erase(each);
  }
}

std::vector<Mark> Timeline::marks() const {
  const std::lock_guard lock(mutex_);
  std::vector<Mark> marks = marks_;
  std::stable_sort(marks.begin(), marks.end(),
                   [](const Mark& a, const Mark& b) { return a.at_ms < b.at_ms; });
  return marks;
}

std::vector<Span> Timeline::spans() const {
  const double now = now_ms();
  const std::lock_guard lock(mutex_);
  std::vector<Span> spans = spans_;
  for (const auto& [key, from] : open_)
    spans.push_back({from, now, std::get<1>(key), std::get<0>(key), std::get<2>(key)});
  std::stable_sort(spans.begin(), spans.end(),
                   [](const Span& a, const Span& b) { return a.from_ms < b.from_ms; });
  return spans;
}

}  // namespace assent::lab
