#include "clients/cli/watch.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <ostream>
#include <sstream>
#include <variant>

#include <boost/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clients/cli/report.hpp"
#include "clients/cpp/json.hpp"

namespace assent::cli {

namespace json = boost::json;
using namespace std::chrono_literals;

const char* const kWatchFooter = R"(
On a terminal: the sentence, how it goes, the transactions that are not finished and the newest, and
what blocks, drawn anew every second. Otherwise a line for each decision, each end of an outage and
each change of what blocks, for a log or for grep.

While the coordinator does not answer the participants are asked, as `assent blocking` does.

Examples:
  assent watch
  assent watch | grep 'not known'
)";

namespace {

constexpr client::milliseconds kInterval = 1s;
constexpr client::milliseconds kAnswerLimit = 2500ms;

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

// Lines of the terminal; 24 where it does not say.
std::size_t screen_lines() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 4;
  return known ? size.ws_row : 24;
}

const json::object& part(const json::object& from, std::string_view name) {
  static const json::object none;
  const json::object* found = client::object_of(from, name);
  return found ? *found : none;
}

json::object parsed(const std::string& text) {
  boost::system::error_code error;
  json::value document = json::parse(text, error);
  return !error && document.is_object() ? std::move(document.as_object()) : json::object();
}

// What of the situation is worth a line: numbers that count up by themselves are not.
std::string gist_of(const json::object& document) {
  json::object summary = part(document, "summary");
  for (const char* name : {"oldest_ms", "away_ms", "transactions_in_flight"}) summary.erase(name);
  std::string gist = json::serialize(summary);
  if (const json::array* databases = client::array_of(document, "databases"))
    for (const json::value& each : *databases)
      if (each.is_object()) gist += client::text_of(each.as_object(), "answers");
  return gist;
}

bool worth_telling(std::string_view kind) {
  constexpr std::string_view kKinds[] = {"started",   "connected", "disconnected",
                                         "recovered", "decided",   "damaged"};
  return std::ranges::find(kKinds, kind) != std::end(kKinds);
}

std::string happening_text(const json::object& event) {
  std::string text = client::text_of(event, "kind");
  const auto add = [&](const char* name, const char* before) {
    if (const std::string value = client::text_of(event, name); !value.empty())
      text += before + value;
  };
  add("detail", " ");
  add("participant", " ");
  add("transaction", " ");
  return text;
}

}  // namespace

// What the coordinator had done when it was asked last.
struct Watch::Rates {
  std::string at;
  std::chrono::steady_clock::time_point asked;
  std::int64_t committed = 0, aborted = 0, answers = 0, answer_us = 0;
};

Watch::Watch(const BlockingOptions& options, const Terminal& terminal, const Connect& connect)
    : options_(options),
      terminal_(terminal),
      connect_(connect),
      coordinator_(connect(options.coordinator)) {}

Watch::~Watch() = default;

void Watch::look() {
  const BlockingAnswer blocking = ask_blocking(options_, connect_);
  if (terminal_.colour)
    draw(blocking);
  else
    tell(blocking);
  terminal_.out << std::flush;
}

std::optional<json::object> Watch::get(const std::string& target) {
  const auto exchange = coordinator_->call(
      {.method = "GET", .target = target, .headers = {}, .body = {}, .timeout = kAnswerLimit});
  const auto* answer = std::get_if<HttpAnswer>(&exchange);
  if (!answer || answer->status != 200) return std::nullopt;
  return parsed(answer->body);
}

// ---- a screen -----------------------------------------------------------------------------------

// Drawn over what was there, so that nothing flickers; what does not fit is counted.
void Watch::draw(const BlockingAnswer& blocking) {
  std::istringstream lines(screen(blocking));
  const std::size_t room = screen_lines() - 1;
  std::string out = "\x1b[H";
  std::string each;
  std::size_t count = 0, left_out = 0;
  while (std::getline(lines, each)) {
    if (count + 1 >= room) {
      ++left_out;
      continue;
    }
    ++count;
    out += each + "\x1b[K\n";
  }
  if (left_out > 0)
    out +=
        "… and " + std::to_string(left_out) + " more lines: assent blocking, assent list\x1b[K\n";
  terminal_.out << out << "\x1b[J";
}

std::string Watch::screen(const BlockingAnswer& blocking) {
  std::ostringstream text;
  const Terminal to{terminal_.in, text, text, terminal_.colour};
  std::ostringstream tree;
  const Terminal to_tree{terminal_.in, tree, tree, terminal_.colour};
  if (blocking.document)
    print_blocking(to_tree, *blocking.document);
  else
    tree << to.paint("Nobody answers: " + printable(blocking.trouble), Colour::red) << '\n';
  const std::string whole = tree.str();
  const std::size_t first = whole.find('\n') + 1;
  text << whole.substr(0, first) << to.paint(now_text() + "  " + rates(), Colour::dim) << "\n\n";
  for (const char* which : {"state=in_doubt&limit=6", "limit=8"})
    if (const auto list = get(std::string("/v1/transactions?") + which)) {
      const json::array* found = client::array_of(*list, "transactions");
      if (!found || found->empty()) continue;
      text << (which[0] == 's' ? "Not finished\n" : "Newest\n");
      json::object page = *list;
      page.erase("next_page_token");
      print_transactions(to, json::serialize(page));
      text << '\n';
    }
  text << whole.substr(first);
  return text.str();
}

// "12.5 committed and 0.1 aborted a second, answered in 3.4 ms; 2 at work"
std::string Watch::rates() {
  const auto overview = get("/v1/overview");
  if (!overview) {
    rates_.reset();
    return "the coordinator does not answer";
  }
  const json::object& counts = part(*overview, "since_start");
  const auto count = [&](const char* name) { return client::integer_of(counts, name).value_or(0); };
  Rates now{client::text_of(*overview, "epoch"),
            coordinator_->now(),
            count("committed"),
            count("aborted"),
            count("committed") + count("aborted") + count("other"),
            count("answer_us")};
  const json::object& states = part(*overview, "transactions");
  std::int64_t working = 0;
  for (const char* state : {"open", "preparing", "deciding", "committing", "aborting"})
    working += client::integer_of(states, state).value_or(0);
  std::string text = std::to_string(working) + " at work";
  if (rates_ && rates_->at == now.at && now.asked > rates_->asked) {
    const double seconds = std::chrono::duration<double>(now.asked - rates_->asked).count();
    const auto answers = now.answers - rates_->answers;
    char numbers[128];
    std::snprintf(numbers, sizeof numbers, "%.1f committed and %.1f aborted a second",
                  static_cast<double>(now.committed - rates_->committed) / seconds,
                  static_cast<double>(now.aborted - rates_->aborted) / seconds);
    std::string pace = numbers;
    if (answers > 0) {
      std::snprintf(numbers, sizeof numbers, ", answered in %.1f ms",
                    static_cast<double>(now.answer_us - rates_->answer_us) / 1e3 /
                        static_cast<double>(answers));
      pace += numbers;
    }
    text = pace + "; " + text;
  }
  rates_ = std::make_unique<Rates>(std::move(now));
  return text;
}

// ---- lines --------------------------------------------------------------------------------------

void Watch::line(const std::string& at, const std::string& text) {
  terminal_.out << at << "  " << printable(text) << '\n';
}

void Watch::tell(const BlockingAnswer& blocking) {
  tell_happenings();
  if (!blocking.document) {
    const std::string gist = "nobody";
    if (std::exchange(last_gist_, gist) != gist)
      line(now_text(), "Nobody answers: " + blocking.trouble);
    return;
  }
  const json::object document = parsed(*blocking.document);
  std::string gist = gist_of(document);
  if (std::exchange(last_gist_, gist) != gist)
    line(now_text(), client::text_of(document, "sentence"));
}

void Watch::tell_happenings() {
  std::size_t count = 0;
  do {
    const auto page = get(last_event_.empty() ? "/v1/events" : "/v1/events?after=" + last_event_);
    if (!page) return;
    if (client::text_of(*page, "gap") == "true")
      line(now_text(), "some of what happened is not known here: it was too much, or too long ago");
    const json::array* events = client::array_of(*page, "events");
    count = events ? events->size() : 0;
    for (std::size_t i = 0; i < count; ++i)
      if (const json::object* event = (*events)[i].if_object())
        if (worth_telling(client::text_of(*event, "kind")))
          line(client::text_of(*event, "at"), happening_text(*event));
    last_event_ = client::text_of(*page, "last_event_id");
  } while (count >= 1000);
}

int show_watch(const BlockingOptions& options, const Terminal& terminal, const Connect& connect) {
  if (terminal.colour) terminal.out << "\x1b[2J";
  Watch watch(options, terminal, connect);
  const auto clock = connect(options.coordinator);
  for (;;) {
    watch.look();
    if (!terminal.out) return kDone;  // nobody reads any more
    clock->wait(kInterval);
  }
}

}  // namespace assent::cli
