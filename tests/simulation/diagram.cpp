#include "tests/simulation/diagram.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace assent::simulation {
namespace {

bool starts(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

// What stands after the first ": ", where one record carries another.
std::string cargo(const std::string& text) {
  const auto colon = text.find(": ");
  return colon == std::string::npos ? text : text.substr(colon + 2);
}

// The value of a field: up to the next blank, or the colon before what it carries.
std::string field(const std::string& text, const std::string& name) {
  const auto at = text.find(' ' + name + '=');
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 2;
  return text.substr(begin, text.find_first_of(": ", begin) - begin);
}

// Mermaid ends a message at a semicolon or number sign.
std::string plain(std::string text) {
  constexpr std::size_t kWidth = 110;
  if (text.size() > kWidth) text = text.substr(0, kWidth) + " …";
  for (char& c : text)
    if (c == ';' || c == '#') c = ',';
  return text;
}

bool is_coordinator(const std::string& who) {
  return starts(who, "coordinator");
}

}  // namespace

void Diagram::add(const Trace::Line& line) {
  if (line.kind == '-') {
    const bool general = tx_.empty() || starts(line.text, "fault ") || is_about(line.text) ||
                         line.text.find(" is killed") != std::string::npos ||
                         line.text.find(" loses power") != std::string::npos ||
                         line.text.find(" starts") != std::string::npos;
    if (general) add(Step{"", "", "", line.text});
  } else if (is_coordinator(line.who)) {
    coordinator(line);
  } else {
    participant(line);
  }
}

// What was sent is drawn when it leaves; what comes of it shows whether it arrived.
void Diagram::coordinator(const Trace::Line& line) {
  const std::string& text = line.text;
  if (line.kind == '<') {
    if (starts(text, "Logged")) add(Step{line.who, "", "", "on disk: records" + text.substr(6)});
    return;
  }
  if (!is_about(text)) return;
  if (starts(text, "Send ")) add(Step{line.who, field(text, "participant"), "->>", cargo(text)});
  if (starts(text, "Log ")) add(Step{line.who, line.who, "->>", "to the log: " + cargo(text)});
  if (starts(text, "Reply ")) add(Step{line.who, "client", "-->>", text});
}

void Diagram::participant(const Trace::Line& line) {
  if (line.kind == '<' || !is_about(line.text)) return;
  if (starts(line.text, "SendToCoordinator"))
    add(Step{line.who, "coordinator", "-->>", cargo(line.text)});
  else
    add(Step{line.who, line.who, "->>", line.text});
}

bool Diagram::is_about(const std::string& text) const {
  if (tx_.empty()) return true;
  for (auto at = text.find(tx_); at != std::string::npos; at = text.find(tx_, at + 1)) {
    const auto after = at + tx_.size();
    const bool begins = at == 0 || std::isalnum(static_cast<unsigned char>(text[at - 1])) == 0;
    const bool ends =
        after == text.size() || std::isalnum(static_cast<unsigned char>(text[after])) == 0;
    if (begins && ends) return true;
  }
  return false;
}

void Diagram::add(Step step) {
  steps_.push_back(std::move(step));
  if (steps_.size() <= most_) return;
  steps_.pop_front();
  ++left_out_;
}

std::string Diagram::text() const {
  std::vector<std::string> parties{"client", "coordinator"};
  for (const Step& step : steps_)
    for (const std::string* each : {&step.who, &step.whom})
      if (!each->empty() && std::find(parties.begin(), parties.end(), *each) == parties.end())
        parties.push_back(*each);
  std::string text = "sequenceDiagram\n";
  for (const std::string& each : parties) text += "  participant " + each + "\n";
  const std::string all = "Note over " + parties.front() + "," + parties.back() + ": ";
  if (left_out_ != 0)
    text += "  " + all + std::to_string(left_out_) + " earlier steps are left out\n";
  for (const Step& step : steps_) {
    text += "  ";
    if (!step.whom.empty())
      text += step.who + step.arrow + step.whom + ": ";
    else
      text += step.who.empty() ? all : "Note over " + step.who + ": ";
    text += plain(step.what) + "\n";
  }
  return text;
}

}  // namespace assent::simulation
