// Who waits for something to change about one transaction.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "protocol/coordinator_machine.hpp"

namespace assent {

// Called for what each event and action is about, so that who waits costs nothing while other
// transactions go on. Belongs to the I/O thread.
class Watchers {
 public:
  // `machine` outlives this.
  explicit Watchers(const CoordinatorMachine& machine)
      : machine_(machine), unfinished_(machine.unfinished()) {}

  // `changed` is called at the end of each turn in which the transaction may have changed, known or
  // not, until remove().
  using Watcher = std::uint64_t;
  Watcher add(const TxId& tx, std::function<void()> changed);
  void remove(Watcher watcher);

  // As the timeline's.
  void saw(const CoordinatorEvent& event);
  void did(const CoordinatorAction& action);
  void turn_ended();

 private:
  struct Watched {
    TxId tx;
    std::function<void()> changed;
  };
  void touch(const TxId* tx);  // null: perhaps all

  const CoordinatorMachine& machine_;
  std::size_t unfinished_;
  std::map<Watcher, Watched> watchers_;
  std::set<std::pair<TxId, Watcher>> by_tx_;
  std::deque<std::pair<RecordNumber, TxId>> records_;  // not durable yet
  std::set<TxId> touched_;                             // of the watched ones, in this turn
  Watcher last_ = 0;
};

}  // namespace assent
