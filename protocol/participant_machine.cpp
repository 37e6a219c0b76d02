#include "protocol/participant_machine.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/participant_step.hpp"

namespace assent {

using LinkState = ParticipantMachine::LinkState;

ParticipantMachine::ParticipantMachine(std::string name, ParticipantLimits limits)
    : name_(std::move(name)), limits_(limits) {}

void ParticipantMachine::step(const ParticipantEvent& event, Now now,
                              std::vector<ParticipantAction>& out) {
  ParticipantStep step{*this, now, out};
  std::visit([&step](const auto& each) { step.on(each); }, event);
}

std::optional<Instant> ParticipantMachine::wake_at() const {
  std::optional<Instant> at;
  const auto sooner = [&at](Instant candidate) {
    if (!at || candidate < *at) at = candidate;
  };
  if (!timers_.empty()) sooner(timers_.begin()->first);
  if (database_up_ && !listing_) sooner(sweep_at_);
  if (database_up_ && !writing_ && !(journal_.empty() && up_to_.empty())) sooner(journal_at_);
  return at;
}

bool ParticipantMachine::idle() const {
  return branches_.empty() && journal_.empty() && up_to_.empty() && !writing_ && !listing_;
}

// ---- shared
// ----------------------------------------------------------------------------------------

bool ParticipantStep::may_speak_of(const Gid& gid) const {
  return link_ready() && gid.ledger == m.coordinator_.ledger && gid.epoch <= m.coordinator_.epoch &&
         gid.participant == m.name_;
}

Branch* ParticipantStep::find(const Gid& gid) {
  const auto found = m.branches_.find(gid);
  return found == m.branches_.end() ? nullptr : &found->second;
}

const EndedBranch* ParticipantStep::find_ended(const Gid& gid) const {
  const auto found = m.ended_index_.find(gid);
  return found == m.ended_index_.end() ? nullptr : &m.ended_[found->second - m.ended_first_];
}

Branch& ParticipantStep::add(const Gid& gid, BranchState state) {
  Branch& branch = m.branches_[gid];
  branch.gid = gid;
  enter(branch, state);
  return branch;
}

void ParticipantStep::enter(Branch& branch, BranchState state) {
  branch.state = state;
  branch.since = now.steady;
}

void ParticipantStep::set_retry(Branch& branch, Instant at) {
  m.timers_.erase({branch.retry_at, branch.gid});
  branch.retry_at = at;
  if (at != Instant{}) m.timers_.insert({at, branch.gid});
}

void ParticipantStep::send(ToCoordinator message) {
  out.push_back(SendToCoordinator{std::move(message)});
}

// ---- link
// ------------------------------------------------------------------------------------------

void ParticipantStep::on(const LinkOpened&) {
  m.link_ = LinkState::waiting;
  if (m.database_up_) greet();
}

void ParticipantStep::greet() {
  m.link_ = LinkState::greeting;
  Hello hello{m.name_, m.server_, {}, m.next_xid_};
  for (const auto& [ledger, mark] : m.marks_) hello.marks.push_back(mark);
  send(std::move(hello));
}

void ParticipantStep::on(const LinkClosed&) {
  link_lost();
}

void ParticipantStep::close_link(std::string reason) {
  if (m.link_ == LinkState::down) return;
  out.push_back(CloseLink{std::move(reason)});
  link_lost();
}

// The coordinator aborts what has not voted, so nobody wants those branches any more. What has
// voted waits.
void ParticipantStep::link_lost() {
  m.link_ = LinkState::down;
  for (auto& [gid, branch] : m.branches_) {
    if (branch.state == BranchState::working) drop(branch);
    const bool unvoted =
        branch.state == BranchState::preparing || branch.state == BranchState::settling;
    if (!unvoted || branch.unwanted) continue;
    branch.unwanted = true;
    if (branch.state == BranchState::preparing) out.push_back(CancelPrepare{gid});
  }
}

void ParticipantStep::on(const FromCoordinator& event) {
  std::visit([this](const auto& message) { received(message); }, event.message);
}

// I7: whoever has not the highest epoch seen here is not obeyed, and the epoch is made durable
// before anything is done for it.
void ParticipantStep::received(const Welcome& message) {
  if (m.link_ != LinkState::greeting) return;
  const auto seen = m.marks_.find(message.ledger);
  if (seen != m.marks_.end() &&
      (seen->second.epoch > message.epoch ||
       (seen->second.epoch == message.epoch && seen->second.life != message.life)))
    return close_link("the coordinator has epoch " + std::to_string(message.epoch) +
                      " of its ledger; epoch " + std::to_string(seen->second.epoch) +
                      " was seen here already");
  m.coordinator_ = message;
  m.link_ = LinkState::raising;
  out.push_back(RaiseMark{Mark{message.ledger, message.epoch, message.life, 0}});
}

void ParticipantStep::on(const MarkRaised& event) {
  const Mark& mark = event.mark;
  Mark& known = m.marks_[mark.ledger];
  const bool raised = known.epoch < mark.epoch;
  // The answer to an earlier raise may come last: a mark never goes down.
  if (known.epoch <= mark.epoch) known = mark;
  m.journalled_[mark.ledger] = std::max(m.journalled_[mark.ledger], mark.sequence);
  // A raise is a synced commit after everything journalled so far; one that found its epoch there
  // wrote nothing.
  if (raised) m.durable_[mark.ledger] = std::max(m.durable_[mark.ledger], mark.sequence);
  if (m.link_ != LinkState::raising || mark.ledger != m.coordinator_.ledger) return;
  if (mark.epoch < m.coordinator_.epoch) return;  // of an earlier link; this one's is on its way
  if (mark.epoch != m.coordinator_.epoch || mark.life != m.coordinator_.life)
    return close_link("the database has seen epoch " + std::to_string(mark.epoch) +
                      " of this ledger; the coordinator has " +
                      std::to_string(m.coordinator_.epoch));
  m.link_ = LinkState::ready;
  Ready ready{mark, m.server_, {}};
  for (auto& [gid, branch] : m.branches_) {
    if (branch.state != BranchState::prepared || gid.ledger != mark.ledger) continue;
    if (branch.missing) continue;  // a failover lost it, or somebody ended it by hand
    ready.held.push_back({gid, branch.xid, branch.peers});
    set_retry(branch, now.steady + m.limits_.inquiry_interval);
  }
  send(std::move(ready));
}

void ParticipantStep::on(const MarkFailed& event) {
  if (m.link_ == LinkState::raising && event.ledger == m.coordinator_.ledger)
    close_link("the epoch could not be made durable in the database: " + event.message);
}

// ---- database
// --------------------------------------------------------------------------------------

void ParticipantStep::on(const DatabaseUp& event) {
  if (m.link_ != LinkState::down && m.link_ != LinkState::waiting)
    close_link("the database was connected anew; greeting again with what it holds now");
  m.database_up_ = true;
  m.server_ = event.server;
  const auto seen = std::exchange(m.marks_, {});
  m.journalled_.clear();
  for (const Mark& mark : event.marks) {
    m.marks_[mark.ledger] = mark;
    m.journalled_[mark.ledger] = mark.sequence;
  }
  // A database that was put back may have forgotten an epoch; this process has not (I7).
  for (const auto& [ledger, mark] : seen) {
    Mark& known = m.marks_[ledger];
    if (known.epoch < mark.epoch) known = {ledger, mark.epoch, mark.life, known.sequence};
  }
  for (auto& [ledger, durable] : m.durable_) {  // … nor does its word hold what was durable
    const auto mark = m.marks_.find(ledger);
    durable = mark == m.marks_.end() ? 0 : std::min(durable, mark->second.sequence);
  }
  m.next_xid_ = event.next_xid;
  disown_later_xids();
  m.listing_ = false;
  m.ended_while_listing_.clear();
  m.sweep_at_ = now.steady + m.limits_.sweep_interval;
  for (const HeldBranch& held : event.held) take_held(held);
  miss_unlisted(event.held, Instant::max());
  for (const ToldCommit& told : event.told) go_on(told);
  for (auto& [gid, branch] : m.branches_)
    if (!branch.busy && branch.retry_at != Instant{} && branch.state != BranchState::prepared)
      set_retry(branch, now.steady);
  if (m.link_ == LinkState::waiting) greet();
}

// The database was put back if it has yet to give out an id that a branch has. Whoever gets that id
// next is somebody else, and its status no witness.
void ParticipantStep::disown_later_xids() {
  if (m.next_xid_ == 0) return;
  for (auto& [gid, branch] : m.branches_) {
    if (branch.xid >= m.next_xid_) branch.server = ServerIdentity{};
    if (branch.voted_xid >= m.next_xid_) branch.voted_server = ServerIdentity{};
  }
}

// However it was heard of: the next Hello names a later id, or the database would be taken for put
// back.
void ParticipantStep::was_given_out(Xid xid) {
  if (m.next_xid_ != 0) m.next_xid_ = std::max(m.next_xid_, xid + 1);
}

// It was being committed when this process' predecessor ended, or another has been prepared under
// its gid since it was. A decision never changes (I3).
void ParticipantStep::go_on(const ToldCommit& told) {
  Branch* branch = find(told.gid);
  if (!branch || branch->state != BranchState::prepared || branch->decided) return;
  if (is_another(*branch, told.xid)) return disown(*branch, told.xid, told.sequence);
  branch->decided = Outcome::committed;
  branch->sequence = told.sequence;
  finish_prepared(*branch, Outcome::committed);
}

// Without its database a participant can promise nothing: the coordinator sees it as away.
void ParticipantStep::on(const DatabaseDown& event) {
  m.database_up_ = false;
  close_link("the database is away: " + event.reason);
}

// A branch that is prepared and that nobody here works on: in doubt.
void ParticipantStep::take_held(const HeldBranch& held) {
  if (held.gid.participant != m.name_) return;
  was_given_out(held.xid);
  if (Branch* known = find(held.gid)) {
    known->missing = false;
    heed_another_xid(*known, held.xid);
    return;
  }
  Branch& branch = add(held.gid, BranchState::prepared);
  branch.xid = held.xid;
  branch.server = m.server_;
  branch.peers = held.peers;
  set_retry(branch, now.steady);
  const EndedBranch* ended = find_ended(held.gid);
  const bool committed = ended && ended->knowledge == Knowledge::committed && ended->sequence != 0;
  if (committed && is_another(branch, ended->xid)) disown(branch, ended->xid, ended->sequence);
}

// What is in doubt since before the list was asked for must be on it: a failover lost it, or
// somebody ended it by hand. Only the decision can tell which way it should have ended, so it
// stays.
void ParticipantStep::miss_unlisted(const std::vector<HeldBranch>& held, Instant prepared_before) {
  std::set<Gid> listed;
  for (const HeldBranch& each : held) listed.insert(each.gid);
  for (auto& [gid, branch] : m.branches_) {
    if (branch.state != BranchState::prepared || branch.missing) continue;
    if (branch.since >= prepared_before || listed.count(gid)) continue;
    branch.missing = true;
    out.push_back(Alarm{gid,
                        "the branch is in doubt but the database no longer holds it: ended by hand "
                        "or lost; its outcome is proved when the decision comes"});
  }
}

// P − A: what is listed, less what this machine works on or has ended since the list was asked for.
void ParticipantStep::on(const ListDone& event) {
  if (!m.listing_) return;  // of before the database was away
  m.listing_ = false;
  m.sweep_at_ = now.steady + m.limits_.sweep_interval;
  for (const HeldBranch& held : event.held)
    if (!m.ended_while_listing_.count(held.gid)) take_held(held);
  miss_unlisted(event.held, m.listing_at_);
  for (const ToldCommit& told : event.told) go_on(told);
  m.ended_while_listing_.clear();
}

void ParticipantStep::on(const ListFailed&) {
  m.listing_ = false;
  m.sweep_at_ = now.steady + m.limits_.sweep_interval;
}

// ---- time
// ------------------------------------------------------------------------------------------

void ParticipantStep::on(const ParticipantTick&) {
  while (!m.timers_.empty() && m.timers_.begin()->first <= now.steady) {
    Branch& branch = m.branches_.at(m.timers_.begin()->second);
    set_retry(branch, Instant{});
    due(branch);
  }
  if (!m.database_up_) return;
  if (!m.listing_ && m.sweep_at_ <= now.steady) {
    m.listing_ = true;
    m.listing_at_ = now.steady;
    m.ended_while_listing_.clear();
    out.push_back(ListPrepared{});
  }
  if (m.journal_at_ <= now.steady) write_journal();
}

// ---- journal
// ---------------------------------------------------------------------------------------

namespace {

void raise(Sequence& known, Sequence to) {
  known = std::max(known, to);
}

}  // namespace

// The first thing to be written waits for others: a batch has one transaction.
void ParticipantStep::journal_soon() {
  if (m.journal_.empty() && m.up_to_.empty())
    m.journal_at_ = now.steady + m.limits_.journal_interval;
}

void ParticipantStep::write_journal() {
  if (m.writing_ || !m.database_up_ || (m.journal_.empty() && m.up_to_.empty())) return;
  const auto count = std::min(m.journal_.size(), m.limits_.journal_batch);
  const auto last = m.journal_.begin() + static_cast<std::ptrdiff_t>(count);
  m.journal_flying_.assign(std::make_move_iterator(m.journal_.begin()),
                           std::make_move_iterator(last));
  m.journal_.erase(m.journal_.begin(), last);
  m.up_to_flying_ = std::exchange(m.up_to_, {});
  m.writing_ = true;
  out.push_back(WriteJournal{++m.journal_batch_, m.journal_flying_, m.up_to_flying_});
}

void ParticipantStep::on(const JournalWritten& event) {
  if (event.batch != m.journal_batch_) return;
  auto flying = std::exchange(m.journal_flying_, {});
  auto up_to = std::exchange(m.up_to_flying_, {});
  m.writing_ = false;
  m.journal_at_ = now.steady + m.limits_.journal_interval;
  if (!event.ok) {
    m.journal_.insert(m.journal_.begin(), flying.begin(), flying.end());
    for (const auto& [ledger, sequence] : up_to) raise(m.up_to_[ledger], sequence);
    return;
  }
  for (const JournalLine& line : flying) raise(up_to[line.gid.ledger], line.sequence);
  for (const auto& [ledger, sequence] : up_to) {
    raise(m.journalled_[ledger], sequence);
    const auto mark = m.marks_.find(ledger);
    if (mark != m.marks_.end()) raise(mark->second.sequence, m.journalled_[ledger]);
  }
}

}  // namespace assent
