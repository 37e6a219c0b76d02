// A network that loses and doubles what it likes (`unreliable`), and what need not be told apart
// on it.
//
// A message stays on its link from when it was sent until the link ends, and may arrive whenever
// it likes, as often as it likes, or never. So what is on the way only ever grows while a link
// lasts, and no step asks that something is not on the way, but for greetings, which come in order
// and once. From this follows:
//
//   Of two states that differ only by messages on their way, the one with more of them can do
//   whatever the other can, and comes to states that again differ only by messages on their way.
//   What breaks an invariant from the poorer breaks it from the richer.
//
// saturated() makes use of it: a step after which nobody and nothing has changed, but for messages
// that are now on their way, leads from a state to a richer one. It is taken at once, until no such
// step is left, and the state before it is not kept. What is sent again by a timer, the answer to
// an inquiry, and an Applied that is repeated, are of this kind. Since the richer state can be
// reached from the poorer, no state is invented; since it can do all that the poorer can, no
// violation is lost. (explore_test.cpp compares the search with and without.)
//
// What it costs: which message has arrived already is not known, so that "everything can come to
// rest" may count on one that arrives twice. That what was lost is sent again is checked where
// losses are counted.
#include <algorithm>

#include "tests/simulation/explore_steps.hpp"

namespace assent::explore {

bool is_greeting(const ToCoordinator& message) {
  return std::holds_alternative<Hello>(message) || std::holds_alternative<Ready>(message);
}

bool is_greeting(const ToParticipant& message) {
  return std::holds_alternative<Welcome>(message);
}

namespace {

class Saturation {
 public:
  Saturation(Parties& parties, const State& state) : p_(parties), state_(state) {
    for (std::size_t i = 0; i < p_.bounds().participants; ++i) sites_[i] = p_.site(state.sites[i]);
  }

  State run() {
    for (grown_ = true; grown_;) {
      grown_ = false;
      if (state_.coordinator) coordinator();
      for (std::size_t i = 0; i < p_.bounds().participants; ++i)
        if (sites_[i].machine) participant(i);
    }
    for (std::size_t i = 0; i < p_.bounds().participants; ++i)
      if (changed_[i]) state_.sites[i] = p_.add(i, sites_[i]);
    return state_;
  }

 private:
  void coordinator() {
    if (p_.coordinator(state_.coordinator).machine.wake_at()) take(p_.ticked(state_.coordinator));
    for (std::size_t i = 0; i < p_.bounds().participants; ++i) {
      const std::vector<Id> heard = sites_[i].to_coordinator;
      const bool greets = std::any_of(heard.begin(), heard.end(),
                                      [&](Id id) { return is_greeting(p_.to_coordinator(id)); });
      if (greets) continue;
      for (const Id id : heard) take(p_.heard(state_.coordinator, i, id));
    }
  }

  void participant(std::size_t i) {
    const Participant& here = p_.participant(sites_[i].machine);
    const auto wake = here.machine.wake_at();
    if (wake && *wake - here.clock < std::chrono::minutes(1))
      take(i, p_.ticked(i, sites_[i].machine));
    const std::vector<Id> heard = sites_[i].to_participant;
    const bool greets = std::any_of(heard.begin(), heard.end(),
                                    [&](Id id) { return is_greeting(p_.to_participant(id)); });
    if (greets) return;
    for (const Id id : heard) take(i, p_.heard(i, sites_[i].machine, id));
  }

  bool is_nothing(const Observed& observed) const {
    return observed.after == state_.observer && observed.violations.empty();
  }

  void take(const CoordinatorTurn& turn) {
    if (turn.sends.empty() || turn.after != state_.coordinator || !turn.records.empty() ||
        !turn.disconnects.empty() || !turn.planted.empty() || !turn.violations.empty())
      return;
    if (!is_nothing(p_.took(state_.observer, state_.coordinator, turn)) ||
        !is_nothing(p_.client_asks(state_.observer, turn.after)))
      return;
    for (const Addressed& sent : turn.sends) {
      Site& site = sites_[sent.site];
      if (site.link.carries() && site.link.named) add(sent.site, site.to_participant, sent.message);
    }
  }

  void take(std::size_t i, const ParticipantTurn& turn) {
    Site& site = sites_[i];
    if (turn.sends.empty() || turn.after != site.machine || !turn.verbs.empty() ||
        turn.closes_link || !turn.violations.empty() || !site.link.carries())
      return;
    if (!is_nothing(p_.took(state_.observer, i, site.link.epoch, turn))) return;
    for (const Id message : turn.sends) add(i, site.to_coordinator, message);
  }

  void add(std::size_t i, std::vector<Id>& ids, Id message) {
    const auto at = std::lower_bound(ids.begin(), ids.end(), message);
    if (at != ids.end() && *at == message) return;
    ids.insert(at, message);
    grown_ = changed_[i] = true;
  }

  Parties& p_;
  State state_;
  std::array<Site, kMostParticipants> sites_;
  std::array<bool, kMostParticipants> changed_{};
  bool grown_ = false;
};

}  // namespace

State saturated(Parties& parties, State state) {
  return Saturation(parties, state).run();
}

}  // namespace assent::explore
