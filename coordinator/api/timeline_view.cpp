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

bool parse_whole(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

void append_happening(std::string& out, const TimelineEvent& event) {
  JsonObject object(out);
  object.text("at", utc_micros(event.wall_us));
  object.text("kind", to_string(event.kind));
  if (!event.tx.uuid.is_nil()) object.text("transaction", to_string(event.tx));
  object.text_unless_empty("participant", event.participant);
  object.text_unless_empty("detail", event.detail);
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

void append_timeline(std::string& out, const Timeline& timeline, const Transaction& tx) {
  JsonObject object(out);
  object.text("id", to_string(tx.tx));
  object.text("state", to_string(tx.state));
  object.text("outcome", to_string(fate_of(tx.state)));
  {
    JsonArray events(object.field("events"));
    for (const TimelineEvent& event : timeline.of(tx.tx)) append_happening(events.element(), event);
  }
  object.number("omitted", timeline.omitted(tx.tx));
}

}  // namespace assent
