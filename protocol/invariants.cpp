// What must hold of a history, whoever took part in it.
#include "protocol/invariants.hpp"

#include <algorithm>
#include <utility>

namespace assent {
namespace {

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

void Observer::violated(std::string invariant, std::string what) {
  violations_.push_back({std::move(invariant), std::move(what)});
}

bool Observer::is_committed(const TxId& tx) const {
  const auto found = histories_.find(tx);
  return found != histories_.end() && found->second.commit && !found->second.void_commit;
}

bool Observer::is_excused(const TxId& tx, const std::string& participant) const {
  const auto found = histories_.find(tx);
  if (found == histories_.end()) return false;
  const auto branch = found->second.branches.find(participant);
  return branch != found->second.branches.end() &&
         (branch->second.by_hand || branch->second.excused);
}

Xid Observer::promised_xid(const Gid& gid) const {
  const auto found = histories_.find(gid.tx);
  if (found == histories_.end()) return 0;
  const auto branch = found->second.branches.find(gid.participant);
  return branch == found->second.branches.end() ? 0 : branch->second.promised_xid;
}

void Observer::coordinator_took(const CoordinatorEvent& event, Epoch epoch) {
  if (const auto* refused = std::get_if<LogRefused>(&event))
    return resolution_refused(refused->record, epoch);
  const auto* from = std::get_if<FromParticipant>(&event);
  if (!from) return;
  if (const auto* vote = std::get_if<Vote>(&from->message)) {
    Branch& branch = of(vote->gid.tx).branches[from->participant];
    // A yes binds, and the *not yet* of a repeated asking promises nothing and takes nothing back.
    const bool stands = branch.voted == Verdict::yes && vote->verdict == Verdict::not_yet;
    if (vote->ask == branch.ask && !stands) branch.voted = vote->verdict;
  }
}

void Observer::coordinator_did(const CoordinatorAction& action, const CoordinatorMachine& after) {
  speaking_ = after.epoch();
  std::visit(
      Overloaded{
          [&](const Send& send) {
            std::visit(
                Overloaded{
                    [&](const Prepare& message) { asked_to_vote(message); },
                    [&](const Execute& message) { of(message.gid).asked = true; },
                    [&](const Commit& message) { commit_told(message.gid.tx, send.participant); },
                    [&](const Abort& message) { abort_told(message.gid.tx, send.participant); },
                    [](const Welcome&) {}, [](const Ask&) {}},
                send.message);
          },
          [&](const Log& log) {
            if (const auto* commit = std::get_if<CommitRecord>(&log.record))
              commit_asked(*commit, after.epoch());
            if (const auto* end = std::get_if<EndRecord>(&log.record)) end_asked(*end);
            if (const auto* resolution = std::get_if<ResolutionRecord>(&log.record))
              resolution_asked(*resolution, log.number, after.epoch());
          },
          [&](const Reply& reply) { replied(reply, after); }, [](const Disconnect&) {},
          [](const Stop&) {}},
      action);
}

// What an external branch voted at an earlier asking counts no more.
void Observer::asked_to_vote(const Prepare& message) {
  Branch& branch = of(message.gid);
  branch.asked = true;
  if (message.ask > branch.ask) branch.voted.reset();
  branch.ask = std::max(branch.ask, message.ask);
}

void Observer::commit_told(const TxId& tx, const std::string& whom) {
  told_of_resolution(tx, Outcome::committed, whom);
  if (!of(tx).commit)
    violated("I1", whom + " was told to commit " + to_string(tx) + " before it was durable");
  if (of(tx).aborted)
    violated("I3", whom + " was told to commit " + to_string(tx) + ", but " + *of(tx).aborted +
                       " had been told that it is aborted");
}

// Covers I9 as well: whatever the reason for saying "aborted", no durable commit may contradict it.
void Observer::abort_told(const TxId& tx, const std::string& whom) {
  told_of_resolution(tx, Outcome::aborted, whom);
  History& history = of(tx);
  if (history.commit && !history.void_commit)
    violated("I9", whom + " was told that " + to_string(tx) +
                       " is aborted, but its commit record is durable");
  if (!history.aborted) history.aborted = whom;
}

void Observer::replied(const Reply& reply, const CoordinatorMachine& after) {
  if (const Transaction* known = after.find(reply.tx)) acknowledgement_shown(*known);
  if (reply.fate == Fate::aborted) return abort_told(reply.tx, "a client");
  if (reply.fate != Fate::committed) return;
  History& history = of(reply.tx);
  history.told_committed = true;
  const Transaction* tx = after.find(reply.tx);
  const bool nothing_to_commit =
      tx && std::all_of(tx->branches.begin(), tx->branches.end(), [](const TxBranch& branch) {
        return branch.phase == BranchPhase::read_only;
      });
  if (!history.commit && !nothing_to_commit)
    violated("I5", "a client was told that " + to_string(reply.tx) +
                       " is committed, but no record of it is durable");
  if (history.aborted && !history.void_commit)
    violated("I5", "a client was told that " + to_string(reply.tx) + " is committed, but " +
                       *history.aborted + " had been told that it is aborted");
}

void Observer::commit_asked(const CommitRecord& record, Epoch epoch) {
  History& history = of(record.tx);
  if (history.aborted)
    violated("I3", "a commit record of " + to_string(record.tx) + " is written, but " +
                       *history.aborted + " had been told that it is aborted");
  if (history.resolution == Outcome::aborted)
    violated("I3", "a commit record of " + to_string(record.tx) +
                       " is written, but an operator has decided to abort it");
  if (record.epoch != epoch) {  // decided by an earlier start, and found to be so by evidence
    if (!history.commit)
      violated("I2", to_string(record.tx) +
                         " of an earlier epoch is recorded as committed, but it "
                         "never was");
    return;
  }
  for (const auto& [name, branch] : history.branches) {
    if (branch.asked && branch.voted != Verdict::yes && branch.voted != Verdict::read_only)
      violated("I2", "a commit record of " + to_string(record.tx) + " is written, but " + name +
                         " has not voted for it");
  }
  for (const DecidedBranch& decided : record.branches)
    if (history.branches[decided.participant].voted != Verdict::yes)
      violated("I2", decided.participant + " is in the commit record of " + to_string(record.tx) +
                         " without a yes");
}

void Observer::record_durable(const LogRecord& record, bool competed) {
  if (const auto* damage = std::get_if<HeuristicRecord>(&record)) {
    Branch& branch = of(damage->tx).branches[damage->participant];
    branch.damage_written = true;
    if (!competed) branch.recorded = true;
  }
  if (const auto* resolution = std::get_if<ResolutionRecord>(&record))
    return resolution_durable(*resolution, competed);
  if (const auto* seen = std::get_if<AcknowledgementRecord>(&record))
    of(seen->tx).acknowledged.insert(seen->participants.begin(), seen->participants.end());
  const auto* commit = std::get_if<CommitRecord>(&record);
  if (!commit) return;
  History& history = of(commit->tx);
  if (history.aborted && !competed)
    violated("I3", "the commit record of " + to_string(commit->tx) + " became durable, but " +
                       *history.aborted + " had been told that it is aborted");
  history.void_commit = competed && (!history.commit || history.void_commit);
  history.commit = *commit;
}

void Observer::commits_lost(const std::set<TxId>& lost) {
  for (const TxId& tx : lost) {
    of(tx).void_commit = of(tx).was_lost = true;
    of(tx).resolution.reset();
  }
  for (auto& [tx, history] : histories_)
    for (auto& [name, branch] : history.branches) branch.damage_written = branch.recorded = false;
}

void Observer::end_asked(const EndRecord& record) {
  History& history = of(record.tx);
  history.ended = true;
  if (history.resolved && (!history.commit || history.void_commit)) return;  // an abort
  if (!history.commit)
    return violated("I8", to_string(record.tx) + " is recorded as ended without a commit record");
  for (const DecidedBranch& decided : history.commit->branches) {
    const Branch& branch = history.branches[decided.participant];
    // One adopted on evidence may name a branch that was read-only.
    if (branch.promised && branch.outcome != Outcome::committed && !branch.excused &&
        !branch.damage_written)
      violated("I8", to_string(record.tx) + " is recorded as ended, but its branch at " +
                         decided.participant + " is not committed");
  }
}

void Observer::participant_took(const std::string& name, const ParticipantEvent& event,
                                Epoch from) {
  const auto* received = std::get_if<FromCoordinator>(&event);
  if (!received) return;
  const auto heard = [&](const Gid& gid, bool Branch::*what) {
    const auto marks = marks_.find(name);
    if (marks != marks_.end()) {
      const auto mark = marks->second.find(gid.ledger);
      if (mark != marks->second.end() && mark->second.epoch > from) return;  // must not matter
    }
    of(gid).*what = of(gid).told_since = true;
  };
  if (const auto* commit = std::get_if<Commit>(&received->message))
    heard(commit->gid, &Branch::told_commit);
  if (const auto* abort = std::get_if<Abort>(&received->message))
    heard(abort->gid, &Branch::told_abort);
}

void Observer::participant_did(const std::string& name, const ParticipantAction& action) {
  const auto begins = [&](const Gid& gid) {
    const auto& marks = marks_[name];
    const auto mark = marks.find(gid.ledger);
    if (mark == marks.end())
      violated("I7", name + " works for " + to_string(gid) + " before its epoch is durable");
    else if (mark->second.epoch > gid.epoch)
      violated("I7", name + " works for " + to_string(gid) + " although it has seen epoch " +
                         std::to_string(mark->second.epoch));
  };
  std::visit(Overloaded{[&](const SendToCoordinator& send) {
                          if (const auto* applied = std::get_if<Applied>(&send.message))
                            claimed(*applied);
                          const auto* evidence = std::get_if<Evidence>(&send.message);
                          if (evidence && evidence->knowledge == Knowledge::nothing)
                            of(evidence->gid).knows_nothing = true;
                          const auto* vote = std::get_if<Vote>(&send.message);
                          if (vote && vote->verdict == Verdict::yes) {
                            Branch& branch = of(vote->gid);
                            branch.promised = true;
                            branch.promised_xid = vote->xid;
                            if (branch.by_hand && vote->xid == branch.prepared_xid)
                              promised_anew(branch);
                            if (!branch.prepared && !branch.excused && !branch.by_hand)
                              violated("I2", name + " votes yes for " + to_string(vote->gid) +
                                                 ", which is not prepared");
                          }
                        },
                        [&](const RunWork& verb) { begins(verb.gid); },
                        [&](const PrepareBranch& verb) { begins(verb.gid); },
                        [&](const FinishPrepared& verb) { finishing(verb); }, [](const auto&) {}},
             action);
}

// Asked anew, it has voted for what was prepared after the first had been ended by hand.
void Observer::promised_anew(Branch& branch) {
  if (std::exchange(branch.again, false)) branch.outcome.reset();
}

// What is said of a branch's end must be what the database did.
void Observer::claimed(const Applied& message) {
  const Branch& branch = of(message.gid);
  // What its database has forgotten was done all the same, and its participant may know it.
  const auto ended = [&branch](Outcome outcome) {
    return branch.outcome == outcome || branch.undone == outcome;
  };
  const bool damaged = message.application == Application::heuristic;
  const Outcome other =
      message.outcome == Outcome::committed ? Outcome::aborted : Outcome::committed;
  // Lost by its database, it has ended against a commit as well.
  const bool lost = message.outcome == Outcome::committed && branch.excused && !branch.prepared &&
                    branch.outcome != Outcome::committed;
  // An operator's commit is damage where a branch that had not been heard never said yes.
  const bool refused = message.outcome == Outcome::committed && of(message.gid.tx).resolved &&
                       !branch.promised && !branch.prepared && !branch.outcome;
  if (damaged && !ended(other) && !lost && !refused)
    violated("I4", to_string(message.gid) +
                       " is said to have ended against the decision, but it "
                       "did not");
  if (!damaged && message.application != Application::unproven &&
      message.outcome == Outcome::committed && branch.promised && !ended(Outcome::committed))
    violated("I8", to_string(message.gid) + " is said to be committed, but it is not");
}

void Observer::finishing(const FinishPrepared& verb) {
  const Branch& branch = of(verb.gid);
  if (verb.outcome == Outcome::committed && !branch.told_commit)
    violated("I6", to_string(verb.gid) + " is committed without the decision");
  // An application can have prepared another transaction under the gid: that one promised nothing.
  const bool another = branch.prepared_xid != 0 && branch.prepared_xid != branch.promised_xid;
  if (verb.outcome == Outcome::aborted && branch.promised && !branch.told_abort && !another)
    violated("I6", to_string(verb.gid) + " is rolled back after its yes without the decision");
}

void Observer::mark_raised(const std::string& name, const Mark& mark) {
  marks_[name][mark.ledger] = mark;
}

void Observer::branch_prepared(const Gid& gid, Xid xid) {
  Branch& branch = of(gid);
  branch.prepared = true;
  branch.prepared_xid = xid;
  branch.told_since = branch.knows_nothing = false;
  // What voted has ended, so that this is another transaction under its gid (P54).
  const bool ended_by_hand =
      branch.by_hand && branch.outcome && branch.promised && xid != 0 && xid != branch.promised_xid;
  branch.again = !branch.excused &&
                 (ended_by_hand || (branch.outcome == Outcome::committed && !branch.by_hand));
  if (branch.again) return;
  if ((branch.excused || branch.unseen) && branch.outcome) branch.undone = branch.outcome;
  branch.outcome.reset();
}

void Observer::branch_ended(const Gid& gid, Outcome outcome, EndedBy by) {
  Branch& branch = of(gid);
  branch.prepared = false;
  if (std::exchange(branch.again, false)) {
    if (outcome == Outcome::committed && by == EndedBy::participant && recorded_as_promised(gid))
      violated("I4", to_string(gid) +
                         " is committed twice: what was prepared under its gid after " +
                         "its commit had no decision");
    return;
  }
  branch.outcome = outcome;
  branch.by_hand = branch.by_hand || by == EndedBy::hand;
  // Nobody need have noted the id of what an application prepared and no vote was given for.
  const bool by_application = branch.ask != 0 || !branch.asked;
  const bool has_voted = branch.promised && branch.prepared_xid == branch.promised_xid;
  if (by == EndedBy::hand && by_application && !has_voted) branch.unseen = true;
  if (by == EndedBy::participant) compare_branches(gid);
}

// A ledger that has lost the record, and found on evidence that it committed, has no id to go by.
bool Observer::recorded_as_promised(const Gid& gid) {
  const History& history = of(gid.tx);
  if (!history.commit) return true;
  for (const DecidedBranch& decided : history.commit->branches)
    if (decided.participant == gid.participant) return decided.xid == of(gid).promised_xid;
  return false;
}

void Observer::compare_branches(const Gid& gid) {
  const History& history = of(gid.tx);
  const Branch& ended = history.branches.at(gid.participant);
  if (ended.excused || history.resolved) return;
  for (const auto& [name, other] : history.branches)
    if (other.outcome && !other.by_hand && !other.excused && other.outcome != ended.outcome)
      violated("I4", "the branches of " + to_string(gid.tx) + " ended differently: " +
                         gid.participant + " " + std::string(to_string(*ended.outcome)) + ", " +
                         name + " " + std::string(to_string(*other.outcome)));
  if (!history.void_commit && history.commit && ended.outcome == Outcome::aborted)
    violated("I4", gid.participant + " rolled back its branch of " + to_string(gid.tx) +
                       ", which is committed");
  if (!history.commit && ended.outcome == Outcome::committed)
    violated("I4", gid.participant + " committed its branch of " + to_string(gid.tx) +
                       ", which is not committed");
}

void Observer::branch_lost(const Gid& gid) {
  Branch& branch = of(gid);
  branch.prepared = false;
  branch.excused = true;
}

void Observer::database_put_back(const std::string& name, const std::map<Gid, Xid>& prepared,
                                 const std::map<Gid, Outcome>& ended) {
  marks_.erase(name);
  for (auto& [tx, history] : histories_) {
    const auto found = history.branches.find(name);
    if (found == history.branches.end()) continue;
    Branch& branch = found->second;
    branch.excused = branch.put_back = true;
    branch.prepared = branch.again = false;
    if (branch.outcome) branch.undone = std::exchange(branch.outcome, std::nullopt);
  }
  for (const auto& [gid, xid] : prepared) {
    of(gid).prepared = true;
    of(gid).prepared_xid = xid;
  }
  for (const auto& [gid, outcome] : ended) of(gid).outcome = outcome;
}

std::string Observer::memory() const {
  std::string text = "Observer";
  const auto flag = [&text](bool set, const char* name) {
    if (set) text += std::string(" ") + name;
  };
  for (const auto& [tx, history] : histories_) {
    text += "\n  " + to_string(tx);
    flag(history.commit.has_value(), "commit");
    flag(history.void_commit, "void_commit");
    flag(history.was_lost, "was_lost");
    flag(history.aborted.has_value(), "aborted");
    flag(history.told_committed, "told_committed");
    flag(history.ended, "ended");
    flag(history.resolved, "resolved");
    if (history.resolution) text += " resolution=" + std::string(to_string(*history.resolution));
    if (history.resolving)
      text += " resolving=" + std::string(to_string(history.resolving->outcome)) + '/' +
              std::to_string(history.resolving->epoch);
    for (const std::string& name : history.acknowledged) text += " acknowledged=" + name;
    if (history.commit)
      for (const DecidedBranch& decided : history.commit->branches)
        text += "\n  " + to_string(tx) + " decided " + decided.participant;
    for (const auto& [name, branch] : history.branches) {
      text += "\n  " + to_string(tx) + ' ' + name;
      flag(branch.asked, "asked");
      if (branch.ask != 0) text += " ask=" + std::to_string(branch.ask);
      if (branch.voted) text += " voted=" + std::string(to_string(*branch.voted));
      flag(branch.promised, "promised");
      flag(branch.told_commit, "told_commit");
      flag(branch.told_abort, "told_abort");
      flag(branch.told_since, "told_since");
      flag(branch.knows_nothing, "knows_nothing");
      flag(branch.prepared, "prepared");
      if (branch.outcome) text += ' ' + std::string(to_string(*branch.outcome));
      flag(branch.again, "again");
      if (branch.prepared_xid != 0 && branch.prepared_xid != branch.promised_xid)
        text += " xids=" + std::to_string(branch.prepared_xid) + '/' +
                std::to_string(branch.promised_xid);
      flag(branch.by_hand, "by_hand");
      flag(branch.unseen, "unseen");
      flag(branch.excused, "excused");
      flag(branch.put_back, "put_back");
      if (branch.undone) text += " undone=" + std::string(to_string(*branch.undone));
      flag(branch.damage_written, "damage_written");
      flag(branch.recorded, "recorded");
    }
  }
  for (const auto& [name, marks] : marks_)
    for (const auto& [ledger, mark] : marks)
      text += "\n  mark of " + name + ' ' + to_string(ledger) + ' ' + std::to_string(mark.epoch) +
              ' ' + to_string(mark.life) + ' ' + std::to_string(mark.sequence);
  return text;
}

namespace {

bool is_named(const CommitRecord& commit, const std::string& participant) {
  return std::any_of(commit.branches.begin(), commit.branches.end(),
                     [&](const DecidedBranch& each) { return each.participant == participant; });
}

}  // namespace

void Observer::at_rest(const CoordinatorMachine& coordinator) {
  for (const auto& [tx, history] : histories_) {
    if (history.resolved) {
      resolved_at_rest(tx, coordinator);
      continue;
    }
    const bool committed = history.commit && !history.void_commit;
    for (const auto& [name, branch] : history.branches) {
      if (committed && branch.voted == Verdict::yes && !branch.excused && !branch.by_hand &&
          branch.outcome != Outcome::committed)
        violated("I10",
                 to_string(tx) + " is committed, but never was at " + name + ", which voted yes");
      const bool the_other_way =
          branch.by_hand && branch.outcome &&
          branch.outcome != (committed ? Outcome::committed : Outcome::aborted);
      if (!the_other_way || branch.excused || history.void_commit) continue;
      const Transaction* known = coordinator.find(tx);
      const TxBranch* shown = known ? known->branch(name) : nullptr;
      const bool reported = shown && (shown->phase == BranchPhase::heuristic ||
                                      shown->phase == BranchPhase::unproven);
      // Of an abort that was presumed, PostgreSQL alone may know, and of a branch that only a lost
      // record named (P36); what was recorded stays shown.
      const bool known_to_be_committed =
          committed && (!history.was_lost || is_named(*history.commit, name));
      if (!reported && (known_to_be_committed || branch.recorded))
        violated("I4", "the branch of " + to_string(tx) + " at " + name + " was " +
                           std::string(to_string(*branch.outcome)) +
                           " by hand against the decision, and nobody is told");
    }
  }
}

}  // namespace assent
