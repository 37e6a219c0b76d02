#include "protocol/runtime/blocking_sentence.hpp"

namespace assent {
namespace {

std::string count(std::size_t number, const std::string& one, const std::string& many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

std::string sessions(std::size_t number) {
  return count(number, "session", "sessions");
}

std::string verb(std::size_t number, const char* one, const char* many) {
  return number == 1 ? one : many;
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string holding(const BlockingSummary& s, std::size_t transactions) {
  const std::string where =
      " in " + count(s.held == 0 ? s.databases : s.held_in, "database", "databases");
  if (s.held == 0) return where + "; no session waits for " + verb(transactions, "it", "them");
  return " " + verb(transactions, "holds ", "hold ") + sessions(s.held) + where;
}

// What is unfinished, as the middle of a sentence; empty: nothing is.
std::string unfinished(const BlockingSummary& s) {
  const std::size_t all = s.in_doubt + s.applying;
  if (all == 0) return {};
  std::string what;
  if (s.in_doubt > 0) what = count(s.in_doubt, "transaction", "transactions") + " in doubt";
  if (s.applying > 0)
    what += (what.empty() ? "" : " and ") +
            count(s.applying, "decided transaction", "decided transactions") + " not applied yet";
  return what + holding(s, all);
}

std::string promise(const BlockingSummary& s) {
  const std::size_t all = s.in_doubt + s.applying;
  if (s.need_operator == 1 && all == 1) return " It needs an operator.";
  if (s.need_operator > 0)
    return " " + std::to_string(s.need_operator) + " of them " +
           verb(s.need_operator, "needs", "need") + " an operator.";
  if (s.away_ms && s.in_doubt > 0)
    return " Nothing is lost; " + verb(s.in_doubt, "it finishes", "they finish") +
           " when it returns.";
  return " Nothing is lost; the oldest has waited for " + duration_text(s.oldest_ms) + ".";
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

std::string main_sentence(const BlockingSummary& s) {
  std::string lead;
  if (s.away_ms) lead = "Coordinator away for " + duration_text(*s.away_ms) + ": ";
  if (const std::string what = unfinished(s); !what.empty()) return lead + what + "." + promise(s);
  if (s.answering == 0) return "No database answers: nothing is known of what waits.";
  const std::string where = s.silent.empty() ? "" : " in the databases that answer";
  std::string text = "no transaction is in doubt" + where;
  if (s.waiting == 0) text = "nothing is in doubt and no session waits" + where;
  if (lead.empty()) text = capital(text);
  text = lead + text + ".";
  if (s.away_ms) text += " No new transaction can run until it returns.";
  return text;
}

}  // namespace

std::string duration_text(std::int64_t ms) {
  const std::int64_t seconds = ms / 1000;
  if (seconds < 1) return "less than a second";
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86'400) + " days";
}

std::string to_sentence(const BlockingSummary& s) {
  std::string text = main_sentence(s);
  if (!s.unlinked.empty()) text += " Without a link to the coordinator: " + list(s.unlinked) + ".";
  if (s.held_by_foreign > 0)
    text += " " +
            count(s.foreign, "transaction prepared by other software holds ",
                  "transactions prepared by other software hold ") +
            sessions(s.held_by_foreign) + "; Assent never ends " + verb(s.foreign, "it", "them") +
            ".";
  const std::size_t explained = s.held + s.held_by_foreign;
  if (s.waiting > explained)
    text += " " + sessions(s.waiting - explained) + " " +
            verb(s.waiting - explained, "waits", "wait") +
            " for other sessions, not for a prepared transaction.";
  if (!s.silent.empty() && s.answering > 0)
    text += " Not answering: " + list(s.silent) + "; what waits there is not known.";
  return text;
}

}  // namespace assent
