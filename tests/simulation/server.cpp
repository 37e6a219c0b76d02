#include "tests/simulation/server.hpp"

#include <algorithm>
#include <utility>

namespace assent::simulation {

Server::Server(World& world, std::string participant, int rows)
    : world_(world), participant_(std::move(participant)) {
  data_.identity = {world.random.next() >> 8, 1, "shop"};
  for (int row = 0; row < rows; ++row) data_.rows[row] = kInitial;
  background_sync();
}

// ---- phase two
// -------------------------------------------------------------------------------------

bool Server::tell(const FinishPrepared& verb) {
  if (full) return false;
  if (data_.told.emplace(verb.gid, verb).second) data_.unsynced_told.push_back(verb.gid);
  return true;
}

FinishDone::Result Server::finish(const Gid& gid, Outcome outcome, EndedBy by) {
  if (foreign_.count(gid))
    world_.observer.report({"P4", to_string(gid) + " is another ledger's, and is ended"});
  if (denies && by == EndedBy::participant) return FinishDone::Result::denied;
  if (full && by == EndedBy::participant) return FinishDone::Result::again;
  const auto found = data_.prepared.find(gid);
  if (found == data_.prepared.end()) return FinishDone::Result::no_such_gid;
  const Held held = std::move(found->second);
  data_.prepared.erase(found);
  const bool committed = outcome == Outcome::committed;
  if (committed)
    for (const auto& [row, delta] : held.deltas) data_.rows[row] += delta;
  data_.status[held.xid] = committed ? StatusRead::Status::committed : StatusRead::Status::aborted;
  data_.ended[gid] = outcome;
  sync();
  release_locks(gid);
  world_.observer.branch_ended(gid, outcome, by);
  return FinishDone::Result::done;
}

StatusRead::Status Server::status(const Gid& gid, Xid xid, const ServerIdentity& server) const {
  using Status = StatusRead::Status;
  if (server != data_.identity) return Status::unknown;
  const auto found = data_.status.find(xid);
  if (found == data_.status.end()) return Status::unknown;
  const bool anothers = found->second == Status::in_progress && !holds(gid);
  return anothers ? Status::unknown : found->second;
}

std::vector<HeldBranch> Server::list() const {
  std::vector<HeldBranch> held;
  for (const auto& [gid, branch] : data_.prepared) held.push_back({gid, branch.xid, {}});
  return held;
}

std::vector<Gid> Server::held_gids(const LedgerId& ledger) const {
  std::vector<Gid> gids;
  for (const auto& [gid, branch] : data_.prepared)
    if (gid.ledger == ledger) gids.push_back(gid);
  return gids;
}

std::vector<Mark> Server::marks() const {
  std::vector<Mark> marks;
  for (const auto& [ledger, mark] : data_.marks) marks.push_back(mark);
  return marks;
}

std::vector<ToldCommit> Server::told() const {
  std::vector<ToldCommit> told;
  for (const auto& [gid, line] : data_.told)
    if (holds(gid) && !data_.journal.count(gid)) told.push_back({gid, line.sequence, line.xid});
  return told;
}

Mark Server::raise(const Mark& mark) {
  Mark& known = data_.marks[mark.ledger];
  const Sequence sequence = known.sequence;
  if (mark.epoch > known.epoch) {
    known = mark;
    known.sequence = std::max(sequence, mark.sequence);
  }
  sync();
  world_.observer.mark_raised(participant_, known);
  return known;
}

void Server::journal(const WriteJournal& verb) {
  const auto raise = [this](const LedgerId& ledger, Sequence sequence) {
    const auto mark = data_.marks.find(ledger);
    if (mark != data_.marks.end())
      mark->second.sequence = std::max(mark->second.sequence, sequence);
  };
  for (const JournalLine& line : verb.lines) {
    if (data_.journal.emplace(line.gid, line).second) data_.unsynced.push_back(line.gid);
    raise(line.gid.ledger, line.sequence);
  }
  for (const auto& [ledger, sequence] : verb.up_to) raise(ledger, sequence);
}

JournalRead Server::read_journal(const Gid& gid) const {
  JournalRead read{gid, Knowledge::nothing, 0, true, Application::applied};
  const auto found = data_.journal.find(gid);
  if (found == data_.journal.end()) {
    const auto told = data_.told.find(gid);
    if (told == data_.told.end()) return read;
    read.knowledge = Knowledge::committed;
    read.sequence = told->second.sequence;
    read.told = true;
    read.xid = told->second.xid;
    return read;
  }
  read.knowledge =
      found->second.outcome == Outcome::committed ? Knowledge::committed : Knowledge::aborted;
  read.sequence = found->second.sequence;
  read.application = found->second.application;
  return read;
}

void Server::sync() {
  data_.unsynced.clear();
  data_.unsynced_told.clear();
  data_.durable_marks = data_.marks;
  data_.prepared_last.clear();
}

void Server::lose_unsynced() {
  for (const Gid& gid : data_.unsynced) data_.journal.erase(gid);
  for (const Gid& gid : data_.unsynced_told) data_.told.erase(gid);
  data_.unsynced.clear();
  data_.unsynced_told.clear();
  data_.marks = data_.durable_marks;
}

// The server writes its log out every now and then even when nobody asks for it.
void Server::background_sync() {
  world_.scheduler.after(Micros(600'000), [this] {
    data_.unsynced.clear();
    data_.unsynced_told.clear();
    data_.durable_marks = data_.marks;
    background_sync();
  });
}

// ---- connections
// -----------------------------------------------------------------------------------

Connection Server::connect() {
  if (std::exchange(others_return_, false))
    world_.scheduler.after(world_.latency(100, 20'000), [this] { work_for_others(true); });
  return ++last_connection_;
}

void Server::later(Connection connection, Micros delay, std::function<void()> what) {
  const auto id = ++last_late_;
  late_[id] = {connection, std::move(what)};
  if (std::exchange(crash_when_busy, false))
    world_.scheduler.after(Micros(world_.random.between(0, delay.count())), [this] { crash(); });
  world_.scheduler.after(delay, [this, id] { run_late(id); });
}

void Server::run_late(std::uint64_t id) {
  const auto found = late_.find(id);
  if (found == late_.end()) return;
  if (hung()) return world_.scheduler.at(hung_until_, [this, id] { run_late(id); });
  const auto run = std::move(found->second.what);
  late_.erase(found);
  run();
}

void Server::abandon(Connection connection) {
  std::vector<Gid> theirs;
  for (auto& [gid, backend] : backends_) {
    if (backend.connection != connection) continue;
    backend.done = nullptr;
    theirs.push_back(gid);
  }
  for (const Gid& gid : theirs)
    world_.scheduler.after(world_.latency(100, 1'000'000),
                           [this, gid, id = backends_.at(gid).id] { abandoned(gid, id); });
}

void Server::abandoned(const Gid& gid, std::uint64_t id) {
  const auto found = backends_.find(gid);
  if (found == backends_.end() || found->second.id != id) return;
  if (hung()) return world_.scheduler.at(hung_until_, [this, gid, id] { abandoned(gid, id); });
  if (!found->second.preparing) drop(gid);
}

void Server::terminate(const Gid& gid) {
  const auto found = backends_.find(gid);
  if (found == backends_.end()) return;
  if (found->second.preparing && world_.random.percent(50)) return prepare(found->second);
  end_failed(found->second, Problem::statement_failed, "terminated (57P01)");
}

void Server::terminate_up_to(Connection connection) {
  for (const Gid& gid : [&] {
         std::vector<Gid> theirs;
         for (const auto& [gid, backend] : backends_)
           if (backend.connection <= connection) theirs.push_back(gid);
         return theirs;
       }())
    terminate(gid);
  std::vector<std::function<void()>> run;
  for (auto late = late_.begin(); late != late_.end();) {
    if (late->second.connection > connection) {
      ++late;
      continue;
    }
    if (world_.random.percent(50)) run.push_back(std::move(late->second.what));
    late = late_.erase(late);
  }
  for (const auto& what : run) what();
}

// ---- what befalls it
// -------------------------------------------------------------------------------

void Server::crash() {
  if (!up_) return;
  up_ = false;
  hung_until_ = Instant{};
  ++life_;
  backends_.clear();
  late_.clear();
  recover();
  if (on_crash) on_crash();
}

// What a start finds on the disk: what was neither committed nor prepared is aborted.
void Server::recover() {
  lose_unsynced();
  lock_owner_.clear();
  lock_queue_.clear();
  for (auto& [xid, status] : data_.status)
    if (status == StatusRead::Status::in_progress) status = StatusRead::Status::aborted;
  for (const auto& [gid, held] : data_.prepared) {
    data_.status[held.xid] = StatusRead::Status::in_progress;
    for (const auto& [row, delta] : held.deltas) lock_owner_[row] = gid;
  }
}

// After it was put back, others may be there before the participant. That one of them commits under
// the id of a branch is what P43 does not promise to find.
void Server::start() {
  up_ = true;
  if (others_return_ && world_.random.percent(20)) work_for_others(false);
}

void Server::fail_over() {
  crash();
  ++data_.identity.timeline;
  const auto last = data_.prepared_last.size();
  const auto lost = last == 0 ? 0 : 1 + world_.random.below(last);
  for (std::size_t i = 0; i < lost; ++i) {
    const Gid gid = data_.prepared_last.back();
    data_.prepared_last.pop_back();
    if (!data_.prepared.count(gid)) continue;
    data_.status.erase(data_.prepared.at(gid).xid);
    data_.prepared.erase(gid);
    release_locks(gid);
    world_.observer.branch_lost(gid);
    world_.say("failover lost " + to_string(gid));
  }
  forget_last_xids();
}

// The new server does not know of the last transaction ids, and gives them out again.
void Server::forget_last_xids() {
  Xid last = 699;
  for (const auto& [xid, status] : data_.status)
    if (status != StatusRead::Status::aborted) last = std::max(last, xid);
  data_.status.erase(data_.status.upper_bound(last), data_.status.end());
  data_.next_xid = last + 1;
}

void Server::back_up() {
  backup_ = data_;
}

bool Server::outgrew_backup() const {
  return std::any_of(data_.prepared.begin(), data_.prepared.end(),
                     [this](const auto& each) { return each.second.xid >= backup_->next_xid; });
}

bool Server::put_back(bool new_timeline) {
  if (!backup_) return false;
  crash();
  const auto timeline = data_.identity.timeline;
  data_ = *backup_;
  others_return_ = true;
  if (new_timeline) data_.identity.timeline = timeline + 1;
  recover();
  std::map<Gid, Xid> prepared;
  for (const auto& [gid, held] : data_.prepared)
    if (!foreign_.count(gid)) prepared[gid] = held.xid;
  world_.put_back[participant_] = {};
  world_.observer.database_put_back(participant_, prepared, data_.ended);
  for (const Mark& mark : marks()) world_.observer.mark_raised(participant_, mark);
  return true;
}

// Whoever else uses the database takes the next ids: some for as long as he likes.
void Server::work_for_others(bool commit) {
  using Status = StatusRead::Status;
  if (!up_) return;
  const auto put_back = world_.put_back.find(participant_);
  for (auto transactions = world_.random.between(1, 8); transactions > 0; --transactions) {
    if (put_back != world_.put_back.end()) put_back->second.used_by_others.insert(data_.next_xid);
    data_.status[data_.next_xid++] = world_.random.percent(commit ? 20 : 50) ? Status::in_progress
                                     : commit && world_.random.percent(80)   ? Status::committed
                                                                             : Status::aborted;
  }
}

void Server::hang(Micros time) {
  hung_until_ = std::max(hung_until_, world_.now() + time);
}

void Server::add_foreign(const Gid& gid) {
  foreign_.insert(gid);
  data_.prepared[gid] = {data_.next_xid, {}, world_.now()};
  data_.status[data_.next_xid++] = StatusRead::Status::in_progress;
}

std::optional<Gid> Server::resolve_by_hand() {
  std::vector<Gid> held;
  for (const auto& [gid, branch] : data_.prepared)
    if (!foreign_.count(gid)) held.push_back(gid);
  if (!up_ || hung() || held.empty()) return std::nullopt;
  const Gid gid = world_.random.pick(held);
  const Outcome outcome = world_.random.percent(50) ? Outcome::committed : Outcome::aborted;
  world_.say(to_string(gid) + " is " + std::string(to_string(outcome)) + " by hand");
  finish(gid, outcome, EndedBy::hand);
  return gid;
}

}  // namespace assent::simulation
