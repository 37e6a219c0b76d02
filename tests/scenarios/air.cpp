#include "tests/scenarios/air.hpp"

#include <algorithm>
#include <utility>

#include "protocol/runtime/suggestion.hpp"

namespace assent::scenarios {
namespace {

// The kinds of messages that a scenario may name, as the text form writes them.
const std::vector<std::string>& kinds() {
  static const std::vector<std::string> all{
      "Hello",          "Welcome",        "Ready",          "Execute",
      "Prepare",        "Commit",         "Abort",          "Ask",
      "Executed",       "Vote",           "Applied",        "Inquiry",
      "Evidence",       "RunWork",        "WorkDone",       "PrepareBranch",
      "PrepareDone",    "SettleLost",     "Settled",        "DropOpen",
      "Dropped",        "FinishDone",     "FinishPrepared", "CancelPrepare",
      "ReadStatus",     "StatusRead",     "ListDone",       "ListPrepared",
      "ListFailed",     "RaiseMark",      "MarkRaised",     "MarkFailed",
      "WriteJournal",   "JournalWritten", "ReadJournal",    "JournalRead",
      "VerifyPrepared", "Verified",       "Reply"};
  return all;
}

template <typename T>
std::string tx_of(const T& value, const Names& names) {
  if constexpr (requires { value.index(); })
    return std::visit([&](const auto& each) { return tx_of(each, names); }, value);
  else if constexpr (requires { value.gid.tx; })
    return names.of(value.gid.tx);
  else if constexpr (requires { value.tx.uuid; })
    return names.of(value.tx);
  else
    return {};
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool same_word(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool Message::is_of_database() const {
  return from.ends_with(".database") || to.ends_with(".database");
}

std::string Message::brief() const {
  return kind + (tx.empty() ? "" : " " + tx) + " to " + to;
}

Message make_message(std::string from, std::string to, Cargo cargo, const Names& names) {
  Message message;
  const std::string text = std::visit([&](const auto& each) { return names.text(each); }, cargo);
  message.kind = text.substr(0, text.find_first_of(" :\n"));
  message.tx = tx_of(cargo, names);
  message.from = std::move(from);
  message.to = std::move(to);
  message.cargo = std::move(cargo);
  return message;
}

bool Pattern::matches(const Message& message) const {
  const auto is_at = [&](const std::string& end) { return end == at || end == at + ".database"; };
  return (kind.empty() || same_word(kind, message.kind)) && (tx.empty() || tx == message.tx) &&
         (from.empty() || from == message.from) && (to.empty() || to == message.to) &&
         (at.empty() || is_at(message.from) || is_at(message.to));
}

Pattern parse_pattern(const std::vector<std::string>& words, int line) {
  Pattern pattern;
  pattern.line = line;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    pattern.text += (i == 0 ? "" : " ") + word;
    std::string* place = word == "to"     ? &pattern.to
                         : word == "from" ? &pattern.from
                         : word == "at"   ? &pattern.at
                                          : nullptr;
    if (place) {
      if (++i == words.size()) throw Refusal("who is meant after \"" + word + "\"?");
      *place = words[i];
      pattern.text += " " + words[i];
      continue;
    }
    const auto known = std::find_if(kinds().begin(), kinds().end(),
                                    [&](const std::string& each) { return same_word(each, word); });
    const bool is_number = word.size() > 1 && word[0] == 't' && word[1] >= '0' && word[1] <= '9';
    if (known != kinds().end())
      pattern.kind = *known;
    else if (is_number)
      pattern.tx = word;
    else
      throw Refusal("no message is called \"" + word + "\"" + suggestion(word, kinds()));
  }
  return pattern;
}

}  // namespace assent::scenarios
