// External transactions: their applications work over connections of their own, and prepare early,
// late, never, or once more when they should not.
#include <utility>

#include "tests/simulation/clients.hpp"

namespace assent::simulation {
namespace {

// What an application prepares has written something; what fails has no expectation to fail by.
std::map<std::string, std::vector<Op>> work_of_application(
    std::map<std::string, std::vector<Op>> work) {
  for (auto& [participant, ops] : work) {
    std::erase_if(ops, [](const Op& op) {
      return op.kind == Op::Kind::refuse || op.kind == Op::Kind::declare;
    });
    for (Op& op : ops)
      if (op.kind == Op::Kind::read) op.kind = Op::Kind::write;
  }
  return work;
}

}  // namespace

void Clients::open_external(const JobPtr& job) {
  CoordinatorHost* host = coordinator();
  if (!host) return again(job, &Clients::open_external);
  job->work = work_of_application(std::move(job->work));
  Begin begin;
  begin.mode = Mode::external;
  begin.timeout = job->timeout * 3;
  begin.key = std::exchange(job->key, std::nullopt);
  for (const auto& [participant, ops] : job->work) begin.branches.push_back({participant, {}});
  begin.tx = job->tx = register_tx(*job, *host);
  ask(job, begin, [this, job, host](const std::optional<Reply>& reply) {
    const Transaction* tx =
        reply && !reply->failure && host->running() ? host->machine()->find(job->tx) : nullptr;
    if (!tx) return finish(job);
    work_outside(job, {host->machine()->ledger(), tx->epoch, job->tx, {}});
    world_.scheduler.after(world_.latency(1'000, 3'000'000), [this, job] { commit_external(job); });
  });
}

// The application knows its gids, and nothing of what becomes of the transaction meanwhile.
void Clients::work_outside(const JobPtr& job, Gid gid) {
  for (const auto& [participant, ops] : job->work) {
    if (world_.random.percent(4)) {  // it died before
      hopeless_.insert(job->tx);
      world_.count_fault("never_prepared");
      continue;
    }
    gid.participant = participant;
    const bool late = world_.random.percent(12);
    for (auto times = world_.random.percent(12) ? 2 : 1; times > 0; --times) {
      ++started_;
      const bool is_last = times == 1;
      const Micros when =
          late || !is_last ? world_.latency(100'000, 15'000'000) : world_.latency(500, 1'500'000);
      world_.scheduler.after(when, [this, gid, work = ops] { prepare_outside(gid, work, 40); });
    }
  }
}

void Clients::prepare_outside(const Gid& gid, const std::vector<Op>& ops, unsigned tries) {
  Server& server = *servers.at(gid.participant);
  if (!server.up() || server.hung()) {
    if (tries == 0) return void(++finished_);
    return world_.scheduler.after(
        Micros(300'000), [this, gid, ops, tries] { prepare_outside(gid, ops, tries - 1); });
  }
  ++finished_;
  if (server.is_taken(gid)) return;  // it waits for its own rows, and gives up
  const Instant deadline = world_.now() + Micros(5'000'000);
  server.run(Server::kApplication, gid, encode(ops), true, deadline,
             [](const Server::WorkResult&) {});
}

void Clients::commit_external(const JobPtr& job) {
  const auto told = [this, job](const std::optional<Reply>& reply) {
    const bool open = reply && reply->failure &&
                      (reply->failure->problem == Problem::branch_not_prepared ||
                       reply->failure->problem == Problem::participant_unavailable) &&
                      reply->fate == Fate::none;
    if (open && world_.random.percent(85)) return retry(job, &Clients::commit_external);
    if (open)
      return ask(job, RollbackAsked{0, job->tx},
                 [this, job](const std::optional<Reply>&) { finish(job); });
    if (!reply || reply->fate == Fate::unknown) return retry(job, &Clients::look);
    finish(job);
  };
  if (world_.random.percent(6)) return ask(job, RollbackAsked{0, job->tx}, told);
  const CommitAsked commit{0, job->tx, job->wait_for};
  if (world_.random.percent(8)) ask(job, commit, [](const std::optional<Reply>&) {});
  ask(job, commit, told);
}

}  // namespace assent::simulation
