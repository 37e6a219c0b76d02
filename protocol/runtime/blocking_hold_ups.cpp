#include "protocol/runtime/blocking_hold_ups.hpp"

#include <map>
#include <set>

#include "protocol/runtime/blocking_json.hpp"

namespace assent {
namespace {

using namespace blocking_json;

constexpr std::size_t kMostNamed = 16;  // of one transaction

std::string plain(const json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

// "row id = 1 of public.account", or what is wanted where that is no row.
std::string wanted(const json::object& wait) {
  const json::object& row = object(wait, "row");
  if (row.empty()) return std::string(text(wait, "what"));
  std::string what;
  for (const auto& [name, value] : object(row, "key"))
    what += (what.empty() ? "" : ", ") + std::string(name) + " = " + plain(value);
  if (what.empty())
    what = "page " + std::to_string(number(row, "page")) + ", line " +
           std::to_string(number(row, "line"));
  return "row " + what + " of " + std::string(text(row, "relation"));
}

std::string named(const json::object& root) {
  const std::string_view kind = text(root, "kind");
  if (kind == "branch") return "transaction " + std::string(text(root, "transaction"));
  if (kind == "foreign")
    return "the foreign prepared transaction " + std::string(text(root, "gid"));
  const std::string application(text(root, "application"));
  return "pid " + std::to_string(number(root, "pid")) +
         (application.empty() ? "" : " (" + application + ")");
}

struct HeldUp {
  json::array by;
  std::string sentence;
};

class HoldUps {
 public:
  void read(const std::string& participant, const json::object& report) {
    for (const json::value& each : list(report, "roots"))
      if (const json::object* root = each.if_object())
        for (const json::value& waiter : list(*root, "waiters"))
          if (const json::object* fields = waiter.if_object()) add(participant, *root, *fields);
  }

  void tell(json::object& root) const {
    const std::string_view state = text(object(root, "knowledge"), "state");
    if (text(root, "kind") != "branch" || (state != "in_doubt" && state != "unknown")) return;
    const std::string tx(text(root, "transaction"));
    const auto found = held_up_.find(tx);
    if (found == held_up_.end()) return;
    json::object frees = object(root, "frees");
    std::string what(text(frees, "what"));
    what += found->second.sentence;
    if (waits_for_itself(tx))
      what +=
          " That one waits for this one in turn: a circle over databases, which none of them sees. "
          "The first deadline among them ends it.";
    frees["what"] = what;
    json::array by = found->second.by;
    root["frees"] = std::move(frees);
    root["held_up_by"] = std::move(by);
  }

 private:
  void add(const std::string& participant, const json::object& root, const json::object& waiter) {
    const std::string tx(text(waiter, "works_for"));
    if (tx.empty()) return;
    HeldUp& held_up = held_up_[tx];
    if (text(root, "kind") == "branch") next_[tx].insert(std::string(text(root, "transaction")));
    if (!text(root, "works_for").empty()) next_[tx].insert(std::string(text(root, "works_for")));
    if (held_up.by.size() >= kMostNamed) return;
    const json::object& wait = object(waiter, "waits_for");
    json::object who{{"kind", text(root, "kind")}};
    for (const char* name : {"transaction", "gid", "pid", "application", "works_for"})
      if (const json::value* value = root.if_contains(name)) who[name] = *value;
    held_up.by.push_back(json::object{{"participant", participant},
                                      {"pid", number(waiter, "pid")},
                                      {"waits_for", wait},
                                      {"waiting_ms", number(waiter, "waiting_ms")},
                                      {"behind", std::move(who)}});
    held_up.sentence += " Its work at " + participant + " waits for " + wanted(wait) + ", behind " +
                        named(root) + ".";
  }

  bool waits_for_itself(const std::string& tx) const {
    std::set<std::string> seen;
    std::vector<std::string> left{tx};
    while (!left.empty()) {
      const auto found = next_.find(left.back());
      left.pop_back();
      if (found == next_.end()) continue;
      for (const std::string& each : found->second) {
        if (each == tx) return true;
        if (seen.insert(each).second) left.push_back(each);
      }
    }
    return false;
  }

  std::map<std::string, HeldUp> held_up_;              // by transaction
  std::map<std::string, std::set<std::string>> next_;  // whose end its work waits for
};

}  // namespace

void note_hold_ups(const std::vector<std::pair<std::string, json::object*>>& reports) {
  HoldUps all;
  for (const auto& [participant, report] : reports) all.read(participant, *report);
  for (const auto& [participant, report] : reports) {
    json::value* roots = report->if_contains("roots");
    if (roots == nullptr || !roots->is_array()) continue;
    for (json::value& root : roots->as_array())
      if (json::object* fields = root.if_object()) all.tell(*fields);
  }
}

}  // namespace assent
