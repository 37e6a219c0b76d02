#include "protocol/runtime/latest_feed.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "protocol/runtime/http_stream.hpp"

namespace assent {

struct LatestFeed::State {
  using Text = std::shared_ptr<const std::string>;

  explicit State(std::string name) : event(std::move(name)) {}
  Text event_of(const std::string& json) const {
    return std::make_shared<const std::string>("event: " + event + "\ndata: " + json + "\n\n");
  }

  struct Follower {
    Text waiting;  // not sent yet
    std::function<void()> more;
  };
  const std::string event;
  std::map<std::uint64_t, Follower> followers;
  std::uint64_t last = 0;
};

class LatestFeed::Following final : public HttpStream {
 public:
  Following(std::shared_ptr<State> state, State::Text first)
      : state_(std::move(state)), number_(++state_->last) {
    state_->followers[number_].waiting = std::move(first);
  }
  ~Following() override { state_->followers.erase(number_); }

  std::string next() override {
    const State::Text text = std::exchange(state_->followers[number_].waiting, nullptr);
    return text ? *text : std::string();
  }
  void on_more(std::function<void()> more) override {
    state_->followers[number_].more = std::move(more);
  }
  std::string heartbeat() const override { return ":\n\n"; }

 private:
  std::shared_ptr<State> state_;
  std::uint64_t number_;
};

LatestFeed::LatestFeed(std::string event) : state_(std::make_shared<State>(std::move(event))) {}

bool LatestFeed::is_followed() const {
  return !state_->followers.empty();
}

void LatestFeed::publish(const std::string& json) {
  if (!is_followed()) return;
  const State::Text text = state_->event_of(json);
  std::vector<std::uint64_t> all;  // one may go while it is told
  for (auto& [number, follower] : state_->followers) {
    follower.waiting = text;
    all.push_back(number);
  }
  for (const std::uint64_t number : all) {
    const auto found = state_->followers.find(number);
    if (found == state_->followers.end() || !found->second.more) continue;
    const auto more = found->second.more;
    more();
  }
}

HttpResponse LatestFeed::follow(const std::string& json) const {
  State::Text first = json.empty() ? nullptr : state_->event_of(json);
  return event_response(std::make_shared<Following>(state_, std::move(first)));
}

bool wants_events(const HttpRequest& request) {
  return request.header("accept").value_or("").find("text/event-stream") != std::string_view::npos;
}

HttpResponse event_response(std::shared_ptr<HttpStream> stream) {
  HttpResponse response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("Cache-Control", "no-store");
  response.stream = std::move(stream);
  return response;
}

}  // namespace assent
