#include "tests/simulation/server.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace assent::simulation {

Work encode(const std::vector<Op>& ops) {
  std::ostringstream text;
  for (const Op& op : ops) text << static_cast<char>(op.kind) << op.row << ' ' << op.amount << ' ';
  return Work{text.str()};
}

namespace {

std::vector<Op> decode(const Work& work) {
  std::vector<Op> ops;
  std::istringstream text(work.bytes);
  char kind = 0;
  Op op;
  while (text >> kind >> op.row >> op.amount) {
    op.kind = static_cast<Op::Kind>(kind);
    ops.push_back(op);
  }
  return ops;
}

}  // namespace

Server::Server(World& world, std::string participant, int rows)
    : world_(world), participant_(std::move(participant)) {
  data_.identity = {world.random.next() >> 8, 1, "shop"};
  for (int row = 0; row < rows; ++row) data_.rows[row] = kInitial;
  background_sync();
}

// ---- statements
// ------------------------------------------------------------------------------------

void Server::run(Connection connection, const Gid& gid, const std::optional<Work>& work,
                 bool prepare, Instant deadline, Done done) {
  if (no_connections && !backends_.count(gid)) {
    Failure failure;
    failure.problem = Problem::participant_unavailable;
    failure.message = "no connection is free (53300)";
    return done(failure);
  }
  Backend& backend = backends_[gid];
  if (backend.id == 0) {
    backend.id = ++last_backend_;
    backend.connection = connection;
    backend.gid = gid;
  }
  backend.running = true;
  backend.ops = work ? decode(*work) : std::vector<Op>{};
  if (world_.plant == Plant::work_done_twice) {
    const std::vector<Op> once = backend.ops;
    backend.ops.insert(backend.ops.end(), once.begin(), once.end());
  }
  backend.next = 0;
  backend.prepare = prepare;
  backend.deadline = deadline;
  backend.done = std::move(done);
  const auto id = backend.id;
  world_.scheduler.at(deadline, [this, gid, id] { advance(gid, id); });
  advance(gid, id);
}

void Server::advance(const Gid& gid, std::uint64_t id) {
  const auto found = backends_.find(gid);
  if (found == backends_.end() || found->second.id != id) return;
  Backend& backend = found->second;
  if (!backend.running || backend.preparing) return;
  if (hung()) return world_.scheduler.at(hung_until_, [this, gid, id] { advance(gid, id); });
  if (world_.now() >= backend.deadline)
    return end_failed(backend, Problem::deadline_exceeded, "the time is up");
  while (backend.next < backend.ops.size()) {
    const Op op = backend.ops[backend.next];
    switch (op.kind) {
      case Op::Kind::read:
        break;
      case Op::Kind::fail:
        return end_failed(backend, Problem::statement_failed, "the statement failed");
      case Op::Kind::refuse:
        backend.refused = true;
        break;
      case Op::Kind::declare:
        backend.read_only = true;
        break;
      case Op::Kind::slow:
        ++backend.next;
        return world_.scheduler.after(Micros(op.amount * 1000),
                                      [this, gid, id] { advance(gid, id); });
      case Op::Kind::write: {
        if (backend.read_only)
          return end_failed(backend, Problem::statement_failed, "it is read-only (25006)");
        if (full) return end_failed(backend, Problem::statement_failed, "no space (53100)");
        const auto owner = lock_owner_.find(op.row);
        if (owner != lock_owner_.end() && owner->second != gid)
          return wait_for_lock(backend, op.row);
        write(backend, op);
        break;
      }
    }
    ++backend.next;
  }
  if (!backend.prepare) return end_request(backend, Ok{});
  backend.preparing = true;
  const Micros takes = world_.random.percent(slow_percent) ? world_.latency(200'000, 8'000'000)
                                                           : world_.latency(50, 5'000);
  later(backend.connection, takes, [this, gid, id] {
    const auto still = backends_.find(gid);
    if (still != backends_.end() && still->second.id == id) prepare(still->second);
  });
}

void Server::wait_for_lock(Backend& backend, int row) {
  auto& queue = lock_queue_[row];
  const std::pair me(backend.gid, backend.id);
  if (std::find(queue.begin(), queue.end(), me) != queue.end()) return;
  queue.push_back(me);
  const auto unless_it_has = [this, me, wait = ++backend.waits](Problem problem, const char* why) {
    const auto found = backends_.find(me.first);
    if (found == backends_.end() || found->second.id != me.second) return;
    if (found->second.waits != wait || !waits(found->second)) return;
    if (problem == Problem::deadlock && !deadlocked(me.first)) return;
    world_.count_fault(why);
    end_failed(found->second, problem, why);
  };
  if (lock_timeout != Micros{})
    world_.scheduler.after(
        lock_timeout, [unless_it_has] { unless_it_has(Problem::lock_timeout, "lock_timeout"); });
  world_.scheduler.after(Micros(1'000'000),
                         [unless_it_has] { unless_it_has(Problem::deadlock, "deadlock"); });
}

bool Server::waits(const Backend& backend) const {
  if (!backend.running || backend.preparing || backend.next >= backend.ops.size()) return false;
  const Op& op = backend.ops[backend.next];
  const auto owner = lock_owner_.find(op.row);
  return op.kind == Op::Kind::write && owner != lock_owner_.end() && owner->second != backend.gid;
}

// Whoever it waits for waits for it, in the end.
bool Server::deadlocked(const Gid& gid) const {
  Gid at = gid;
  for (std::size_t steps = 0; steps <= backends_.size(); ++steps) {
    const auto found = backends_.find(at);
    if (found == backends_.end() || !waits(found->second)) return false;
    at = lock_owner_.at(found->second.ops[found->second.next].row);
    if (at == gid) return true;
  }
  return false;
}

void Server::write(Backend& backend, const Op& op) {
  if (backend.xid == 0) {
    backend.xid = data_.next_xid++;
    data_.status[backend.xid] = StatusRead::Status::in_progress;
  }
  lock_owner_[op.row] = backend.gid;
  backend.deltas[op.row] += op.amount;
}

void Server::end_request(Backend& backend, const WorkResult& result) {
  backend.running = false;
  backend.preparing = false;
  const Done done = std::move(backend.done);
  backend.done = nullptr;
  if (done) done(result);
}

void Server::end_failed(Backend& backend, Problem problem, const std::string& why) {
  Failure failure;
  failure.problem = problem;
  failure.participant = participant_;
  failure.message = why;
  const Done done = std::move(backend.done);
  if (backend.xid != 0) data_.status[backend.xid] = StatusRead::Status::aborted;
  remove(backend.gid);
  if (done) done(failure);
}

void Server::prepare(Backend& backend) {
  const Gid gid = backend.gid;
  if (backend.xid == 0) {
    const Done done = std::move(backend.done);
    remove(gid);
    if (done) done(ReadOnly{});
    return;
  }
  if (data_.prepared.count(gid))
    return end_failed(backend, Problem::cannot_prepare, "the gid is in use (42710)");
  if (full) return end_failed(backend, Problem::cannot_prepare, "no space (53100)");
  if (data_.prepared.size() >= slots)
    return end_failed(backend, Problem::cannot_prepare, "no slot is free (53200)");
  const Prepared result{backend.xid, backend.refused};
  data_.prepared[gid] = {backend.xid, backend.deltas};
  const Done done = std::move(backend.done);
  backends_.erase(gid);  // the locks stay, under the same name
  sync();
  data_.prepared_last.push_back(gid);
  world_.observer.branch_prepared(gid);
  if (done) done(result);
}

bool Server::is_preparing(const Gid& gid) const {
  const auto found = backends_.find(gid);
  return found != backends_.end() && found->second.preparing;
}

void Server::cancel(const Gid& gid) {
  const auto found = backends_.find(gid);
  if (found == backends_.end() || !found->second.running || found->second.preparing) return;
  end_failed(found->second, Problem::statement_failed, "cancelled (57014)");
}

void Server::drop(const Gid& gid) {
  const auto found = backends_.find(gid);
  if (found == backends_.end()) return;
  end_failed(found->second, Problem::rolled_back, "rolled back");
}

void Server::remove(Gid gid) {
  backends_.erase(gid);
  release_locks(gid);
}

void Server::release_locks(const Gid& gid) {
  for (auto lock = lock_owner_.begin(); lock != lock_owner_.end();) {
    if (lock->second != gid) {
      ++lock;
      continue;
    }
    const auto queue = lock_queue_.find(lock->first);
    if (queue != lock_queue_.end()) {
      for (const auto& waiter : queue->second)
        world_.scheduler.after(Micros(20),
                               [this, waiter] { advance(waiter.first, waiter.second); });
      lock_queue_.erase(queue);
    }
    lock = lock_owner_.erase(lock);
  }
}

// ---- phase two
// -------------------------------------------------------------------------------------

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
  sync();
  release_locks(gid);
  world_.observer.branch_ended(gid, outcome, by);
  return FinishDone::Result::done;
}

StatusRead::Status Server::status(Xid xid, const ServerIdentity& server) const {
  if (server != data_.identity) return StatusRead::Status::unknown;
  const auto found = data_.status.find(xid);
  return found == data_.status.end() ? StatusRead::Status::unknown : found->second;
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

void Server::journal(const std::vector<JournalLine>& lines) {
  for (const JournalLine& line : lines) {
    if (data_.journal.emplace(line.gid, line).second) data_.unsynced.push_back(line.gid);
    const auto mark = data_.marks.find(line.gid.ledger);
    if (mark != data_.marks.end())
      mark->second.sequence = std::max(mark->second.sequence, line.sequence);
  }
}

JournalRead Server::read_journal(const Gid& gid) const {
  JournalRead read{gid, Knowledge::nothing, 0, true, Application::applied};
  const auto found = data_.journal.find(gid);
  if (found == data_.journal.end()) return read;
  read.knowledge =
      found->second.outcome == Outcome::committed ? Knowledge::committed : Knowledge::aborted;
  read.sequence = found->second.sequence;
  read.application = found->second.application;
  return read;
}

void Server::sync() {
  data_.unsynced.clear();
  data_.durable_marks = data_.marks;
  data_.prepared_last.clear();
}

void Server::lose_unsynced() {
  for (const Gid& gid : data_.unsynced) data_.journal.erase(gid);
  data_.unsynced.clear();
  data_.marks = data_.durable_marks;
}

// The server writes its log out every now and then even when nobody asks for it.
void Server::background_sync() {
  world_.scheduler.after(Micros(600'000), [this] {
    data_.unsynced.clear();
    data_.durable_marks = data_.marks;
    background_sync();
  });
}

// ---- connections
// -----------------------------------------------------------------------------------

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

void Server::start() {
  up_ = true;
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

bool Server::put_back(bool new_timeline) {
  if (!backup_) return false;
  crash();
  const auto timeline = data_.identity.timeline;
  data_ = *backup_;
  if (new_timeline) data_.identity.timeline = timeline + 1;
  recover();
  world_.observer.database_put_back(participant_);
  for (const Mark& mark : marks()) world_.observer.mark_raised(participant_, mark);
  return true;
}

void Server::hang(Micros time) {
  hung_until_ = std::max(hung_until_, world_.now() + time);
}

void Server::add_foreign(const Gid& gid) {
  foreign_.insert(gid);
  data_.prepared[gid] = {data_.next_xid, {}};
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
