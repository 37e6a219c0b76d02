// Those who use the product: they run transactions of every kind, lose answers, repeat requests, go
// away in the middle, and remember what each transaction should have done.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/coordinator_host.hpp"
#include "tests/simulation/server.hpp"

namespace assent::simulation {

class Clients {
 public:
  Clients(World& world, Network& network, std::vector<std::string> participants, int rows);
  // Begins the transactions, drawn from the seed, at random moments within the time.
  void start(std::uint64_t seed, unsigned transactions, Micros within);

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
  struct Job;
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

}  // namespace assent::simulation
