#include "tests/simulation/explore.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <ostream>

namespace assent::explore {
namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{0};

class Search {
 public:
  Search(const Bounds& bounds, std::uint64_t most_states)
      : model_(bounds), most_states_(std::min<std::uint64_t>(most_states, kNone - 1)) {
    places_.assign(1 << 16, kNone);
  }

  void run(std::ostream* progress);
  Exploration& result() { return result_; }
  std::string census() const { return model_.census(); }

 private:
  std::uint32_t number_of(const State& state, std::uint32_t parent);
  void grow();
  void expand(std::uint32_t number);
  void look_for_rest();
  void failed(std::uint32_t from, const State* to, std::vector<Violation> violations);
  void add_step(const State& from, const std::array<std::uint64_t, 2>& to);

  Model model_;
  std::uint64_t most_states_;
  Exploration result_;

  std::deque<State> states_;                         // in the order found
  std::deque<std::array<std::uint64_t, 2>> prints_;  // of each
  std::deque<std::uint32_t> parents_;                // the state each was found from
  std::vector<std::uint32_t> places_;                // hash table of numbers, open addressing
  std::deque<std::uint32_t> faultless_;              // steps without fault, state after state
  std::deque<std::uint64_t> first_step_;             // … where those of each state begin
  std::vector<bool> rests_;
};

void Search::grow() {
  places_.assign(places_.size() * 2, kNone);
  for (std::uint32_t number = 0; number < prints_.size(); ++number) {
    std::size_t place = prints_[number][0] & (places_.size() - 1);
    while (places_[place] != kNone) place = (place + 1) & (places_.size() - 1);
    places_[place] = number;
  }
}

std::uint32_t Search::number_of(const State& state, std::uint32_t parent) {
  const auto print = model_.fingerprint(state);
  std::size_t place = print[0] & (places_.size() - 1);
  for (; places_[place] != kNone; place = (place + 1) & (places_.size() - 1))
    if (prints_[places_[place]] == print) return places_[place];
  const auto number = static_cast<std::uint32_t>(states_.size());
  places_[place] = number;
  states_.push_back(state);
  prints_.push_back(print);
  parents_.push_back(parent);
  if (states_.size() * 2 > places_.size()) grow();
  return number;
}

void Search::expand(std::uint32_t number) {
  const State from = states_[number];
  first_step_.push_back(faultless_.size());
  rests_.push_back(model_.at_rest(from));
  if (rests_.back()) {
    ++result_.at_rest;
    result_.ends.insert(model_.end_of(from));
    auto violations = model_.violations_at_rest(from);
    if (!violations.empty()) return failed(number, nullptr, std::move(violations));
  }
  std::optional<Step> wrong;
  model_.steps(from, [&](Step& step) {
    ++result_.transitions;
    if (wrong) return;
    if (!step.violations.empty()) {
      wrong = std::move(step);
      return;
    }
    const std::uint32_t to = number_of(step.to, number);
    if (!step.is_fault) faultless_.push_back(to);
  });
  if (wrong) failed(number, &wrong->to, std::move(wrong->violations));
}

void Search::run(std::ostream* progress) {
  number_of(model_.initial(), kNone);
  std::size_t next = 0;
  for (;;) {
    const std::size_t end = states_.size();
    for (; next < end && result_.violations.empty(); ++next)
      expand(static_cast<std::uint32_t>(next));
    if (progress)
      *progress << "depth " << result_.depth << ": " << states_.size() << " states, "
                << result_.transitions << " transitions" << std::endl;
    if (!result_.violations.empty() || states_.size() == end) break;
    if (states_.size() > most_states_) break;
    ++result_.depth;
  }
  result_.states = states_.size();
  result_.complete = next == states_.size() && result_.violations.empty();
  if (result_.complete) look_for_rest();
}

// Backwards from the states at rest along the steps without fault. A step leads to a later state
// more often than not, so that few rounds from the last state to the first are enough.
void Search::look_for_rest() {
  first_step_.push_back(faultless_.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = states_.size(); i-- > 0;) {
      if (rests_[i]) continue;
      for (std::uint64_t s = first_step_[i]; s < first_step_[i + 1] && !rests_[i]; ++s)
        rests_[i] = rests_[faultless_[s]];
      changed = changed || rests_[i];
    }
  }
  const auto stuck = std::find(rests_.begin(), rests_.end(), false);
  if (stuck == rests_.end()) return;
  result_.stuck = true;
  failed(static_cast<std::uint32_t>(stuck - rests_.begin()), nullptr,
         {{"I10", "without another fault, nothing brings this state to rest"}});
}

void Search::add_step(const State& from, const std::array<std::uint64_t, 2>& to) {
  bool found = false;
  model_.steps(
      from,
      [&](Step& step) {
        if (found || model_.fingerprint(step.to) != to) return;
        found = true;
        result_.path.insert(result_.path.end(), step.text.begin(), step.text.end());
      },
      true);
}

// The path is walked again from the start, this time with words. Each state was found by a step
// from the very one that stands for its parent, so that every step is there again.
void Search::failed(std::uint32_t from, const State* to, std::vector<Violation> violations) {
  result_.violations = std::move(violations);
  std::vector<std::uint32_t> way{from};
  while (parents_[way.back()] != kNone) way.push_back(parents_[way.back()]);
  std::reverse(way.begin(), way.end());
  for (std::size_t i = 1; i < way.size(); ++i) add_step(states_[way[i - 1]], prints_[way[i]]);
  if (!to) return;
  bool found = false;
  model_.steps(
      states_[from],
      [&](Step& step) {
        if (found || step.violations.empty() || !(step.to == *to)) return;
        found = true;
        result_.path.insert(result_.path.end(), step.text.begin(), step.text.end());
      },
      true);
}

}  // namespace

Exploration explore(const Bounds& bounds, std::uint64_t most_states, std::ostream* progress) {
  const auto begin = std::chrono::steady_clock::now();
  Search search(bounds, most_states);
  search.run(progress);
  if (progress) *progress << search.census() << '\n';
  Exploration& result = search.result();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace assent::explore
