#include "coordinator/api/timeline_view.hpp"

#include <charconv>
#include <cstdio>

#include "coordinator/api/json_writer.hpp"

namespace assent {
namespace {

constexpr std::int64_t kMicrosPerMilli = 1000;

std::string utc_micros(std::int64_t wall_us) {
  std::string text = utc_text(wall_us / kMicrosPerMilli);
  char micros[8];
  std::snprintf(micros, sizeof micros, "%03d", static_cast<int>(wall_us % kMicrosPerMilli));
  return text.insert(text.size() - 1, micros);
}

// The clock may have been put back between two starts.
std::uint64_t between(std::int64_t from_us, std::int64_t to_us) {
  return to_us > from_us ? static_cast<std::uint64_t>(to_us - from_us) : 0;
}

bool parse_whole(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

void append_happening(std::string& out, const TimelineEvent& event,
                      std::optional<std::int64_t> begun_us) {
  JsonObject object(out);
  object.text("at", utc_micros(event.wall_us));
  if (begun_us) object.number("after_us", between(*begun_us, event.wall_us));
  object.text("kind", to_string(event.kind));
  if (!event.tx.uuid.is_nil()) object.text("transaction", to_string(event.tx));
  object.text_unless_empty("participant", event.participant);
  object.text_unless_empty("detail", event.detail);
  if (event.locks_held_us != 0) object.number("locks_held_us", event.locks_held_us);
  if (event.times == 1) return;
  object.number("times", event.times);
  object.text("last_at", utc_micros(event.last_wall_us));
}

std::string event_id(Epoch epoch, std::uint64_t id) {
  return std::to_string(epoch) + '-' + std::to_string(id);
}

std::optional<EventPlace> parse_event_id(std::string_view text) {
  const std::size_t dash = text.find('-');
  EventPlace place;
  if (dash == text.npos || !parse_whole(text.substr(0, dash), place.epoch) ||
      !parse_whole(text.substr(dash + 1), place.id))
    return std::nullopt;
  return place;
}

void append_timeline(std::string& out, const Timeline& timeline, const Transaction& tx, Now now) {
  const std::vector<TimelineEvent> all = timeline.of(tx.tx);
  const std::int64_t begun_us = all.empty() ? 0 : all.front().wall_us;
  JsonObject object(out);
  object.text("id", to_string(tx.tx));
  object.text("state", to_string(tx.state));
  object.text("outcome", to_string(fate_of(tx.state)));
  object.text_unless_empty("trace_id", timeline.trace_id(tx.tx));
  object.number("age_us", between(begun_us, timeline.wall_us(now)));
  {
    JsonArray events(object.field("events"));
    for (const TimelineEvent& event : all) append_happening(events.element(), event, begun_us);
  }
  object.number("omitted", timeline.omitted(tx.tx));
}

}  // namespace assent
