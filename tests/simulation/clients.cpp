#include "tests/simulation/clients.hpp"

#include <algorithm>
#include <utility>

namespace assent::simulation {

Clients::Clients(World& world, Network& network, std::vector<std::string> participants, int rows)
    : world_(world), network_(network), participants_(std::move(participants)), rows_(rows) {}

void Clients::start(std::uint64_t seed, unsigned transactions, Micros within) {
  for (unsigned i = 0; i < transactions; ++i) {
    ++started_;
    auto job = std::make_shared<Job>();
    // Each from numbers of its own: the same also where there are fewer of them.
    Random random(seed + i);
    job->work = draw_work(random);
    job->timeout = Duration(random.between(200, 6'000));
    if (random.percent(40)) job->wait_for = WaitFor::decided;
    if (random.percent(60)) {
      job->key.emplace();
      for (auto& byte : job->key->key) byte = static_cast<std::uint8_t>(random.next());
    }
    const bool interactive = random.percent(35);
    if (interactive)
      for (const auto& [participant, ops] : job->work)
        for (const Op& op : ops) job->statements.emplace_back(participant, op);
    const Micros when(random.between(0, within.count()));
    const bool external = !interactive && random.percent(25);
    world_.scheduler.after(when, [this, job, interactive, external] {
      if (external) return open_external(job);
      interactive ? open(job) : one_shot(job);
    });
  }
}

// Money moves between rows of some participants; some only read, a few fail or dawdle.
std::map<std::string, std::vector<Op>> Clients::draw_work(Random& random) {
  std::map<std::string, std::vector<Op>> work;
  const auto branches = random.percent(15) ? 1 : random.between(2, 4);
  const bool only_reads = random.percent(8);
  std::int64_t moved = 0;
  std::string last_writer;
  for (std::int64_t i = 0; i < branches; ++i) {
    const std::string& participant = random.pick(participants_);
    if (work.count(participant)) continue;
    std::vector<Op>& ops = work[participant];
    const bool reads = only_reads || random.percent(12);
    if (reads && random.percent(40)) ops.push_back({Op::Kind::declare, 0, 0});
    for (auto left = random.between(1, 3); left > 0; --left) {
      Op op;
      op.row = static_cast<int>(random.below(static_cast<std::uint64_t>(rows_)));
      if (!reads) {
        op.kind = Op::Kind::write;
        op.amount = random.between(-20, 20);
        moved += op.amount;
        last_writer = participant;
      }
      ops.push_back(op);
    }
    if (random.percent(3)) ops.push_back({Op::Kind::fail, 0, 0});
    if (random.percent(3)) ops.push_back({Op::Kind::refuse, 0, 0});
    if (random.percent(10)) ops.push_back({Op::Kind::slow, 0, random.between(1, 900)});
  }
  if (!last_writer.empty()) work[last_writer].front().amount -= moved;
  return work;
}

TxId Clients::register_tx(const Job& job, CoordinatorHost& host) {
  const TxId tx = host.new_tx();
  world_.trace.name(tx.uuid, "T" + std::to_string(++named_));
  known_.push_back(tx);
  Effects& effects = effects_[tx];
  std::map<std::string, bool> writes;
  for (const auto& [participant, ops] : job.work)
    for (const Op& op : ops) {
      if (op.kind == Op::Kind::write) effects[participant][op.row] += op.amount;
      writes[participant] = writes[participant] || op.kind == Op::Kind::write;
      if (op.kind == Op::Kind::fail) hopeless_.insert(tx);
    }
  for (const auto& [participant, ops] : job.work)
    for (const Op& op : ops)
      if (op.kind == Op::Kind::refuse && writes[participant]) hopeless_.insert(tx);
  if (job.key) keys_[job.key->key].insert(tx);
  return tx;
}

CoordinatorHost* Clients::coordinator() {
  std::vector<CoordinatorHost*> alive;
  for (CoordinatorHost* each : network_.coordinators)
    if (each->running()) alive.push_back(each);
  return alive.empty() ? nullptr : world_.random.pick(alive);
}

void Clients::finish(const JobPtr& job) {
  if (!std::exchange(job->finished, true)) ++finished_;
}

void Clients::retry(const JobPtr& job, void (Clients::*step)(const JobPtr&)) {
  if (++job->attempts > 12) return finish(job);
  again(job, step);
}

void Clients::again(const JobPtr& job, void (Clients::*step)(const JobPtr&)) {
  world_.scheduler.after(Micros(world_.random.between(5'000, 800'000)),
                         [this, job, step] { (this->*step)(job); });
}

// ---- one-shot
// --------------------------------------------------------------------------------------

void Clients::one_shot(const JobPtr& job) {
  CoordinatorHost* host = coordinator();
  if (!host) return again(job, &Clients::one_shot);
  Begin begin;
  begin.mode = Mode::one_shot;
  begin.timeout = job->timeout;
  begin.wait_for = job->wait_for;
  begin.key = job->key;
  for (const auto& [participant, ops] : job->work)
    begin.branches.push_back({participant, encode(ops)});
  begin.tx = job->tx = register_tx(*job, *host);
  // An impatient client sends the same request again while the first one runs.
  if (job->key && world_.random.percent(10)) {
    Begin again = begin;
    again.tx = register_tx(*job, *host);
    ask(job, again, [](const std::optional<Reply>&) {});
  }
  // Another request under the same key is refused, or runs because the first one has not.
  if (job->key && world_.random.percent(4)) {
    Begin other = begin;
    ++other.key->body[0];
    other.tx = register_tx(*job, *host);
    ask(job, other, [](const std::optional<Reply>&) {});
  }
  ask(job, begin,
      [this, job](const std::optional<Reply>& reply) { one_shot_answered(job, reply); });
}

void Clients::one_shot_answered(const JobPtr& job, const std::optional<Reply>& reply) {
  if (reply && reply->fate == Fate::committed) return finish(job);
  const bool known = reply && (reply->fate == Fate::aborted || reply->fate == Fate::none);
  if (known && world_.random.percent(60)) return finish(job);
  if (job->key) return retry(job, &Clients::one_shot);
  if (known) return finish(job);
  retry(job, &Clients::look);
}

// Asks what has become of a transaction, as one does who got no answer.
void Clients::look(const JobPtr& job) {
  CoordinatorHost* host = coordinator();
  if (!host || host->paused()) return retry(job, &Clients::look);
  if (host->fate_of(job->tx) == Fate::unknown) return retry(job, &Clients::look);
  finish(job);
}

// ---- interactive
// -----------------------------------------------------------------------------------

void Clients::open(const JobPtr& job) {
  CoordinatorHost* host = coordinator();
  if (!host) return again(job, &Clients::open);
  Begin begin;
  begin.mode = Mode::interactive;
  begin.timeout = job->timeout * 2;
  begin.idle_timeout = Duration(2'000);
  begin.key = std::exchange(job->key, std::nullopt);  // sessions are opened again without one
  begin.tx = job->tx = register_tx(*job, *host);
  ask(job, begin, [this, job](const std::optional<Reply>& reply) {
    if (!reply || reply->failure) return finish(job);
    next_statement(job);
  });
}

void Clients::next_statement(const JobPtr& job) {
  if (world_.random.percent(2)) return finish(job);  // gone in the middle
  if (job->next == job->statements.size()) return end_session(job);
  const auto& [participant, op] = job->statements[job->next++];
  ExecuteAsked execute;
  execute.tx = job->tx;
  execute.participant = participant;
  execute.seq = static_cast<std::uint32_t>(job->next);
  execute.work = encode({op});
  if (world_.random.percent(5)) ask(job, execute, [](const std::optional<Reply>&) {});
  ask(job, execute, [this, job](const std::optional<Reply>& reply) {
    if (!reply || reply->failure) return retry(job, &Clients::look);
    world_.scheduler.after(world_.latency(100, 400'000), [this, job] { next_statement(job); });
  });
}

void Clients::end_session(const JobPtr& job) {
  const auto told = [this, job](const std::optional<Reply>& reply) {
    if (!reply || reply->fate == Fate::unknown) return retry(job, &Clients::look);
    finish(job);
  };
  const RollbackAsked rollback{0, job->tx};
  if (world_.random.percent(8)) return ask(job, rollback, told);
  const CommitAsked commit{0, job->tx, job->wait_for};
  if (world_.random.percent(5)) ask(job, rollback, [](const std::optional<Reply>&) {});
  ask(job, commit, told);
  if (world_.random.percent(5))
    for (auto more = world_.random.between(1, 20); more > 0; --more)
      ask(job, commit, [](const std::optional<Reply>&) {});
}

}  // namespace assent::simulation
