#include "clients/cli/lanes.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <ostream>
#include <vector>

#include <boost/json.hpp>

#include "clients/cli/table.hpp"
#include "clients/cpp/json.hpp"

namespace assent::cli {
namespace {

namespace json = boost::json;
using client::text_of;

constexpr std::size_t kWidth = 60;

struct Event {
  std::int64_t after_us = 0;
  std::string kind;
  std::string participant;
  std::string detail;
  std::int64_t times = 1;
  std::int64_t locks_held_us = 0;  // of applied; 0: not measured
};

struct Story {
  std::string state;
  bool over = false;
  std::int64_t length_us = 0;  // what the lanes show, from the left to the right
  std::vector<Event> events;
  std::int64_t omitted = 0;
};

Story read_story(const std::string& text) {
  Story story;
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const json::object* fields = error ? nullptr : document.if_object();
  if (fields == nullptr) return story;
  story.state = text_of(*fields, "state");
  story.over = story.state == "committed" || story.state == "aborted";
  story.omitted = client::integer_of(*fields, "omitted").value_or(0);
  if (const json::array* events = client::array_of(*fields, "events"))
    for (const json::value& each : *events)
      if (const json::object* event = each.if_object())
        story.events.push_back({client::integer_of(*event, "after_us").value_or(0),
                                text_of(*event, "kind"), text_of(*event, "participant"),
                                text_of(*event, "detail"),
                                client::integer_of(*event, "times").value_or(1),
                                client::integer_of(*event, "locks_held_us").value_or(0)});
  for (const Event& event : story.events)
    story.length_us = std::max(story.length_us, event.after_us);
  if (!story.over)
    story.length_us = std::max(story.length_us, client::integer_of(*fields, "age_us").value_or(0));
  return story;
}

// "85 µs", "12.4 ms", "41.0 s"
std::string duration_text(std::int64_t us) {
  char text[32];
  if (us < 1000)
    std::snprintf(text, sizeof text, "%lld µs", static_cast<long long>(us));
  else if (us < 1'000'000)
    std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(us) / 1e3);
  else
    std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(us) / 1e6);
  return text;
}

// One party's line: stretches first, then marks over them.
class Lane {
 public:
  explicit Lane(std::int64_t length_us) : length_us_(std::max<std::int64_t>(length_us, 1)) {}
  void stretch(std::int64_t from_us, std::int64_t to_us, const char* sign) {
    for (std::size_t at = column(from_us); at <= column(to_us); ++at) cells_[at] = sign;
  }
  void mark(std::int64_t at_us, const char* sign) { cells_[column(at_us)] = sign; }
  std::string text() const {
    std::string out;
    for (const std::string& cell : cells_) out += cell;
    return out.erase(out.find_last_not_of(' ') + 1);
  }

 private:
  std::size_t column(std::int64_t us) const {
    const auto at = static_cast<std::size_t>(std::max<std::int64_t>(us, 0)) * (kWidth - 1) /
                    static_cast<std::size_t>(length_us_);
    return std::min(at, kWidth - 1);
  }
  std::int64_t length_us_;
  std::vector<std::string> cells_ = std::vector<std::string>(kWidth, " ");
};

// An external branch may be asked for again and again before it is prepared.
bool is_no_vote_yet(const Event& event) {
  return event.kind == "voted" && event.detail == "not_yet";
}

// When the first event of one of these kinds happened at the participant; the end where none did.
class Moments {
 public:
  Moments(const Story& story, const std::string& participant) {
    for (const Event& event : story.events)
      if (event.participant == participant && !is_no_vote_yet(event))
        first_.emplace(event.kind, event);
    end_ = story.length_us;
  }
  const Event* find(const char* kind) const {
    const auto found = first_.find(kind);
    return found == first_.end() ? nullptr : &found->second;
  }
  std::int64_t first_of(std::initializer_list<const char*> kinds) const {
    std::int64_t at = end_;
    for (const char* kind : kinds)
      if (const Event* event = find(kind)) at = std::min(at, event->after_us);
    return at;
  }

 private:
  std::map<std::string, Event> first_;
  std::int64_t end_ = 0;
};

std::string client_lane(const Story& story) {
  Lane lane(story.length_us);
  std::vector<std::int64_t> marks;
  for (const Event& event : story.events)
    if (event.kind == "begun" || event.kind == "commit_asked" || event.kind == "rollback_asked" ||
        event.kind == "answered")
      marks.push_back(event.after_us);
  const bool answered = std::any_of(story.events.begin(), story.events.end(),
                                    [](const Event& e) { return e.kind == "answered"; });
  if (!marks.empty()) lane.stretch(marks.front(), answered ? marks.back() : story.length_us, "┄");
  for (const std::int64_t at : marks) lane.mark(at, "●");
  return lane.text();
}

// A start in the middle means that the coordinator was away: since when, only its absence tells.
std::string coordinator_lane(const Story& story) {
  Lane lane(story.length_us);
  std::int64_t from = 0, last = 0;
  for (const Event& event : story.events) {
    if (event.kind == "started") {
      lane.stretch(from, last, "─");
      from = event.after_us;
    }
    last = event.after_us;
  }
  lane.stretch(from, story.length_us, "─");
  for (const Event& event : story.events) {
    if (event.kind == "started") lane.mark(event.after_us, "├");
    if (event.kind == "decided") lane.mark(event.after_us, "◆");
  }
  return lane.text();
}

std::string participant_lane(const Story& story, const std::string& name) {
  const Moments moments(story, name);
  Lane lane(story.length_us);
  const std::int64_t work = moments.first_of({"statements_sent", "prepare_sent"});
  const std::int64_t told = moments.first_of({"commit_sent", "abort_sent"});
  const std::int64_t done = moments.first_of({"applied", "damaged"});
  const Event* vote = moments.find("voted");
  const std::int64_t voted = vote ? vote->after_us : told;
  if (vote || moments.find("prepare_sent") || moments.find("statements_sent"))
    lane.stretch(work, voted, "─");
  const bool bound = (vote && vote->detail == "yes") || (!vote && moments.find("commit_sent"));
  if (bound) {
    lane.stretch(vote ? voted : 0, told, "▨");
    if (told < story.length_us) lane.stretch(told, done, "━");
  }
  if (vote) lane.mark(voted, vote->detail == "no" ? "▼" : "▲");
  for (const Event& event : story.events)
    if (event.participant == name && event.kind == "disconnected") lane.mark(event.after_us, "╳");
  if (const Event* end = moments.find("applied")) lane.mark(end->after_us, "■");
  if (const Event* damage = moments.find("damaged")) lane.mark(damage->after_us, "!");
  return lane.text();
}

// What the participant itself measured.
std::string held_text(const Event& event) {
  return "held its locks in doubt for " + duration_text(event.locks_held_us);
}

// What the party may do alone at this moment, and why.
std::string alone(const Story& story, const std::string& name) {
  if (story.over) return "";
  const Moments moments(story, name);
  if (moments.find("applied")) return "has ended its part";
  if (moments.find("commit_sent") || moments.find("abort_sent"))
    return "is told the outcome until it confirms";
  const Event* vote = moments.find("voted");
  if (vote == nullptr) return "may still abort alone";
  return vote->detail == "yes" ? "voted yes: may do nothing alone, and holds its locks"
                               : "has ended its part";
}

void print_events(const Terminal& terminal, const Story& story) {
  Table table({{"AFTER", true}, {"WHO"}, {"WHAT"}});
  for (const Event& event : story.events) {
    std::string what = event.kind;
    std::replace(what.begin(), what.end(), '_', ' ');
    if (!event.detail.empty() && event.detail != event.kind) what += ": " + event.detail;
    if (event.locks_held_us > 0) what += "; " + held_text(event);
    if (event.times > 1) what += " (" + std::to_string(event.times) + " times)";
    table.add({duration_text(event.after_us),
               event.participant.empty() ? "coordinator" : event.participant, what});
  }
  terminal.out << table.text(terminal);
  if (story.omitted > 0) terminal.out << story.omitted << " more statements are not kept.\n";
}

}  // namespace

void print_timeline(const Terminal& terminal, const std::string& text, std::string_view above) {
  const Story story = read_story(text);
  if (story.events.empty()) return;
  std::vector<std::string> participants;
  for (const Event& event : story.events)
    if (!event.participant.empty() && std::find(participants.begin(), participants.end(),
                                                event.participant) == participants.end())
      participants.push_back(event.participant);
  std::size_t names = std::string("coordinator").size();
  for (const std::string& name : participants) names = std::max(names, printable(name).size());
  const auto line = [&](const std::string& name, const std::string& lane) {
    const std::string shown = printable(name);
    terminal.out << shown << std::string(names - shown.size() + 2, ' ') << lane << '\n';
  };
  terminal.out << above;
  line("client", client_lane(story));
  line("coordinator", coordinator_lane(story));
  for (const std::string& name : participants) line(name, participant_lane(story, name));
  terminal.out << std::string(names + 2, ' ') << "0" << std::string(kWidth / 2, ' ')
               << (story.over ? "its end: " : "now: ") << duration_text(story.length_us) << '\n';
  for (const std::string& name : participants)
    if (const std::string now = alone(story, name); !now.empty())
      terminal.out << printable(name) << ": " << now << '\n';
  for (const Event& event : story.events)
    if (event.locks_held_us > 0)
      terminal.out << printable(event.participant) << ": " << held_text(event) << '\n';
  terminal.out << '\n';
  print_events(terminal, story);
}

}  // namespace assent::cli
