// What an operator decides of a transaction in doubt, and what is heard of it afterwards. The
// decision is one record; until it is durable the doubt stays, and nobody is told anything.
#include <algorithm>
#include <utility>

#include "protocol/coordinator_step.hpp"

namespace assent {
namespace {

Fate fate_of(Outcome outcome) {
  return outcome == Outcome::committed ? Fate::committed : Fate::aborted;
}

BranchEffect carrying_out(Outcome outcome) {
  return outcome == Outcome::committed ? BranchEffect::commit : BranchEffect::roll_back;
}

bool has_ended(const Transaction& tx) {
  return tx.state == TxState::committed || tx.state == TxState::aborted;
}

bool says(Knowledge knowledge, Outcome outcome) {
  return knowledge == (outcome == Outcome::committed ? Knowledge::committed : Knowledge::aborted);
}

// ---- the preview
// -----------------------------------------------------------------------------------

std::string known_of(BranchPhase phase) {
  switch (phase) {
    case BranchPhase::yes:
      return "prepared";
    case BranchPhase::no:
      return "refused";
    case BranchPhase::finishing:
      return "pending";
    default:
      return std::string(to_string(phase));
  }
}

BranchEffect effect_on(const TxBranch& branch, Outcome outcome) {
  switch (branch.phase) {
    case BranchPhase::working:
    case BranchPhase::preparing:
    case BranchPhase::yes:
    case BranchPhase::finishing:
      return carrying_out(outcome);
    default:
      return BranchEffect::none;
  }
}

std::optional<Failure> refusal_of(const Transaction& tx, Outcome outcome) {
  const std::string by =
      tx.resolution ? ", as " + tx.resolution->by + " has decided" : std::string();
  switch (tx.state) {
    case TxState::open:
    case TxState::preparing:
      if (outcome == Outcome::aborted) return std::nullopt;
      return failure(
          Problem::resolution_refused,
          "It is not decided yet: its votes decide, and nobody in their place. It can be "
          "rolled back.");
    case TxState::deciding:
      return failure(Problem::outcome_unknown, "Its commit record is on its way to the disk.");
    case TxState::committing:
    case TxState::committed:
      if (outcome == Outcome::committed) return std::nullopt;
      return failure(Problem::already_committed,
                     "The ledger says that it is committed" + by + ". A decision never changes.");
    case TxState::aborting:
    case TxState::aborted:
      if (outcome == Outcome::aborted) return std::nullopt;
      return failure(Problem::already_aborted,
                     "It is aborted" + by + ". A decision never changes.");
  }
  return std::nullopt;
}

ResolutionPreview preview_of(const Transaction& tx, Outcome outcome) {
  ResolutionPreview preview;
  preview.fate = assent::fate_of(tx.state);
  preview.refusal = refusal_of(tx, outcome);
  for (const TxBranch& branch : tx.branches)
    preview.branches.push_back({branch.participant, known_of(branch.phase),
                                preview.refusal ? BranchEffect::none : effect_on(branch, outcome)});
  return preview;
}

// Everybody who may have a branch of it.
std::set<std::string> concerned_by(const Doubt& doubt, const CoordinatorMachine& machine) {
  std::set<std::string> names(doubt.peers.begin(), doubt.peers.end());
  names.insert(doubt.askers.begin(), doubt.askers.end());
  for (const auto& [name, branch] : doubt.held) names.insert(name);
  for (const auto& [name, knowledge] : doubt.evidence) names.insert(name);
  if (doubt.peers.empty())
    for (const auto& [name, member] : machine.members()) names.insert(name);
  return names;
}

EffectOnBranch effect_on(const Doubt& doubt, const std::string& name, Outcome outcome) {
  const auto evidence = doubt.evidence.find(name);
  const bool heard = evidence != doubt.evidence.end();
  if (heard && evidence->second != Knowledge::prepared)
    return {name, std::string(to_string(evidence->second)), BranchEffect::none};
  if (heard || doubt.askers.contains(name)) return {name, "prepared", carrying_out(outcome)};
  if (doubt.held.contains(name)) return {name, "gone", BranchEffect::prove};
  return {name, "unheard", BranchEffect::ask};
}

std::optional<Failure> refusal_of(const Doubt& doubt, Outcome outcome) {
  if (doubt.pending && doubt.pending->record.outcome != outcome)
    return failure(
        Problem::outcome_unknown,
        "Another decision of an operator is on its way to the disk: " + doubt.pending->record.by +
            " says " + std::string(to_string(doubt.pending->record.outcome)) + ".");
  for (const auto& [name, knowledge] : doubt.evidence) {
    if (says(knowledge, Outcome::committed) && outcome == Outcome::aborted)
      return failure(Problem::already_committed, "It is committed: " + name + " has applied it.",
                     name);
    if (says(knowledge, Outcome::aborted) && outcome == Outcome::committed)
      return failure(Problem::already_aborted, "It is aborted: " + name + " was told so.", name);
  }
  return std::nullopt;
}

ResolutionPreview preview_of(const Doubt& doubt, Outcome outcome,
                             const CoordinatorMachine& machine) {
  ResolutionPreview preview;
  preview.why = doubt.why;
  preview.refusal = refusal_of(doubt, outcome);
  preview.records = !preview.refusal;
  for (const std::string& name : concerned_by(doubt, machine)) {
    preview.branches.push_back(effect_on(doubt, name, outcome));
    if (preview.refusal) preview.branches.back().effect = BranchEffect::none;
  }
  return preview;
}

}  // namespace

std::string ResolutionPreview::seen() const {
  std::string text;
  for (const EffectOnBranch& branch : branches)
    text += (text.empty() ? "" : ",") + branch.participant + "=" + branch.known;
  return text;
}

ResolutionPreview CoordinatorMachine::preview(const TxId& tx, Outcome outcome, Now now) const {
  if (const Transaction* known = find(tx)) return preview_of(*known, outcome);
  if (const auto doubt = doubts_.find(tx); doubt != doubts_.end())
    return preview_of(doubt->second, outcome, *this);
  ResolutionPreview preview;
  preview.refusal = failure_of_unknown(tx, now);
  preview.fate = fate_of_unknown(tx, now);
  return preview;
}

// ---- the decision
// ----------------------------------------------------------------------------------

void CoordinatorStep::on(const ResolveAsked& event) {
  const ResolutionPreview preview = m.preview(event.tx, event.outcome, now);
  if (preview.refusal) return refuse(event.request, event.tx, *preview.refusal, preview.fate);
  if (event.reason.empty())
    return refuse(event.request, event.tx,
                  failure(Problem::invalid_request, "A decision needs a reason."), preview.fate);
  if (const auto doubt = m.doubts_.find(event.tx); doubt != m.doubts_.end())
    return resolve(doubt->second, event, preview);
  Transaction& tx = m.transactions_.at(event.tx);
  if (tx.state == TxState::open || tx.state == TxState::preparing)
    abort(tx, failure(Problem::rolled_back, event.by + " rolled it back: " + event.reason));
  reply(event.request, tx.tx, assent::fate_of(tx.state));
}

void CoordinatorStep::resolve(Doubt& doubt, const ResolveAsked& event,
                              const ResolutionPreview& preview) {
  if (doubt.pending) {
    if (doubt.pending->requests.size() >= m.limits_.waiters)
      return refuse(event.request, event.tx,
                    failure(Problem::overloaded, "Too many requests wait for this already."),
                    Fate::unknown);
    return doubt.pending->requests.push_back(event.request);
  }
  if (!event.seen.empty() && event.seen != preview.seen())
    return refuse(event.request, event.tx,
                  failure(Problem::resolution_refused,
                          "More is known by now than what was decided upon: " + preview.seen() +
                              ". Look again."),
                  preview.fate);
  ResolutionRecord record;
  record.tx = event.tx;
  record.epoch = doubt.gid.epoch;
  record.outcome = event.outcome;
  record.by = event.by;
  record.reason = event.reason;
  record.wall_ms = now.wall_ms;
  record.sequence = event.outcome == Outcome::committed ? ++m.sequence_ : m.sequence_;
  for (const EffectOnBranch& branch : preview.branches) {
    const auto held = doubt.held.find(branch.participant);
    if (branch.effect == BranchEffect::ask)
      record.unheard.push_back(branch.participant);
    else if (branch.effect != BranchEffect::none)
      record.branches.push_back(
          held != doubt.held.end() ? held->second : DecidedBranch{branch.participant, 0, {}});
  }
  const RecordNumber number = log(record);
  m.resolving_[number] = event.tx;
  doubt.pending = PendingResolution{number, std::move(record), {event.request}};
}

void CoordinatorStep::resolutions_durable() {
  while (!m.resolving_.empty() && m.resolving_.begin()->first <= m.durable_record_) {
    const TxId id = m.resolving_.begin()->second;
    m.resolving_.erase(m.resolving_.begin());
    resolved(id);
  }
  while (!m.acknowledging_.empty() && m.acknowledging_.begin()->first <= m.durable_record_) {
    const PendingAcknowledgement done =
        std::move(m.acknowledging_.extract(m.acknowledging_.begin()).mapped());
    Transaction& tx = m.transactions_.at(done.record.tx);
    const AcknowledgementRecord& seen = done.record;
    tx.acknowledgements.push_back({seen.participants, seen.by, seen.reason, seen.wall_ms});
    for (const RequestId request : done.requests) reply(request, tx.tx, assent::fate_of(tx.state));
  }
}

// The decision is durable: now, and not before, anyone may hear of it. What was heard meanwhile is
// compared with it.
void CoordinatorStep::resolved(const TxId& id) {
  const Doubt doubt = std::move(m.doubts_.extract(id).mapped());
  const ResolutionRecord& record = doubt.pending->record;
  const bool committed = record.outcome == Outcome::committed;
  Transaction& tx = m.transactions_[id];
  ++m.unfinished_;
  tx.tx = id;
  tx.epoch = record.epoch;
  tx.replayed = true;
  tx.state = committed ? TxState::committing : TxState::aborting;
  tx.sequence = committed ? record.sequence : 0;
  tx.begun_wall_ms = uuid7_unix_ms(id.uuid).value_or(0);
  tx.decided_wall_ms = record.wall_ms;
  tx.begun_at = tx.deadline = tx.answer_at = now.steady;
  tx.resolution = Resolution{record.outcome, record.by, record.reason, record.wall_ms, {}};
  for (const std::string& name : concerned_by(doubt, m)) {
    const EffectOnBranch known = effect_on(doubt, name, record.outcome);
    if (known.effect == BranchEffect::ask) {
      tx.resolution->unheard.insert(name);
      continue;
    }
    const auto evidence = doubt.evidence.find(name);
    if (known.effect == BranchEffect::none) {
      tx.resolution->unheard.insert(name);
      heard_of_resolved(tx, name, evidence->second);
      continue;
    }
    TxBranch branch;
    branch.participant = name;
    branch.phase = BranchPhase::finishing;
    if (const auto held = doubt.held.find(name); held != doubt.held.end()) {
      branch.xid = held->second.xid;
      branch.server = held->second.server;
    }
    tell_decision(tx, branch);
    joins(tx, std::move(branch));
  }
  ask_unheard(tx);
  for (const RequestId request : doubt.pending->requests)
    reply(request, id, fate_of(record.outcome));
  set_timer(tx, now.steady + m.limits_.resend_interval);
  finish_if_told(tx);
}

// Nothing of the record was written: nothing was decided, and it is in doubt as before.
bool CoordinatorStep::resolution_refused(RecordNumber record) {
  const Failure full = failure(Problem::log_unavailable,
                               "The decision log has no room for the record; nothing was changed.");
  if (const auto acknowledging = m.acknowledging_.extract(record)) {
    const PendingAcknowledgement& refused = acknowledging.mapped();
    const Transaction& tx = m.transactions_.at(refused.record.tx);
    for (const RequestId request : refused.requests)
      refuse(request, tx.tx, full, assent::fate_of(tx.state));
    return true;
  }
  const auto resolving = m.resolving_.extract(record);
  if (!resolving) return false;
  const TxId id = resolving.mapped();
  Doubt& doubt = m.doubts_.at(id);
  for (const RequestId request : doubt.pending->requests) refuse(request, id, full, Fate::unknown);
  doubt.pending.reset();
  const Gid gid = doubt.gid;
  // Damage that was told meanwhile says that it had been aborted.
  std::vector<HeuristicRecord> damages;
  for (const auto& [number, damage] : m.unlogged_damage_)
    if (damage.tx == id) damages.push_back(damage);
  for (const HeuristicRecord& damage : m.refused_damage_)
    if (damage.tx == id) damages.push_back(damage);
  for (const HeuristicRecord& damage : damages)
    damaged_unknown(damage.participant, Applied{{gid.ledger, gid.epoch, id, damage.participant},
                                                Outcome::aborted,
                                                damage.application});
  if (const auto still = m.doubts_.find(id); still != m.doubts_.end()) weigh(still->second);
  return true;
}

// ---- what is heard afterwards
// ----------------------------------------------------------------------

// Evidence is about what was decided there, not about what was done (P40). Where that is the same,
// its participant is told, and proves how its branch ended. Where it is not, the databases differ.
void CoordinatorStep::heard_of_resolved(Transaction& tx, const std::string& from,
                                        Knowledge knowledge) {
  if (!tx.resolution->unheard.contains(from)) return;
  if (recorded_damage_of_resolved(tx, from)) return;
  if (knowledge == Knowledge::prepared || says(knowledge, tx.resolution->outcome))
    return held_of_resolved(tx, HeldBranch{gid_of(tx, from), 0, {}});
  tx.resolution->unheard.erase(from);
  if (knowledge == Knowledge::nothing || tx.branch(from)) return;
  add_to_resolved(tx, from, BranchPhase::heuristic);
  record_damage({tx.tx, from, tx.resolution->outcome, Application::heuristic, now.wall_ms});
}

// What was told while the decision was on its way to the disk; so is its record.
bool CoordinatorStep::recorded_damage_of_resolved(Transaction& tx, const std::string& from) {
  std::vector<HeuristicRecord> damages = m.refused_damage_;
  for (const auto& [number, damage] : m.unlogged_damage_) damages.push_back(damage);
  for (const HeuristicRecord& damage : damages) {
    if (damage.tx != tx.tx || damage.participant != from || tx.branch(from)) continue;
    tx.resolution->unheard.erase(from);
    add_to_resolved(tx, from,
                    damage.application == Application::unproven ? BranchPhase::unproven
                                                                : BranchPhase::heuristic);
    return true;
  }
  return false;
}

void CoordinatorStep::add_to_resolved(Transaction& tx, const std::string& participant,
                                      BranchPhase phase) {
  TxBranch branch;
  branch.participant = participant;
  branch.phase = phase;
  if (has_ended(tx))
    tx.branches.push_back(std::move(branch));
  else
    joins(tx, std::move(branch));
}

// Prepared there after all, or it may have been: it is told the decision, again and again.
void CoordinatorStep::held_of_resolved(Transaction& tx, const HeldBranch& held) {
  if (held.gid.epoch != tx.epoch) return;
  const std::string& holder = held.gid.participant;
  if (TxBranch* known = tx.branch(holder)) {
    tx.resolution->unheard.erase(holder);
    if (held.xid != 0) {
      known->xid = held.xid;
      known->server = m.members_.at(holder).server;
    }
    return tell_decision(tx, *known);
  }
  TxBranch branch;
  branch.participant = holder;
  branch.phase = BranchPhase::finishing;
  branch.xid = held.xid;
  if (held.xid != 0) branch.server = m.members_.at(holder).server;
  tell_decision(tx, branch);
  if (has_ended(tx)) {  // nobody waits for it, but it is asked until it has said that it is done
    tx.resolution->unheard.insert(holder);
    return set_timer(tx, now.steady + m.limits_.resend_interval);
  }
  tx.resolution->unheard.erase(holder);
  joins(tx, std::move(branch));
}

// Of a branch that came so late that nobody waited for it any more.
void CoordinatorStep::applied_of_resolved(Transaction& tx, const std::string& from,
                                          const Applied& message) {
  if (message.outcome != tx.resolution->outcome || !has_ended(tx)) return;
  tx.resolution->unheard.erase(from);
  switch (message.application) {
    case Application::applied:
    case Application::proved:
      return add_to_resolved(tx, from, BranchPhase::applied);
    case Application::heuristic:
      add_to_resolved(tx, from, BranchPhase::heuristic);
      break;
    case Application::unproven:
      add_to_resolved(tx, from, BranchPhase::unproven);
      break;
  }
  record_damage({tx.tx, from, message.outcome, message.application, now.wall_ms});
}

bool CoordinatorStep::ask_unheard(Transaction& tx) {
  if (!tx.resolution) return false;
  bool asked = false;
  for (const std::string& name : tx.resolution->unheard) {
    if (!ready(name)) continue;
    send(name, Ask{gid_of(tx, name)});
    asked = true;
  }
  return asked;
}

void CoordinatorStep::ask_unheard_at(const std::string& participant) {
  for (auto& [id, tx] : m.transactions_) {
    if (!tx.resolution || !tx.resolution->unheard.contains(participant)) continue;
    const auto is_it = [&, gid = gid_of(tx, participant)](const HeldBranch& held) {
      return held.gid == gid;
    };
    const auto& held = m.members_.at(participant).held;
    if (std::any_of(held.begin(), held.end(), is_it)) continue;  // it has been told the decision
    send(participant, Ask{gid_of(tx, participant)});
    if (has_ended(tx)) set_timer(tx, now.steady + m.limits_.resend_interval);
  }
}

// ---- acknowledging
// ---------------------------------------------------------------------------------

void CoordinatorStep::on(const AcknowledgeAsked& event) {
  const auto found = m.transactions_.find(event.tx);
  if (found == m.transactions_.end())
    return refuse(event.request, event.tx, m.failure_of_unknown(event.tx, now),
                  m.fate_of_unknown(event.tx, now));
  Transaction& tx = found->second;
  const Fate fate = assent::fate_of(tx.state);
  if (event.reason.empty())
    return refuse(event.request, tx.tx,
                  failure(Problem::invalid_request, "An acknowledgement needs a reason."), fate);
  if (!tx.damaged())
    return refuse(event.request, tx.tx,
                  failure(Problem::resolution_refused,
                          "There is nothing to acknowledge: no branch of it is known to have ended "
                          "otherwise than decided."),
                  fate);
  for (auto& [number, pending] : m.acknowledging_)
    if (pending.record.tx == tx.tx && pending.requests.size() < m.limits_.waiters)
      return pending.requests.push_back(event.request);
  std::vector<std::string> alarming = tx.alarming();
  if (alarming.empty()) return reply(event.request, tx.tx, fate);
  const auto is_about = [&tx](const HeuristicRecord& damage) { return damage.tx == tx.tx; };
  bool recorded = std::none_of(m.refused_damage_.begin(), m.refused_damage_.end(), is_about);
  for (const auto& [number, damage] : m.unlogged_damage_) recorded = recorded && !is_about(damage);
  if (!recorded)
    return refuse(event.request, tx.tx,
                  failure(Problem::log_unavailable,
                          "The damage itself is not on disk yet. Acknowledge it when it is."),
                  fate);
  AcknowledgementRecord record{tx.tx, std::move(alarming), event.by, event.reason, now.wall_ms};
  const RecordNumber number = log(record);
  m.acknowledging_[number] = PendingAcknowledgement{std::move(record), {event.request}};
}

}  // namespace assent
