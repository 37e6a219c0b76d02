#include "protocol/runtime/blocking_history.hpp"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

#include "protocol/runtime/blocking_json.hpp"

namespace assent {

namespace json = boost::json;
using blocking_json::list;
using blocking_json::number;
using blocking_json::object;
using blocking_json::truth;

namespace {

// A younger one that nobody waits for is two-phase commit at work: nobody will ask for it.
constexpr std::int64_t kWorthKeepingMs = 1000;
// Between two moments that are further apart nobody looked.
constexpr std::int64_t kGapMs = 5000;

std::string name_of(const json::object& root) {
  for (const char* name : {"gid", "pid"})
    if (const json::value* value = root.if_contains(name)) return json::serialize(*value);
  return {};
}

std::string text_of(const json::object& root, std::size_t most_bytes) {
  std::string text = json::serialize(root);
  if (text.size() <= most_bytes) return text;
  json::object smaller = root;
  smaller["waiters_left_out"] = list(root, "waiters").size();
  smaller["waiters"].emplace_array();
  return json::serialize(smaller);
}

}  // namespace

BlockingHistory::BlockingHistory() : BlockingHistory(Limits{}) {}
BlockingHistory::BlockingHistory(Limits limits) : limits_(limits) {}
BlockingHistory::~BlockingHistory() = default;
BlockingHistory::BlockingHistory(BlockingHistory&&) noexcept = default;

void BlockingHistory::note(const json::object& report, std::int64_t now_ms) {
  Moment moment;
  moment.linked = truth(object(report, "coordinator"), "linked");
  moment.answers = truth(report, "available");
  if (!moment.answers) return add(moment, false, now_ms);  // nothing is known: nothing has ended
  for (const json::value& root : list(report, "roots"))
    if (root.is_object() && root.as_object().contains("kind") &&
        root.as_object().at("kind") == "branch")
      ++moment.in_doubt;
  moment.waiting = number(object(report, "waiting"), "all");
  std::map<std::string, Picture> now = pictures(report);
  end_what_is_missing_from(now, now_ms);
  live_ = std::move(now);
  add(moment, false, now_ms);
}

void BlockingHistory::note_silence(std::int64_t now_ms) {
  Moment moment;
  moment.answers = moment.linked = false;
  add(moment, true, now_ms);
}

void BlockingHistory::add(const Moment& moment, bool silence, std::int64_t now_ms) {
  const bool goes_on = !spans_.empty() && spans_.back().what == moment &&
                       spans_.back().silence == silence && now_ms - spans_.back().to_ms <= kGapMs;
  if (goes_on)
    spans_.back().to_ms = std::max(spans_.back().to_ms, now_ms);
  else
    spans_.push_back({now_ms, now_ms, moment, silence});
  bound(now_ms);
}

std::map<std::string, BlockingHistory::Picture> BlockingHistory::pictures(
    const json::object& report) const {
  std::map<std::string, Picture> found;
  for (const json::value& each : list(report, "roots")) {
    if (!each.is_object() || found.size() == limits_.live) continue;
    const json::object& root = each.as_object();
    const std::string name = name_of(root);
    const std::int64_t waiting = number(root, "waiting");
    const bool is_old = number(root, "age_ms") >= kWorthKeepingMs;
    if (name.empty() || (waiting == 0 && !is_old)) continue;
    const auto before = live_.find(name);
    const std::int64_t most = before == live_.end() ? 0 : before->second.most_waiting;
    found[name] = {text_of(root, limits_.root_bytes), std::max(most, waiting), 0};
  }
  return found;
}

void BlockingHistory::end_what_is_missing_from(const std::map<std::string, Picture>& live,
                                               std::int64_t now_ms) {
  for (auto& [name, picture] : live_) {
    if (live.contains(name)) continue;
    picture.ended_at_ms = now_ms;
    ended_.push_back(std::move(picture));
  }
}

void BlockingHistory::bound(std::int64_t now_ms) {
  while (!spans_.empty() &&
         (spans_.size() > limits_.spans || spans_.front().to_ms < now_ms - limits_.kept_ms))
    spans_.pop_front();
  while (ended_.size() > limits_.ended) ended_.pop_front();
}

json::object BlockingHistory::document() const {
  json::array spans;
  for (const Span& span : spans_)
    spans.push_back({{"from_ms", span.from_ms},
                     {"to_ms", span.to_ms},
                     {"answers", span.what.answers},
                     {"linked", span.what.linked},
                     {"in_doubt", span.what.in_doubt},
                     {"waiting", span.what.waiting}});
  json::array ended;
  for (const Picture& picture : ended_)
    ended.push_back({{"ended_at_ms", picture.ended_at_ms},
                     {"most_waiting", picture.most_waiting},
                     {"root", json::parse(picture.root)}});
  return {{"spans", std::move(spans)}, {"ended", std::move(ended)}};
}

json::object BlockingHistory::handover(std::int64_t now_ms, std::size_t most_bytes) const {
  json::object handed = document();
  for (json::value& span : handed["spans"].as_array())
    for (const char* name : {"from_ms", "to_ms"})
      span.as_object()[name] = now_ms - number(span.as_object(), name);
  json::array& ended = handed["ended"].as_array();
  auto first = ended.end();
  std::size_t bytes = 0;
  for (std::size_t i = ended_.size(); i > 0; --i) {
    bytes += ended_[i - 1].root.size();
    if (bytes > most_bytes) break;
    --first;
  }
  ended.erase(ended.begin(), first);
  for (json::value& each : ended)
    each.as_object()["ended_at_ms"] = now_ms - number(each.as_object(), "ended_at_ms");
  return handed;
}

void BlockingHistory::take_over(const json::object& handed, std::int64_t now_ms) {
  while (!spans_.empty() && spans_.back().silence) spans_.pop_back();
  const std::int64_t since = spans_.empty() ? now_ms - limits_.kept_ms : spans_.back().to_ms;
  for (const json::value& each : list(handed, "spans")) {
    if (!each.is_object()) continue;
    const json::object& span = each.as_object();
    const std::int64_t from = std::max(since, now_ms - number(span, "from_ms"));
    const std::int64_t to = std::min(now_ms, now_ms - number(span, "to_ms"));
    if (from > to || to <= since) continue;
    const Moment what{truth(span, "answers"), truth(span, "linked"), number(span, "in_doubt"),
                      number(span, "waiting")};
    spans_.push_back({from, to, what, false});
    bound(now_ms);
  }
  take_ended(handed, since, now_ms);
}

void BlockingHistory::take_ended(const json::object& handed, std::int64_t since_ms,
                                 std::int64_t now_ms) {
  for (const json::value& each : list(handed, "ended")) {
    if (!each.is_object()) continue;
    const json::object& picture = each.as_object();
    const json::object& root = object(picture, "root");
    const std::int64_t ended_at = std::min(now_ms, now_ms - number(picture, "ended_at_ms"));
    if (root.empty() || ended_at < since_ms) continue;
    live_.erase(name_of(root));
    ended_.push_back(
        {text_of(root, limits_.root_bytes), number(picture, "most_waiting"), ended_at});
  }
  bound(now_ms);
}

}  // namespace assent
