#include "tests/simulation/explore_model.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "tests/simulation/explore_steps.hpp"

namespace assent::explore {

// Enumerates the steps out of one state.
struct Model::Impl {
  explicit Impl(const Bounds& bounds) : p(bounds) {}

  using Take = std::function<void(Step&)>;

  template <typename Change>
  void step(bool is_fault, const Change& change) {
    Draft draft(p, *from, with_text);
    change(draft);
    if (draft.is_void()) return;
    Step done = draft.finish(is_fault);
    if (p.bounds().unreliable && p.bounds().saturated && done.violations.empty())
      done.to = saturated(p, done.to);
    if (done.to == *from && done.violations.empty()) return;
    (*take)(done);
  }
  template <typename Change>
  void fault(Fault kind, const Change& change) {
    if (left_of(from->budget, kind) == 0) return;
    step(kind != Fault::sweep, [&](Draft& draft) {
      draft.spend(kind);
      change(draft);
    });
  }

  void coordinator();
  bool is_finished(const CoordinatorMachine& machine) const;
  bool is_spoken_to() const;
  bool is_silent(const Site& site) const;
  void tick(Draft& draft, bool log_refuses);
  void site(std::size_t index);
  void participant(std::size_t index, const Site& here);
  void database(std::size_t index, const Site& here);
  void link(std::size_t index, const Site& here);
  void messages(std::size_t index, const Site& here);

  Parties p;
  const State* from = nullptr;
  const Take* take = nullptr;
  bool with_text = false;
};

bool Model::Impl::is_finished(const CoordinatorMachine& machine) const {
  const Transaction* tx = machine.find(p.tx());
  return tx && (tx->state == TxState::committed || tx->state == TxState::aborted);
}

bool Model::Impl::is_spoken_to() const {
  for (std::size_t i = 0; i < p.bounds().participants; ++i)
    for (const Id message : p.site(from->sites[i]).to_coordinator)
      if (!p.bounds().unreliable || is_greeting(p.to_coordinator(message))) return true;
  return false;
}

// Nothing is on the way that anybody waits for.
bool Model::Impl::is_silent(const Site& site) const {
  if (!p.bounds().unreliable) return site.to_coordinator.empty() && site.to_participant.empty();
  for (const Id message : site.to_coordinator)
    if (is_greeting(p.to_coordinator(message))) return false;
  for (const Id message : site.to_participant)
    if (is_greeting(p.to_participant(message))) return false;
  return true;
}

// Nothing is on the way any more when a finished transaction is forgotten (P12).
void Model::Impl::tick(Draft& draft, bool log_refuses) {
  const Id before = draft.state().coordinator;
  draft.coordinator_did(p.ticked(before), log_refuses);
  const bool forgot = p.coordinator(before).machine.find(p.tx()) &&
                      !p.coordinator(draft.state().coordinator).machine.find(p.tx());
  if (!forgot) return;
  for (std::size_t i = 0; i < p.bounds().participants; ++i)
    if (!draft.look(i).to_coordinator.empty()) draft.site(i).to_coordinator.clear();
}

void Model::Impl::coordinator() {
  if (from->coordinator == 0) return step(false, [](Draft& d) { d.start_coordinator(); });
  const CoordinatorMachine& machine = p.coordinator(from->coordinator).machine;
  const Ledger& ledger = p.ledger(from->ledger);
  const std::size_t undurable = ledger.entries.size() - ledger.durable;
  for (std::size_t count = 1; count <= undurable; ++count) {
    step(false, [&](Draft& d) { d.make_durable(count, false); });
    fault(Fault::breakage, [&](Draft& d) { d.make_durable(count, true); });
  }
  if (machine.wake_at() && !(is_finished(machine) && is_spoken_to())) {
    step(false, [&](Draft& d) { tick(d, false); });
    fault(Fault::breakage, [&](Draft& d) { tick(d, true); });
  }
  for (std::size_t kept = 0; kept <= undurable; ++kept) {
    fault(Fault::crash, [&](Draft& d) { d.crash_coordinator(kept, false); });
    if (kept < undurable) fault(Fault::crash, [&](Draft& d) { d.crash_coordinator(kept, true); });
  }
}

void Model::Impl::site(std::size_t index) {
  const Site here = p.site(from->sites[index]);
  participant(index, here);
  database(index, here);
  link(index, here);
  messages(index, here);
}

void Model::Impl::participant(std::size_t index, const Site& here) {
  if (here.machine == 0) return step(false, [&](Draft& d) { d.start_participant(index); });
  const Participant& participant = p.participant(here.machine);
  const auto wake = participant.machine.wake_at();
  const bool soon = wake && *wake - participant.clock < std::chrono::minutes(1);
  if (soon) step(false, [&](Draft& d) { d.participant_takes(index, ParticipantTick{}); });
  if (wake && here.link.has_database)
    fault(Fault::sweep, [&](Draft& d) { d.participant_takes(index, ParticipantTick{}, true); });
  if (!here.link.has_database) step(false, [&](Draft& d) { d.connect(index); });
  fault(Fault::crash, [&](Draft& d) { d.crash_participant(index, false); });
  if (p.database(here.database).has_unsynced())
    fault(Fault::crash, [&](Draft& d) { d.crash_participant(index, true); });
}

void Model::Impl::database(std::size_t index, const Site& here) {
  const bool up = here.link.has_database;
  for (const Id id : here.tasks) {
    const Task& task = p.task(id);
    if (task.answer) {
      step(false, [&](Draft& d) { d.answer(index, id); });
    } else if (up || task.orphan) {
      const auto effects = carry_out(p.database(here.database), task.verb);
      for (std::size_t way = 0; way < effects.size(); ++way)
        if (task.orphan ? way == 0 || !effects[way].facts.empty() || effects[way].in_part
                        : !effects[way].in_part)
          step(false, [&](Draft& d) { d.carry_out(index, id, way); });
    }
  }
  if (p.bounds().sound_databases) return;
  const bool unsynced = p.database(here.database).has_unsynced();
  for (const bool told_first : {true, false})
    if (up) fault(Fault::crash, [&](Draft& d) { d.lose_connection(index, told_first); });
  // One that loses nothing is, to others, a connection that is lost.
  if (unsynced) fault(Fault::crash, [&](Draft& d) { d.crash_database(index); });
}

void Model::Impl::link(std::size_t index, const Site& here) {
  const Link& link = here.link;
  const bool both = link.open_at_participant && link.open_at_coordinator;
  if (here.link.has_database && from->coordinator && !link.open_at_participant &&
      !link.open_at_coordinator)
    step(false, [&](Draft& d) { d.dial(index); });
  if (link.open_at_participant && (link.broken || !both))
    step(false, [&](Draft& d) { d.link_noticed_by_participant(index); });
  if (link.open_at_coordinator && (link.broken || !both))
    step(false, [&](Draft& d) { d.link_noticed_by_coordinator(index); });
  if (link.carries())
    fault(Fault::breakage, [&](Draft& d) {
      d.say("-- the link of " + Parties::name(index) + " breaks");
      d.site(index).link.broken = true;
    });
}

void Model::Impl::messages(std::size_t index, const Site& here) {
  const auto each = [&](bool to_coordinator, const std::vector<Id>& ids, auto message, auto deliver,
                        auto lose) {
    bool greeting = false;
    for (const Id id : ids) greeting = greeting || is_greeting(message(id));
    for (const Id id : ids) {
      if (greeting && !is_greeting(message(id))) continue;
      const bool stays = p.bounds().unreliable && !greeting;
      step(false, [&](Draft& d) { deliver(d, id, stays, false); });
      if (to_coordinator) fault(Fault::breakage, [&](Draft& d) { deliver(d, id, stays, true); });
      if (greeting || stays) continue;
      fault(Fault::duplicate, [&](Draft& d) { deliver(d, id, true, false); });
      fault(Fault::loss, [&](Draft& d) {
        if (with_text) d.say("-- lost: " + to_text(message(id), p.text_options()));
        std::erase(lose(d), id);
      });
    }
  };
  each(
      true, here.to_coordinator,
      [&](Id id) -> const ToCoordinator& { return p.to_coordinator(id); },
      [&](Draft& d, Id id, bool keep, bool refuse) {
        d.deliver_to_coordinator(index, id, keep, refuse);
      },
      [&](Draft& d) -> std::vector<Id>& { return d.site(index).to_coordinator; });
  each(
      false, here.to_participant,
      [&](Id id) -> const ToParticipant& { return p.to_participant(id); },
      [&](Draft& d, Id id, bool keep, bool) { d.deliver_to_participant(index, id, keep); },
      [&](Draft& d) -> std::vector<Id>& { return d.site(index).to_participant; });
}

// ---- the model
// -----------------------------------------------------------------------------------

Model::Model(const Bounds& bounds) : impl_(std::make_unique<Impl>(bounds)) {}
Model::~Model() = default;

void Model::steps(const State& from, const std::function<void(Step&)>& take, bool with_text) {
  impl_->from = &from;
  impl_->take = &take;
  impl_->with_text = with_text;
  impl_->coordinator();
  for (std::size_t i = 0; i < impl_->p.bounds().participants; ++i) impl_->site(i);
}

State Model::initial() {
  Parties& p = impl_->p;
  const std::size_t participants = p.bounds().participants;
  Ledger ledger;
  ledger.entries.push_back({p.add(LogRecord(EpochRecord{1, Uuid{}, {}, 0, 0, 0, 0, 0})), 0});
  for (std::size_t i = 0; i < participants; ++i)
    ledger.entries.push_back(
        {p.add(LogRecord(MemberRecord{Parties::name(i), Database::identity(), 0})), 0});
  ledger.durable = ledger.entries.size();
  State state;
  state.ledger = p.add(ledger);
  state.observer = p.add(Observer());
  for (std::size_t i = 0; i < participants; ++i) {
    Site site;
    site.database = p.add(i, Database{});
    state.sites[i] = p.add(i, site);
  }
  // Greetings: until all are ready nothing but them can happen, without faults and time.
  const auto is_ready = [&] {
    for (std::size_t i = 0; i < participants; ++i) {
      const Site& site = p.site(state.sites[i]);
      if (!site.machine ||
          p.participant(site.machine).machine.link() != ParticipantMachine::LinkState::ready ||
          !site.to_coordinator.empty())
        return false;
    }
    return true;
  };
  while (!is_ready()) {
    std::optional<State> next;
    steps(state, [&](Step& step) {
      if (!next && !step.is_fault) next = step.to;
    });
    if (!next || *next == state) throw std::logic_error("the participants do not become ready");
    state = *next;
  }
  Begin begin;
  begin.request = 1;
  begin.tx = p.tx();
  for (std::size_t i = 0; i < participants; ++i) begin.branches.push_back({Parties::name(i), {}});
  begin.timeout = Duration(1000);
  p.begun = true;
  Draft draft(p, state, false);
  draft.coordinator_takes(begin);
  state = draft.finish(false).to;
  const auto put = [&](Fault fault, unsigned number) {
    state.budget |= number << (4 * static_cast<unsigned>(fault));
  };
  put(Fault::crash, p.bounds().crashes);
  put(Fault::breakage, p.bounds().breaks);
  put(Fault::loss, p.bounds().losses);
  put(Fault::duplicate, p.bounds().duplicates);
  put(Fault::sweep, p.bounds().sweeps);
  return state;
}

bool Model::at_rest(const State& state) {
  const Parties& p = impl_->p;
  if (state.coordinator == 0) return false;
  if (!check_at_rest(p.coordinator(state.coordinator).machine).empty()) return false;
  for (std::size_t i = 0; i < p.bounds().participants; ++i) {
    const Site& site = p.site(state.sites[i]);
    const bool quiet = site.machine && site.tasks.empty() && site.link.carries() &&
                       site.link.has_database && impl_->is_silent(site);
    if (!quiet || p.database(site.database).prepared) return false;
    const ParticipantMachine& machine = p.participant(site.machine).machine;
    if (machine.link() != ParticipantMachine::LinkState::ready || !check_at_rest(machine).empty())
      return false;
  }
  return true;
}

std::string Model::end_of(const State& state) const {
  const Parties& p = impl_->p;
  const CoordinatorMachine& machine = p.coordinator(state.coordinator).machine;
  const Transaction* tx = machine.find(p.tx());
  std::vector<std::string> words{tx ? std::string(to_string(tx->state)) : "forgotten"};
  for (std::size_t i = 0; i < p.bounds().participants; ++i) {
    const TxBranch* branch =
        tx ? tx->branch(Parties::name(i)) : nullptr;  // one of a record, or not
    std::string ends = branch ? std::string(to_string(branch->phase)) : "";
    for (const StatusRead::Status status : p.database(p.site(state.sites[i]).database).xids)
      ends += ' ' + std::string(to_string(status));
    words.push_back(ends);
  }
  std::sort(words.begin() + 1, words.end());
  std::string text;
  for (const std::string& each : words) text += each + "; ";
  return text;
}

std::vector<Violation> Model::violations_at_rest(const State& state) {
  Observer observer = impl_->p.observer(state.observer);
  observer.at_rest(impl_->p.coordinator(state.coordinator).machine);
  return observer.violations();
}

std::array<std::uint64_t, 2> Model::fingerprint(const State& state) {
  return impl_->p.fingerprint(state);
}

std::string Model::census() const {
  return impl_->p.census();
}

}  // namespace assent::explore
