#include "tests/simulation/explore_parties.hpp"

#include <algorithm>
#include <numeric>

namespace assent::explore {
namespace {

constexpr Instant kClockStart = Instant(std::chrono::hours(1));
constexpr Duration kSweep = std::chrono::hours(1000);  // further off than anything else

Uuid uuid(std::uint8_t kind, std::uint8_t number) {
  return make_uuid7(Parties::kWall, {kind, number, 0, 0, 0, 0, 0, 0, 0, 0});
}

// All pauses are one, so that machines in the same state wait for the same.
CoordinatorLimits coordinator_limits() {
  CoordinatorLimits limits;
  limits.apply_wait = limits.resend_interval = Duration(1000);
  limits.finished_kept_for = std::chrono::hours(1);
  return limits;
}

ParticipantLimits participant_limits() {
  ParticipantLimits limits;
  limits.inquiry_interval = limits.journal_interval = Duration(1000);
  limits.retry_first = limits.retry_longest = Duration(1000);
  limits.sweep_interval = kSweep;
  limits.journal_batch = 1;  // at once
  return limits;
}

}  // namespace

Parties::Parties(const Bounds& bounds) : bounds_(bounds), ledger_id_{uuid(1, 1)}, tx_{uuid(2, 1)} {
  text_options_.namer = [this](const Uuid& id) -> std::string {
    if (id == ledger_id_.uuid) return "L1";
    if (id == tx_.uuid) return "T1";
    for (std::uint8_t epoch = 1; epoch < 16; ++epoch)
      if (id == uuid(3, epoch)) return "C" + std::to_string(epoch);
    return "";
  };
  std::vector<std::size_t> order(bounds.participants);
  std::iota(order.begin(), order.end(), 0);
  do {
    Permutation permutation{order, {}};
    for (const std::size_t to : order) permutation.names.push_back(name(to));
    permutations_.push_back(permutation);
  } while (std::next_permutation(order.begin(), order.end()));
}

Gid Parties::gid(std::size_t site, Epoch epoch) const {
  return {ledger_id_, epoch, tx_, name(site)};
}

// ---- machines
// --------------------------------------------------------------------------------------

const CoordinatorTurn& Parties::turn(Id before, const CoordinatorEvent& event) {
  const auto [place, is_new] =
      coordinator_turns_.try_emplace({before, events_(to_text(event, text_options_))});
  CoordinatorTurn& turn = place->second;
  if (!is_new) return turn;
  turn.number = static_cast<Id>(coordinator_turns_.size());
  turn.event = event;
  Coordinator after = coordinators_[before];
  if (std::holds_alternative<CoordinatorTick>(event))
    after.clock = std::max(after.clock, *after.machine.wake_at());
  after.machine.step(event, {after.clock, kWall}, turn.actions);
  turn.violations = check(after.machine);
  for (const CoordinatorAction& action : turn.actions) {
    if (const auto* send = std::get_if<Send>(&action)) {
      const std::size_t site = site_of(send->participant);
      turn.sends.push_back({site, add(site, send->message)});
    }
    if (const auto* log = std::get_if<Log>(&action))
      turn.records.push_back({add(log->record), log->number});
    if (const auto* disconnect = std::get_if<Disconnect>(&action))
      turn.disconnects.push_back(site_of(disconnect->participant));
    if (const auto* stop = std::get_if<Stop>(&action))
      turn.violations.push_back(
          {"I7",
           "the coordinator stops itself although nobody disputes its ledger: " + stop->reason});
  }
  turn.after = add(std::move(after));
  if (bounds_.plant != Plant::none) plant(before, turn);
  return turn;
}

const ParticipantTurn& Parties::turn(std::size_t site, Id before, const ParticipantEvent& event,
                                     bool sweep) {
  const auto [place, is_new] =
      participant_turns_.try_emplace({before, events_(to_text(event, text_options_)), sweep});
  ParticipantTurn& turn = place->second;
  if (!is_new) return turn;
  turn.number = static_cast<Id>(participant_turns_.size());
  turn.event = event;
  Participant after = participants_[before];
  if (std::holds_alternative<ParticipantTick>(event))
    after.clock = sweep ? after.clock + kSweep : std::max(after.clock, *after.machine.wake_at());
  after.machine.step(event, {after.clock, kWall}, turn.actions);
  turn.violations = check(after.machine);
  turn.after = add(site, std::move(after));
  if (bounds_.plant != Plant::none) plant(before, turn);
  for (const ParticipantAction& action : turn.actions) {
    if (const auto* send = std::get_if<SendToCoordinator>(&action)) {
      turn.sends.push_back(add(site, send->message));
    } else if (std::holds_alternative<CloseLink>(action)) {
      turn.sends.clear();
      turn.closes_link = true;
    } else if (!std::holds_alternative<Alarm>(action) &&
               !std::holds_alternative<CancelPrepare>(action)) {  // it may help, or not
      turn.verbs.push_back(action);
    }
  }
  return turn;
}

namespace {

constexpr Id kTick = 0;  // in the place of a message

std::uint64_t heard_by(Id machine, std::size_t site, Id message) {
  return std::uint64_t{machine} << 32 | std::uint64_t{message} << 2 | site;
}

}  // namespace

const CoordinatorTurn& Parties::heard(Id machine, std::size_t site, Id message) {
  const CoordinatorTurn*& known = coordinator_hears_[heard_by(machine, site, message)];
  if (known) return *known;
  const ToCoordinator& heard = to_coordinator_[message];
  if (const auto* hello = std::get_if<Hello>(&heard)) known = &turn(machine, LinkUp{*hello});
  if (!known) known = &turn(machine, FromParticipant{name(site), heard});
  return *known;
}

const ParticipantTurn& Parties::heard(std::size_t site, Id machine, Id message) {
  const ParticipantTurn*& known = participant_hears_[heard_by(machine, site, message)];
  if (!known) known = &turn(site, machine, FromCoordinator{to_participant_[message]});
  return *known;
}

const CoordinatorTurn& Parties::ticked(Id machine) {
  const CoordinatorTurn*& known = coordinator_hears_[heard_by(machine, 0, kTick)];
  if (!known) known = &turn(machine, CoordinatorTick{});
  return *known;
}

const ParticipantTurn& Parties::ticked(std::size_t site, Id machine) {
  const ParticipantTurn*& known = participant_hears_[heard_by(machine, site, kTick)];
  if (!known) known = &turn(site, machine, ParticipantTick{});
  return *known;
}

Id Parties::start_participant(std::size_t site) {
  return add(site, Participant{ParticipantMachine(name(site), participant_limits()), kClockStart});
}

const Parties::Start& Parties::start_coordinator(Id ledger) {
  const auto [place, is_new] = starts_.try_emplace(ledger);
  Start& start = place->second;
  if (!is_new) return start;
  Ledger found = ledgers_[ledger];
  Recovered recovered;
  recovered.ledger = ledger_id_;
  EpochRecord epoch;
  for (const Ledger::Entry& entry : found.entries) {
    recovered.records.push_back(records_[entry.record]);
    start.durable.push_back(entry.record);
    if (const auto* earlier = std::get_if<EpochRecord>(&records_[entry.record])) epoch = *earlier;
  }
  const bool torn = found.torn && bounds_.plant != Plant::torn_tail_trusted;
  recovered.tail = torn ? Tail::torn : Tail::clean;
  if (bounds_.plant != Plant::epoch_not_raised || epoch.epoch < 2) ++epoch.epoch;
  epoch.life = uuid(3, static_cast<std::uint8_t>(epoch.epoch));
  epoch.sequence = 0;
  epoch.wall_ms = kWall + 10 * static_cast<std::int64_t>(epoch.epoch) - 21;
  if (torn) epoch.careful_below = epoch.epoch;
  found.entries.push_back({add(epoch), 0});
  found.durable = found.entries.size();
  found.torn = false;
  start.ledger = add(found);
  start.coordinator = add(
      Coordinator{CoordinatorMachine(coordinator_limits(), recovered, epoch, {kClockStart, kWall}),
                  kClockStart});
  return start;
}

// ---- the observer
// ----------------------------------------------------------------------------------

const Observed& Parties::observe(Id observer, std::uint64_t what,
                                 const std::function<void(Observer&)>& tell) {
  const auto [place, is_new] = observed_.try_emplace({observer, what});
  Observed& observed = place->second;
  if (!is_new) return observed;
  Observer after = observers_[observer];
  tell(after);
  observed.violations = after.violations();
  observed.after = observed.violations.empty() ? add(after) : observer;
  return observed;
}

namespace {

enum class Told : std::uint64_t { coordinator, participant, fact, durable, client };
std::uint64_t about(Told told, std::uint64_t number, std::uint64_t detail = 0) {
  return static_cast<std::uint64_t>(told) << 56 | detail << 40 | number;
}

}  // namespace

const Observed& Parties::took(Id observer, Id before, const CoordinatorTurn& turn) {
  return observe(observer, about(Told::coordinator, turn.number), [&](Observer& o) {
    o.coordinator_took(turn.event, coordinators_[before].machine.epoch());
    for (const CoordinatorAction& action : turn.actions)
      o.coordinator_did(action, coordinators_[turn.after].machine);
  });
}

const Observed& Parties::took(Id observer, std::size_t site, Epoch from,
                              const ParticipantTurn& turn) {
  return observe(observer, about(Told::participant, turn.number, from), [&](Observer& o) {
    o.participant_took(name(site), turn.event, from);
    for (const ParticipantAction& action : turn.actions)
      if (!turn.closes_link || !std::holds_alternative<SendToCoordinator>(action))
        o.participant_did(name(site), action);
  });
}

const Observed& Parties::happened(Id observer, std::size_t site, const Fact& fact) {
  const Id number = facts_(name(site) + to_text(fact));
  return observe(observer, about(Told::fact, number), [&](Observer& o) {
    switch (fact.kind) {
      case Fact::Kind::prepared:
        return o.branch_prepared(fact.gid);
      case Fact::Kind::ended:
        return o.branch_ended(fact.gid, fact.outcome, EndedBy::participant);
      case Fact::Kind::raised:
        return o.mark_raised(name(site), fact.mark);
    }
  });
}

const Observed& Parties::durable(Id observer, Id record) {
  return observe(observer, about(Told::durable, record),
                 [&](Observer& o) { o.record_durable(records_[record], false); });
}

const Observed& Parties::client_asks(Id observer, Id coordinator) {
  return observe(observer, about(Told::client, coordinator), [&](Observer& o) {
    if (!begun) return;
    const CoordinatorMachine& machine = coordinators_[coordinator].machine;
    const Transaction* known = machine.find(tx_);
    const Now now{coordinators_[coordinator].clock, kWall};
    const Fate fate = known ? fate_of(known->state) : machine.fate_of_unknown(tx_, now);
    o.coordinator_did(Reply{0, tx_, std::nullopt, fate}, machine);
  });
}

// ---- mistakes made on purpose
// ----------------------------------------------------------------------

void Parties::plant(Id before, CoordinatorTurn& turn) {
  if (bounds_.plant == Plant::logged_before_durable)
    for (const Ledger::Entry& entry : turn.records) turn.planted.push_back(Logged{entry.number});
  const auto* from = std::get_if<FromParticipant>(&turn.event);
  if (!from) return;
  const Transaction* tx = coordinators_[before].machine.find(tx_);
  const auto* inquiry = std::get_if<Inquiry>(&from->message);
  const bool committed = tx && fate_of(tx->state) == Fate::committed;
  if (bounds_.plant == Plant::inquiry_presumes_abort && inquiry && !committed) {
    const Send send{from->participant, Abort{inquiry->gid}};
    turn.actions.push_back(send);
    const std::size_t site = site_of(send.participant);
    turn.sends.push_back({site, add(site, send.message)});
  }
  const auto* applied = std::get_if<Applied>(&from->message);
  if (bounds_.plant != Plant::applied_for_all || !applied || !tx) return;
  for (const TxBranch& branch : tx->branches) {
    if (branch.phase != BranchPhase::finishing || branch.participant == from->participant) continue;
    Applied other = *applied;
    other.gid.participant = branch.participant;
    turn.planted.push_back(FromParticipant{branch.participant, other});
  }
}

void Parties::plant(Id before, ParticipantTurn& turn) {
  if (bounds_.plant == Plant::dropped_with_link && std::holds_alternative<LinkClosed>(turn.event))
    for (const auto& [gid, branch] : participants_[before].machine.branches())
      if (branch.state == BranchState::prepared)
        turn.actions.push_back(FinishPrepared{gid, Outcome::aborted});
}

ParticipantEvent Parties::read(ParticipantEvent answer) const {
  auto* prepared = std::get_if<PrepareDone>(&answer);
  auto* finished = std::get_if<FinishDone>(&answer);
  if (bounds_.plant == Plant::lost_reply_is_done && finished &&
      finished->result == FinishDone::Result::again)
    finished->result = FinishDone::Result::done;
  if (bounds_.plant == Plant::prepared_without_tag && prepared &&
      std::holds_alternative<PrepareDone::No>(prepared->result))
    prepared->result = PrepareDone::Yes{1, Results{}};
  if (bounds_.plant == Plant::yes_called_read_only && prepared &&
      std::holds_alternative<PrepareDone::Yes>(prepared->result))
    prepared->result = PrepareDone::ReadOnly{Results{}};
  return answer;
}

}  // namespace assent::explore
