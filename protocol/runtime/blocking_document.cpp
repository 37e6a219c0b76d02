#include "protocol/runtime/blocking_document.hpp"

#include <algorithm>
#include <set>

#include <boost/json.hpp>

#include "protocol/runtime/blocking_history.hpp"
#include "protocol/runtime/blocking_hold_ups.hpp"
#include "protocol/runtime/blocking_json.hpp"

namespace assent {
namespace {

namespace json = boost::json;
using namespace blocking_json;

constexpr std::int64_t kSettledMs = 1000;  // younger branches are two-phase commit at work

json::object parse(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return {};
  return std::move(value.as_object());
}

json::array& array(json::object& from, std::string_view name) {
  json::value& value = from[name];
  if (!value.is_array()) value.emplace_array();
  return value.as_array();
}

struct Parsed {
  const BlockingPart& part;
  json::object report;
  bool answers = false;  // and its database could be looked at
};

std::vector<Parsed> parse_all(std::span<const BlockingPart> parts) {
  std::vector<Parsed> all;
  for (const BlockingPart& part : parts) {
    Parsed parsed{part, parse(part.report), false};
    parsed.answers = part.silent_because.empty() && truth(parsed.report, "available");
    all.push_back(std::move(parsed));
  }
  return all;
}

// What the branches of one transaction, over all databases, come to.
struct Standing {
  bool in_doubt = false;
  bool applying = false;
  bool needs_operator = false;
};

class Summing {
 public:
  explicit Summing(const BlockingView& view) : view_(view) {}

  void add(Parsed& parsed) {
    if (!parsed.answers) {
      sum_.silent.push_back(parsed.part.participant);
      return;
    }
    ++sum_.answering;
    const json::object& coordinator = object(parsed.report, "coordinator");
    const bool away = !view_.at_coordinator && !truth(coordinator, "linked");
    if (away) {
      sum_.unlinked.push_back(parsed.part.participant);
      away_ms_ = std::max(away_ms_, number(coordinator, "away_ms"));
    }
    const json::object& waiting = object(parsed.report, "waiting");
    sum_.waiting += static_cast<std::size_t>(number(waiting, "all"));
    const auto held = static_cast<std::size_t>(number(waiting, "for_branches"));
    sum_.held += held;
    if (held > 0) ++sum_.held_in;
    sum_.held_by_foreign += static_cast<std::size_t>(number(waiting, "for_foreign"));
    bool has_branch = false;
    for (json::value& root : array(parsed.report, "roots"))
      if (json::object* fields = root.if_object()) has_branch |= add_root(*fields, away);
    if (has_branch) ++sum_.databases;
  }

  BlockingSummary finish() {
    for (const auto& [tx, standing] : transactions_) {
      if (standing.in_doubt)
        ++sum_.in_doubt;
      else if (standing.applying)
        ++sum_.applying;
      if (standing.needs_operator) ++sum_.need_operator;
    }
    // Prepared a moment ago and holding nobody up.
    std::erase_if(in_flight_, [this](const std::string& tx) { return transactions_.contains(tx); });
    sum_.in_flight = in_flight_.size();
    if (!sum_.unlinked.empty() && sum_.unlinked.size() == sum_.answering) {
      sum_.away_ms = away_ms_;
      sum_.unlinked.clear();
    }
    return std::move(sum_);
  }

 private:
  bool add_root(const json::object& root, bool away) {
    const std::string_view kind = text(root, "kind");
    if (kind == "foreign") {
      ++sum_.foreign;
      return false;
    }
    if (kind != "branch") return false;
    const std::string tx(text(root, "transaction"));
    const std::string_view state = text(object(root, "knowledge"), "state");
    const std::int64_t age = number(root, "age_ms");
    const bool decided = state == "applying" || state == "denied";
    if (age < kSettledMs && number(root, "waiting") == 0 && (!away || decided)) {
      in_flight_.insert(tx);
      return false;
    }
    Standing& standing = transactions_[tx];
    (decided ? standing.applying : standing.in_doubt) = true;
    standing.needs_operator |= text(object(root, "frees"), "by") == "operator";
    if (const auto ruling = view_.rulings.find(tx); ruling != view_.rulings.end())
      standing.needs_operator |= ruling->second.by == "operator";
    sum_.oldest_ms = std::max(sum_.oldest_ms, age);
    return true;
  }

  const BlockingView& view_;
  BlockingSummary sum_;
  std::map<std::string, Standing> transactions_;
  std::set<std::string> in_flight_;
  std::int64_t away_ms_ = 0;
};

BlockingSummary sum_up(std::vector<Parsed>& all, const BlockingView& view) {
  Summing summing(view);
  for (Parsed& parsed : all) summing.add(parsed);
  return summing.finish();
}

json::object write(const BlockingSummary& s) {
  json::object out{{"transactions_in_doubt", s.in_doubt},
                   {"transactions_applying", s.applying},
                   {"transactions_in_flight", s.in_flight},
                   {"transactions_needing_operator", s.need_operator},
                   {"databases", s.databases},
                   {"oldest_ms", s.oldest_ms},
                   {"sessions_waiting", s.waiting},
                   {"sessions_held", s.held},
                   {"databases_with_held_sessions", s.held_in},
                   {"foreign_prepared", s.foreign},
                   {"sessions_held_by_foreign", s.held_by_foreign}};
  out["coordinator"] = s.away_ms ? "away" : "here";
  if (s.away_ms) out["away_ms"] = *s.away_ms;
  return out;
}

// What the participant cannot know: why the coordinator has not said anything yet.
void rule(json::object& report, const BlockingView& view) {
  for (json::value& root : array(report, "roots")) {
    json::object* fields = root.if_object();
    if (!fields || text(object(*fields, "knowledge"), "state") == "foreign") continue;
    const auto ruling = view.rulings.find(std::string(text(*fields, "transaction")));
    if (ruling == view.rulings.end()) continue;
    if (list(*fields, "peers").empty() && !ruling->second.peers.empty())
      (*fields)["peers"] = json::value_from(ruling->second.peers);
    json::object frees = object(*fields, "frees");
    if (frees["by"] == "database" || text(object(*fields, "knowledge"), "state") == "denied")
      continue;  // decided there: the ruling is known
    frees["by"] = ruling->second.by;
    frees["what"] = ruling->second.what;
    if (!ruling->second.then.empty()) frees["then"] = ruling->second.then;
    (*fields)["frees"] = std::move(frees);
  }
}

// Of those that answer: what is no longer so holds nobody up.
std::vector<std::pair<std::string, json::object*>> reports_of(std::vector<Parsed>& all) {
  std::vector<std::pair<std::string, json::object*>> reports;
  for (Parsed& parsed : all)
    if (parsed.answers) reports.emplace_back(parsed.part.participant, &parsed.report);
  return reports;
}

}  // namespace

std::optional<ReportGist> take_report(std::string& report, BlockingHistory& history,
                                      std::int64_t now_ms) {
  if (report.size() > kMostReportBytes) return std::nullopt;
  json::object read = parse(report);
  if (read.empty()) return std::nullopt;
  if (const json::object& past = object(read, "past"); !past.empty()) {
    history.take_over(past, now_ms);
    read.erase("past");
    report = json::serialize(read);
  }
  history.note(read, now_ms);
  return ReportGist{truth(read, "available"), number(object(read, "waiting"), "for_branches")};
}

std::string join_history(std::span<const std::pair<std::string, const BlockingHistory*>> histories,
                         std::optional<std::int64_t> coordinator_since_ms) {
  json::array databases;
  for (const auto& [participant, history] : histories) {
    json::object entry = history->document();
    entry["participant"] = participant;
    databases.push_back(std::move(entry));
  }
  json::object document{{"databases", std::move(databases)}};
  if (coordinator_since_ms) document["coordinator_since_ms"] = *coordinator_since_ms;
  return json::serialize(document);
}

BlockingSummary summarise(std::span<const BlockingPart> parts, const BlockingView& view) {
  std::vector<Parsed> all = parse_all(parts);
  return sum_up(all, view);
}

std::string join_blocking(std::span<const BlockingPart> parts, const BlockingView& view) {
  std::vector<Parsed> all = parse_all(parts);
  const BlockingSummary summary = sum_up(all, view);
  json::object document;
  document["sentence"] = to_sentence(summary);
  document["partial"] = !summary.silent.empty();
  document["summary"] = write(summary);
  for (Parsed& parsed : all) rule(parsed.report, view);
  note_hold_ups(reports_of(all));
  json::array databases;
  for (Parsed& parsed : all) {
    json::object entry = std::move(parsed.report);
    if (entry["roots"].as_array().empty()) entry["roots"].emplace_array();
    entry["participant"] = parsed.part.participant;
    entry["answers"] = parsed.answers;
    if (!parsed.part.silent_because.empty())
      entry["not_answering_because"] = parsed.part.silent_because;
    else if (!parsed.answers)
      entry["not_answering_because"] = std::string(text(entry, "trouble"));
    if (!parsed.part.report.empty()) entry["age_ms"] = parsed.part.age.count();
    databases.push_back(std::move(entry));
  }
  document["databases"] = std::move(databases);
  return json::serialize(document);
}

}  // namespace assent
