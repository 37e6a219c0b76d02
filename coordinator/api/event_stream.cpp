#include "coordinator/api/event_stream.hpp"

#include "coordinator/api/timeline_view.hpp"

namespace assent {
namespace {

constexpr std::size_t kAtOnce = 256;

void append_event(std::string& out, Epoch epoch, const TimelineEvent& event) {
  out += "id: " + event_id(epoch, event.id) + "\nevent: ";
  out += to_string(event.kind);
  out += "\ndata: ";
  append_happening(out, event);
  out += "\n\n";
}

}  // namespace

EventStream::EventStream(Timeline& timeline, From from) : timeline_(timeline), from_(from) {}

EventStream::~EventStream() {
  timeline_.unfollow(follower_);
}

void EventStream::on_more(std::function<void()> more) {
  follower_ = timeline_.follow(std::move(more));
}

std::string EventStream::next() {
  std::string out;
  do {
    if (from_.gap || from_.after + 1 < timeline_.oldest()) {
      out += "event: gap\ndata: {}\n\n";
      from_.gap = false;
    }
    const auto events = timeline_.after(from_.after, kAtOnce);
    if (events.empty()) break;
    for (const TimelineEvent& event : events)
      if (from_.only.uuid.is_nil() || event.tx == from_.only) append_event(out, from_.epoch, event);
    from_.after = events.back().id;
  } while (out.empty());
  return out;
}

}  // namespace assent
