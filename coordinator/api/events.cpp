// What happened and what happens: timelines and the feed.

#include "coordinator/api/endpoints.hpp"
#include "coordinator/api/event_stream.hpp"
#include "coordinator/api/json_writer.hpp"
#include "coordinator/api/problem_document.hpp"
#include "coordinator/api/timeline_view.hpp"
#include "coordinator/engine.hpp"
#include "protocol/runtime/latest_feed.hpp"

namespace assent {
namespace {

constexpr std::size_t kPage = 1000;

void stream(const Call& call, EventStream::From from) {
  call.respond(event_response(std::make_shared<EventStream>(call.engine.timeline(), from)));
}

// Where the follower wants to go on: after the event it names, else with what comes from now on.
// Refuses the request where it names none that can be. A browser that comes back repeats the query
// and says in its header how far it got since.
std::optional<EventStream::From> place_of(const Call& call) {
  std::vector<std::string_view> named;
  for (const auto& [name, value] : call.request.query) {
    if (name != "after") {
      call.refuse(failure_of(Problem::invalid_request,
                             shortened(name) + ": unknown query parameter; there is `after`"));
      return std::nullopt;
    }
    named.push_back(value);
  }
  const std::string_view seen = call.request.header("last-event-id").value_or("");
  if (!seen.empty()) named.push_back(seen);
  EventStream::From from;
  from.epoch = call.engine.machine().epoch();
  from.after = call.engine.timeline().latest();
  std::optional<EventPlace> place;
  for (const std::string_view after : named) {
    place = parse_event_id(after);
    if (place) continue;
    call.refuse(
        failure_of(Problem::invalid_request,
                   "after: must be the id of an event, such as 7-4711; got " + shortened(after)));
    return std::nullopt;
  }
  if (!place) return from;
  from.gap = place->epoch != from.epoch || place->id + 1 < call.engine.timeline().oldest();
  from.after = from.gap ? call.engine.timeline().oldest() - 1 : place->id;
  return from;
}

}  // namespace

void follow_events(Call call) {
  const auto from = place_of(call);
  if (!from) return;
  if (wants_events(call.request)) return stream(call, *from);
  std::string body;
  {
    JsonObject document(body);
    std::uint64_t last = from->after;
    {
      JsonArray list(document.field("events"));
      for (const TimelineEvent& event : call.engine.timeline().after(from->after, kPage)) {
        append_happening(list.element(), event);
        last = event.id;
      }
    }
    document.text("last_event_id", event_id(from->epoch, last));
    if (from->gap) document.boolean("gap", true);
  }
  call.answer(std::move(body));
}

void show_timeline(Call call) {
  const auto id = call.own_transaction_id();
  if (!id) return;
  const Transaction* tx = call.engine.machine().find(*id);
  if (tx == nullptr) return call.refuse_unknown(*id);
  if (wants_events(call.request)) {
    EventStream::From from;
    from.epoch = call.engine.machine().epoch();
    from.after = call.engine.timeline().oldest() - 1;
    from.only = tx->tx;
    return stream(call, from);
  }
  std::string body;
  append_timeline(body, call.engine.timeline(), *tx, call.engine.now());
  call.answer(std::move(body));
}

}  // namespace assent
