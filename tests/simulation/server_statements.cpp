// What a server does for an open transaction, up to PREPARE: statements, row locks, time-outs.
#include <algorithm>
#include <sstream>
#include <utility>

#include "tests/simulation/server.hpp"

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
  data_.prepared[gid] = {backend.xid, backend.deltas, world_.now()};
  const Done done = std::move(backend.done);
  backends_.erase(gid);  // the locks stay, under the same name
  sync();
  data_.prepared_last.push_back(gid);
  world_.observer.branch_prepared(gid, result.xid);
  if (done) done(result);
}

bool Server::held_before(const Gid& gid, Instant time) const {
  const auto found = data_.prepared.find(gid);
  return found != data_.prepared.end() && found->second.since < time;
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

}  // namespace assent::simulation
