#include "participant/blocking_history.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace assent {

namespace json = boost::json;

namespace {

// A younger one that nobody waits for is two-phase commit at work: nobody will ask for it.
constexpr std::int64_t kWorthKeepingMs = 1000;

std::string name_of(const json::object& root) {
  if (const json::value* gid = root.if_contains("gid")) return std::string(gid->as_string());
  if (const json::value* pid = root.if_contains("pid")) return json::serialize(*pid);
  return {};
}

std::int64_t number(const json::object& from, std::string_view name) {
  const json::value* value = from.if_contains(name);
  return value && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

}  // namespace

BlockingHistory::BlockingHistory() = default;
BlockingHistory::~BlockingHistory() = default;

void BlockingHistory::note(const json::object& report, std::int64_t now_ms) {
  if (!report.at("available").as_bool()) return;  // nothing is known: nothing has ended
  std::map<std::string, Picture> now;
  std::size_t in_doubt = 0;
  for (const json::value& each : report.at("roots").as_array()) {
    const json::object& root = each.as_object();
    if (root.at("kind") == "branch") ++in_doubt;
    const std::string name = name_of(root);
    const std::int64_t waiting = number(root, "waiting");
    const bool is_old = number(root, "age_ms") >= kWorthKeepingMs;
    if (name.empty() || now.size() == kMostLive || (waiting == 0 && !is_old)) continue;
    std::string text = json::serialize(root);
    if (text.size() > kMostRootBytes) {
      json::object smaller = root;
      smaller["waiters_left_out"] = smaller["waiters"].as_array().size();
      smaller["waiters"].emplace_array();
      text = json::serialize(smaller);
    }
    const auto before = live_.find(name);
    const std::int64_t most = before == live_.end() ? 0 : before->second.most_waiting;
    now[name] = {std::move(text), std::max(most, waiting), 0};
  }
  for (auto& [name, picture] : live_) {
    if (now.contains(name)) continue;
    picture.ended_at_ms = now_ms;
    ended_.push_back(std::move(picture));
    if (ended_.size() > kMostEnded) ended_.pop_front();
  }
  live_ = std::move(now);

  const auto waiting = number(report.at("waiting").as_object(), "all");
  const Sample sample{now_ms, in_doubt, static_cast<std::size_t>(waiting),
                      report.at("coordinator").at("linked").as_bool()};
  if (!sample.is_quiet() || (!samples_.empty() && !samples_.back().is_quiet()))
    samples_.push_back(sample);
  while (!samples_.empty() &&
         (samples_.size() > kMostSamples || samples_.front().at_ms < now_ms - kKeptMs))
    samples_.pop_front();
}

json::object BlockingHistory::document() const {
  json::array samples;
  for (const Sample& sample : samples_)
    samples.push_back({{"at_ms", sample.at_ms},
                       {"in_doubt", sample.in_doubt},
                       {"waiting", sample.waiting},
                       {"linked", sample.linked}});
  json::array ended;
  for (const Picture& picture : ended_)
    ended.push_back({{"ended_at_ms", picture.ended_at_ms},
                     {"most_waiting", picture.most_waiting},
                     {"root", json::parse(picture.root)}});
  return {{"samples", std::move(samples)}, {"ended", std::move(ended)}};
}

}  // namespace assent
