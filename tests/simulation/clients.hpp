// Those who use the product: they run transactions of every kind, lose answers, repeat requests, go
// away in the middle, and remember what each transaction should have done.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/coordinator_host.hpp"
#include "tests/simulation/server.hpp"

namespace assent::simulation {

class Clients {
 public:
  Clients(World& world, Network& network, std::vector<std::string> participants, int rows);
  // Begins the transactions, drawn from the seed, at random moments within the time.
  void start(std::uint64_t seed, unsigned transactions, Micros within);

  // Where applications work by themselves.
  std::map<std::string, Server*> servers;

  bool done() const { return finished_ == started_; }
  std::uint64_t started() const { return started_; }
  // What each transaction adds to the rows of each participant, if it commits.
  using Effects = std::map<std::string, Deltas>;
  const std::map<TxId, Effects>& effects() const { return effects_; }
  // The transactions begun for one idempotency key.
  const std::map<std::array<std::uint8_t, 16>, std::set<TxId>>& keys() const { return keys_; }
  // Those of which some statement fails, or some expectation: they can only abort.
  const std::set<TxId>& hopeless() const { return hopeless_; }
  const std::vector<TxId>& known() const { return known_; }

 private:
  struct Job {
    std::map<std::string, std::vector<Op>> work;
    std::optional<RequestKey> key;
    Duration timeout{};
    WaitFor wait_for = WaitFor::applied;
    unsigned attempts = 0;
    bool finished = false;
    // interactive
    TxId tx;
    std::vector<std::pair<std::string, Op>> statements;
    std::size_t next = 0;
  };
  using JobPtr = std::shared_ptr<Job>;
  CoordinatorHost* coordinator();
  std::map<std::string, std::vector<Op>> draw_work(Random& random);
  TxId register_tx(const Job& job, CoordinatorHost& host);
  void finish(const JobPtr& job);
  // … but not for ever.
  void retry(const JobPtr& job, void (Clients::*step)(const JobPtr&));
  void again(const JobPtr& job, void (Clients::*step)(const JobPtr&));
  // Asks, and gives up waiting after the client's patience.
  template <typename Event>
  void ask(const JobPtr& job, const Event& event, CoordinatorHost::Answer answer);

  void one_shot(const JobPtr& job);
  void one_shot_answered(const JobPtr& job, const std::optional<Reply>& reply);
  void open(const JobPtr& job);
  void next_statement(const JobPtr& job);
  void end_session(const JobPtr& job);
  void look(const JobPtr& job);

  // applications.cpp: external transactions
  void open_external(const JobPtr& job);
  void work_outside(const JobPtr& job, Gid gid);
  void prepare_outside(const Gid& gid, const std::vector<Op>& ops, unsigned tries);
  void commit_external(const JobPtr& job);

  World& world_;
  Network& network_;
  std::vector<std::string> participants_;
  int rows_;
  std::uint64_t started_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t named_ = 0;
  std::map<TxId, Effects> effects_;
  std::map<std::array<std::uint8_t, 16>, std::set<TxId>> keys_;
  std::set<TxId> hopeless_;
  std::vector<TxId> known_;
};

template <typename Event>
void Clients::ask(const JobPtr& job, const Event& event, CoordinatorHost::Answer answer) {
  CoordinatorHost* host = coordinator();
  if (!host) return answer(std::nullopt);
  auto answered = std::make_shared<bool>(false);
  const auto once = [job, answered, answer](const std::optional<Reply>& reply) {
    if (!job->finished && !std::exchange(*answered, true)) answer(reply);
  };
  host->ask(event, once);
  world_.scheduler.after(Micros(world_.random.between(1'000'000, 20'000'000)),
                         [once] { once(std::nullopt); });
}

}  // namespace assent::simulation
