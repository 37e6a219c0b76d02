#include "coordinator/blocking.hpp"

#include <utility>
#include <vector>

namespace assent {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// A participant reports once a second.
constexpr Duration kSilence{5000};

// Of each participant, of whom there may be many.
constexpr BlockingHistory::Limits kHistory{
    .spans = 1000, .ended = 20, .live = 100, .root_bytes = 16 * 1024};

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool is_ready(const CoordinatorMachine& machine, const std::string& participant) {
  const auto member = machine.members().find(participant);
  return member != machine.members().end() && member->second.state == Member::State::ready;
}

// External: nobody has asked for the commit, or not everything was there when somebody did. What is
// prepared and not seen yet is not known here.
Ruling awaiting_application(const Transaction& tx, Instant now) {
  std::vector<std::string> missing;
  for (const TxBranch& branch : tx.branches)
    if (branch.phase == BranchPhase::not_yet) missing.push_back(branch.participant);
  const auto left = duration_cast<milliseconds>(tx.deadline - now).count();
  const std::string deadline =
      "; at its deadline, in " + duration_text(left < 0 ? 0 : left) + ", it is aborted.";
  if (missing.empty())
    return {"decision", "The application, which has yet to ask for the commit" + deadline, {}};
  return {"decision",
          "The application: it has yet to prepare at " + listed(missing) +
              ", and to ask for the commit again" + deadline,
          {}};
}

Ruling awaiting_votes(const Transaction& tx, const CoordinatorMachine& machine, Instant now) {
  std::vector<std::string> missing;
  std::vector<std::string> away;
  for (const TxBranch& branch : tx.branches) {
    if (branch.phase != BranchPhase::preparing && branch.phase != BranchPhase::working) continue;
    missing.push_back(branch.participant);
    if (!is_ready(machine, branch.participant)) away.push_back(branch.participant);
  }
  const auto left = duration_cast<milliseconds>(tx.deadline - now).count();
  const std::string deadline =
      "; at its deadline, in " + duration_text(left < 0 ? 0 : left) + ", it is aborted.";
  if (!away.empty())
    return {"participant", "The return and vote of " + listed(away) + deadline, {}};
  return {"decision", "The vote of " + listed(missing) + deadline, {}};
}

Ruling ruling_on(const Transaction& tx, const CoordinatorMachine& machine, Instant now) {
  switch (tx.state) {
    case TxState::open:
      if (tx.mode == Mode::external) return awaiting_application(tx, now);
      return awaiting_votes(tx, machine, now);
    case TxState::preparing:
      return awaiting_votes(tx, machine, now);
    case TxState::deciding:
      return {"decision", "The coordinator's disk: the commit record is being made durable.", {}};
    case TxState::committing:
    case TxState::committed:
      return {"decision", "Nothing more: commit is decided, and on its way to this database.",
              "It commits; its locks are released and those who wait go on."};
    case TxState::aborting:
    case TxState::aborted:
      return {"decision", "Nothing more: abort is decided, and on its way to this database.",
              "It is rolled back; its locks are released and those who wait go on."};
  }
  return {};
}

// It asks back: nothing is decided by looking.
std::string command_for(const TxId& tx) {
  return "assent resolve " + to_string(tx) +
         " --abort --preview, or --commit --preview, shows what it would do.";
}

Ruling ruling_on(const Doubt& doubt, const CoordinatorMachine& machine) {
  if (doubt.pending)
    return {"decision",
            "The coordinator's disk: an operator's decision (" + doubt.pending->record.by + ": " +
                std::string(to_string(doubt.pending->record.outcome)) + ") is being made durable.",
            {}};
  std::vector<std::string> missing;
  const auto miss = [&](const std::string& name) {
    if (!doubt.evidence.contains(name)) missing.push_back(name);
  };
  for (const std::string& peer : doubt.peers) miss(peer);
  if (doubt.peers.empty())
    for (const auto& [name, member] : machine.members()) miss(name);
  const std::string why = doubt.why.empty() ? "" : " (" + doubt.why + ")";
  if (!missing.empty())
    return {"participant",
            "An answer of " + listed(missing) +
                ": this ledger has no record of it and may not presume abort" + why +
                ". Where it cannot come, an operator's decision: " + command_for(doubt.gid.tx),
            {}};
  return {"operator",
          "An operator's decision: all have answered, and it does not follow what was decided" +
              why + ". " + command_for(doubt.gid.tx),
          "Each branch does as decided; its locks are released and those who wait go on."};
}

BlockingView view_of(const CoordinatorMachine& machine, Instant now) {
  BlockingView view;
  view.at_coordinator = true;
  for (const auto& [id, tx] : machine.transactions()) {
    // Finished long ago: a branch that still holds locks is told again.
    if (tx.state == TxState::committed || tx.state == TxState::aborted) continue;
    Ruling& ruling = view.rulings[to_string(id)] = ruling_on(tx, machine, now);
    for (const TxBranch& branch : tx.branches) ruling.peers.push_back(branch.participant);
  }
  for (const auto& [id, doubt] : machine.doubts()) {
    Ruling& ruling = view.rulings[to_string(id)] = ruling_on(doubt, machine);
    ruling.peers.assign(doubt.peers.begin(), doubt.peers.end());
  }
  return view;
}

}  // namespace

bool BlockingBoard::received(const std::string& participant, std::string report, Now now) {
  const auto [past, is_new] = past_.try_emplace(participant, kHistory);
  const auto gist = take_report(report, past->second, now.wall_ms);
  if (!gist) return false;
  heard_[participant] = {std::move(report), now.steady, *gist};
  return true;
}

void BlockingBoard::note_silence(const CoordinatorMachine& machine, Now now) {
  for (const auto& [name, member] : machine.members()) {
    if (silent_because(machine, name, now.steady).empty()) continue;
    past_.try_emplace(name, kHistory).first->second.note_silence(now.wall_ms);
  }
}

std::string BlockingBoard::silent_because(const CoordinatorMachine& machine,
                                          const std::string& participant, Instant now) const {
  const auto heard = heard_.find(participant);
  if (!is_ready(machine, participant)) return "it has no link to the coordinator";
  if (heard == heard_.end()) return "it has not reported yet";
  const auto age = duration_cast<milliseconds>(now - heard->second.at);
  if (age > kSilence) return "it has not reported for " + duration_text(age.count());
  return {};
}

std::string BlockingBoard::document(const CoordinatorMachine& machine, Instant now) const {
  std::vector<BlockingPart> parts;
  for (const auto& [name, member] : machine.members()) {
    BlockingPart part;
    part.participant = name;
    const auto heard = heard_.find(name);
    if (heard != heard_.end()) {
      part.report = heard->second.report;
      part.age = duration_cast<milliseconds>(now - heard->second.at);
    }
    part.silent_because = silent_because(machine, name, now);
    parts.push_back(std::move(part));
  }
  return join_blocking(parts, view_of(machine, now));
}

std::string BlockingBoard::history() const {
  std::vector<std::pair<std::string, const BlockingHistory*>> all;
  for (const auto& [name, past] : past_) all.emplace_back(name, &past);
  return join_history(all, since_ms_);
}

std::optional<std::int64_t> BlockingBoard::blocked_at(const CoordinatorMachine& machine,
                                                      const std::string& participant,
                                                      Instant now) const {
  if (!silent_because(machine, participant, now).empty()) return std::nullopt;
  const Heard& heard = heard_.at(participant);
  if (!heard.gist.available) return std::nullopt;
  return heard.gist.blocked;
}

void BlockingBoard::publish(const CoordinatorMachine& machine, Instant now) {
  feed_.publish(document(machine, now));
}

HttpResponse BlockingBoard::follow(const CoordinatorMachine& machine, Instant now) const {
  return feed_.follow(document(machine, now));
}

}  // namespace assent
