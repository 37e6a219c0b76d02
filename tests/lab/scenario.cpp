#include "tests/lab/scenario.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "protocol/runtime/config.hpp"
#include "protocol/runtime/suggestion.hpp"
#include "tests/lab/points.hpp"
#include "tests/lab/scenario_words.hpp"

namespace assent::lab {
namespace {

constexpr std::size_t kMostListed = 14;

// How far a form goes along with a line, and what it then wanted.
struct Attempt {
  bool whole = false;
  std::size_t matched = 0;
  Words words;
  Words wanted;       // literals, or known values of the place
  std::string place;  // that was not filled, where no values can be listed
};

class Parser {
 public:
  Parser(std::string_view text, std::string file, Words existing)
      : text_(text), file_(std::move(file)), existing_(!existing.empty()) {
    scenario_.name = std::filesystem::path(file_).stem().string();
    scenario_.databases = existing_ ? std::move(existing) : banks(2);
  }

  Scenario parse() {
    std::istringstream lines{std::string(text_)};
    for (std::string line; std::getline(lines, line);) {
      ++line_;
      const auto first = line.find_first_not_of(" \t");
      if (first == line.npos || line[first] == '#') continue;
      if (first > 0)
        add_branch(line);
      else
        take(line);
    }
    check_run();
    if (scenario_.title.empty())
      fail("there is no title; write one, such as: title The coordinator dies after the vote");
    if (scenario_.steps.empty())
      fail("there is no step; `assent-lab language` prints every sentence there is");
    return std::move(scenario_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ScenarioError(file_ + ":" + std::to_string(std::max(line_, 1)) + ": " + what);
  }

  static Words banks(std::size_t number) {
    Words all;
    for (std::size_t i = 0; i < number; ++i)
      all.push_back(std::string("bank_") + static_cast<char>('a' + i));
    return all;
  }

  // The words that may stand at a place; none: it takes more than a list.
  Words known(std::string_view place) const {
    Words all;
    if (place == "DB") return scenario_.databases;
    if (place == "TX") return {transactions_.begin(), transactions_.end()};
    const bool process = place == "PROCESS" || place == "VICTIM";
    if (place == "DAEMON" || process) all.push_back("coordinator");
    if (place == "LINK") all.push_back("client-coordinator");
    for (const std::string& name : scenario_.databases) {
      if (place == "DAEMON" || process) all.push_back(name);
      if (process) all.push_back(name + ".db");
      if (place == "VICTIM") all.insert(all.end(), {name + ".postmaster", name + ".backend"});
      if (place == "LINK" || place == "PEERS") all.push_back(name + "-coordinator");
      if (place == "LINK") all.push_back(name + "-database");
      if (place == "LINK" && scenario_.standbys.contains(name)) all.push_back(name + "-standby");
    }
    if (place == "POINT") {
      all = lab::coordinator_points();
      all.insert(all.end(), participant_points().begin(), participant_points().end());
    }
    return all;
  }

  bool fills(std::string_view place, const std::string& word) const {
    if (place == "NUMBER") return is_number(word);
    if (place == "TIME") return parse_duration(word).has_value();
    if (place == "ORDER") return is_order(word);
    if (place == "NEW") return is_name(word) && !transactions_.contains(word);
    if (place == "NAME") return is_name(word);
    if (place == "WORD" || place == "VALUE") return true;
    if (place == "ACCOUNT") {
      const auto slash = word.find('/');
      const Words& all = scenario_.databases;
      return slash != word.npos && is_count(word.substr(slash + 1)) &&
             std::find(all.begin(), all.end(), word.substr(0, slash)) != all.end();
    }
    const Words all = known(place);
    return std::find(all.begin(), all.end(), word) != all.end();
  }

  Attempt match(std::string_view form, std::string_view line) const {
    Attempt attempt;
    const Words given = split(line);
    for (std::string piece : split(form)) {
      if (piece == "TEXT") {
        attempt.words.push_back(rest_of(line, attempt.matched));
        attempt.whole = !attempt.words.back().empty();
        if (!attempt.whole) attempt.place = "TEXT";
        return attempt;
      }
      std::string word = attempt.matched < given.size() ? given[attempt.matched] : std::string();
      const bool colon = piece.ends_with(':');
      if (colon) piece.pop_back();
      const bool fits = !colon || word.ends_with(':');
      if (colon && fits) word.pop_back();
      const bool place = is_place(piece);
      if (!fits || (place ? word.empty() || !fills(piece, word) : word != piece)) {
        attempt.wanted = place ? known(piece) : Words{piece};
        if (place && (attempt.wanted.empty() || attempt.wanted.size() > kMostListed))
          attempt.place = piece;
        if (!fits && place) attempt.place = piece + ":";
        return attempt;
      }
      if (place) attempt.words.push_back(word);
      ++attempt.matched;
    }
    attempt.whole = attempt.matched == given.size();
    if (!attempt.whole) attempt.wanted = {"the end of the line"};
    return attempt;
  }

  // The form that the line is of; otherwise says what was wanted where the nearest ones end.
  template <typename Forms>
  std::pair<std::size_t, Words> choose(const Forms& forms, std::string_view line) const {
    std::size_t farthest = 0;
    Words wanted;
    Words places;
    std::size_t number = 0;
    for (const auto& form : forms) {
      Attempt attempt = match(form.form, line);
      if (attempt.whole) return {number, std::move(attempt.words)};
      ++number;
      // Anything can be a name: a line is not of that form for its first word alone.
      if (attempt.matched == 1 && form.form.starts_with("NAME ")) continue;
      if (attempt.matched < farthest) continue;
      if (attempt.matched > farthest) wanted = places = {};
      farthest = attempt.matched;
      wanted.insert(wanted.end(), attempt.wanted.begin(), attempt.wanted.end());
      if (!attempt.place.empty()) places.push_back(attempt.place);
    }
    const Words given = split(line);
    const std::string word =
        farthest < given.size() ? given[farthest] : std::string("the end of the line");
    const std::string nearest = suggestion(word, wanted);
    // Where one of many is wanted, their kind says more than all of them.
    if (wanted.size() > kMostListed) wanted.clear();
    for (const std::string& place : places) wanted.push_back(explained(place));
    std::string expected;
    for (const std::string& each : std::set<std::string>(wanted.begin(), wanted.end()))
      expected += (expected.empty() ? "; expected: " : ", ") + each;
    if (given[0].ends_with(':') && transactions_.contains(given[0].substr(0, given[0].size() - 1)))
      expected += "; " + given[0].substr(0, given[0].size() - 1) + " is a transaction already";
    fail("\"" + word + "\" does not fit here" + nearest + expected +
         "; `assent-lab language` prints every sentence there is");
  }

  // What a place wants, for people who have not read the language.
  std::string explained(const std::string& place) const {
    const std::string name = place.substr(0, place.find(':'));
    const std::string none = name == "TX" && transactions_.empty() ? ": there is none yet" : "";
    return place + " (" + help_of(name) + none + ")";
  }

  void take(const std::string& line) {
    check_run();
    Step step;
    step.line = line_;
    step.text = rest_of(line, 0);
    const Words given = split(line);
    if (given[0] == "expect" || given[0] == "eventually") {
      step.verb = given[0] == "expect" ? Verb::expect : Verb::eventually;
      take_condition(step, rest_of(line, 1));
      return;
    }
    auto [number, words] = choose(kVerbs, line);
    step.verb = kVerbs[number].verb;
    step.words = std::move(words);
    if (step.verb == Verb::order) check_point(step.words[0], step.words[2]);
    if (step.verb == Verb::release) check_point(step.words[0], step.words[1]);
    if (step.verb == Verb::start_ordering) check_point(step.words[1], step.words[0]);
    if (!take_heading(step)) scenario_.steps.push_back(std::move(step));
  }

  // True: it was one, and no step.
  bool take_heading(const Step& step) {
    const bool makes = step.verb == Verb::setting || step.verb == Verb::small_ledger ||
                       step.verb == Verb::standby_synchronous ||
                       step.verb == Verb::standby_asynchronous;
    if (existing_ && makes) fail("only a deployment of the lab's own is made to order");
    if ((makes || step.verb == Verb::databases) && !scenario_.steps.empty())
      fail("what there is must be said before the first step");
    switch (step.verb) {
      case Verb::title:
        scenario_.title = step.words[0];
        return true;
      case Verb::watch:
        scenario_.watch.push_back(step.words[0]);
        return true;
      case Verb::databases:
        take_databases(is_count(step.words[0]) ? std::stoul(step.words[0]) : 0);
        return true;
      case Verb::setting:
        scenario_.settings.emplace_back(step.words[0], step.words[1]);
        return true;
      case Verb::standby_synchronous:
      case Verb::standby_asynchronous:
        scenario_.standbys[step.words[0]] = step.verb == Verb::standby_synchronous;
        return true;
      case Verb::small_ledger:
        return scenario_.small_ledger = true;
      case Verb::transfer:
      case Verb::transfer_retrying:
      case Verb::run:
      case Verb::begin:
        transactions_.insert(step.words[0]);
        return false;
      default:
        return false;
    }
  }

  void take_databases(std::size_t number) {
    if (number < 1 || number > 8) fail("from 1 to 8 databases");
    if (existing_ && number > scenario_.databases.size())
      fail("the deployment has " + std::to_string(scenario_.databases.size()) + " databases");
    if (!existing_) scenario_.databases = banks(number);
  }

  void take_condition(Step& step, std::string text) {
    step.within = std::chrono::seconds(20);
    const Words given = split(text);
    if (step.verb == Verb::eventually && given.size() > 2 && given[given.size() - 2] == "within") {
      const auto time = parse_duration(given.back());
      if (!time) fail("\"" + given.back() + "\" is no time, such as 3s or 500ms");
      step.within = *time;
      text = text.substr(0, text.rfind("within"));
    }
    auto [number, words] = choose(kConditions, text);
    step.condition = {kConditions[number].seen, std::move(words)};
    if (step.condition.seen == Seen::counted)
      check_point(step.condition.words[0], step.condition.words[1]);
    scenario_.steps.push_back(std::move(step));
  }

  // A daemon would refuse it, but only when the scenario has come so far.
  void check_point(const std::string& point, const std::string& daemon) const {
    const bool at_coordinator = daemon == "coordinator";
    const Words& all = at_coordinator ? lab::coordinator_points() : participant_points();
    if (std::find(all.begin(), all.end(), point) != all.end()) return;
    fail(point + " is a crash point of " +
         (at_coordinator ? "participants: write at " + scenario_.databases.front()
                         : "the coordinator: write at coordinator") +
         ", not at " + daemon);
  }

  void check_run() const {
    if (scenario_.steps.empty() || scenario_.steps.back().verb != Verb::run) return;
    const Step& run = scenario_.steps.back();
    if (run.branches.empty())
      fail(run.words[0] + " runs nothing; write its statements below it, indented: " +
           scenario_.databases.front() + ": SQL");
  }

  void add_branch(const std::string& line) {
    if (scenario_.steps.empty() || scenario_.steps.back().verb != Verb::run)
      fail("only the statements of `run` are indented");
    const Attempt attempt = match("DB: TEXT", line);
    if (!attempt.whole) fail("expected the name of a database and a statement: bank_a: SQL");
    scenario_.steps.back().branches.emplace_back(attempt.words[0], attempt.words[1]);
  }

  std::string_view text_;
  std::string file_;
  bool existing_;
  int line_ = 0;
  Scenario scenario_;
  std::set<std::string> transactions_;
};

}  // namespace

Scenario parse_scenario(std::string_view text, const std::string& file, const Words& existing) {
  return Parser(text, file, existing).parse();
}

Scenario read_scenario(const std::filesystem::path& file, const Words& existing) {
  std::ifstream stream(file);
  if (!stream || std::filesystem::is_directory(file))
    throw ScenarioError(file.string() +
                        ": cannot be read: " + (stream ? "it is a folder" : std::strerror(errno)) +
                        "; `assent-lab list` shows the scenarios there are");
  std::ostringstream text;
  text << stream.rdbuf();
  return parse_scenario(text.str(), file.string(), existing);
}

}  // namespace assent::lab
