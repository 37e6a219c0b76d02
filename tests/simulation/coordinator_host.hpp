// A coordinator's process: the real machine, the duties of its host, and what can befall it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/coordinator_machine.hpp"
#include "tests/simulation/ledger_disk.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/turns.hpp"

namespace assent::simulation {

class CoordinatorHost {
 public:
  // Nothing: the connection broke before there was an answer.
  using Answer = std::function<void(const std::optional<Reply>&)>;

  CoordinatorHost(World& world, Network& network, LedgerDisk& disk, std::string name,
                  CoordinatorLimits limits);
  CoordinatorHost(const CoordinatorHost&) = delete;
  CoordinatorHost& operator=(const CoordinatorHost&) = delete;

  void start();
  void crash(LedgerDisk::Crash kind);
  // Dies after so many more actions, in the middle of whatever it does then.
  void crash_after(unsigned actions, LedgerDisk::Crash kind);
  void pause(Micros time) { turns_.pause(time); }

  template <typename Event>
  void ask(Event event, Answer answer) {
    if (!machine_ || paused()) return answer(std::nullopt);
    event.request = ++last_request_;
    answers_[last_request_] = std::move(answer);
    post(event);
  }
  void post(CoordinatorEvent event);
  TxId new_tx();
  // What it would answer somebody who asks for a transaction.
  Fate fate_of(const TxId& tx);

  void link_opened(const LinkPtr& link);
  void link_closed(const LinkPtr& link);
  void received(const LinkPtr& link, const ToCoordinator& message);

  bool running() const { return machine_.has_value(); }
  bool paused() const { return turns_.paused(); }
  bool stopped_itself() const { return stopped_itself_; }
  const CoordinatorMachine* machine() const { return machine_ ? &*machine_ : nullptr; }
  LedgerDisk& disk() { return disk_; }

  std::int64_t wall_offset_ms = 0;
  bool superseded =
      false;             // the copy of its ledger that somebody else runs with is the one to stay
  bool retired = false;  // nobody starts it again
  unsigned crashes_in_recovery = 0;

 private:
  LedgerDisk::Host log_host();
  void take_turn();
  void take(const CoordinatorEvent& event);
  void perform(const CoordinatorAction& action);
  Now read_clock() const { return {world_.now(), world_.wall_ms(wall_offset_ms)}; }
  void log_record(const Log& log);
  void send_at_once(const ResolutionRecord& record);
  void observe(const CoordinatorAction& action);
  void planted(const CoordinatorEvent& event);

  World& world_;
  Network& network_;
  LedgerDisk& disk_;
  std::string name_;
  CoordinatorLimits limits_;

  std::optional<CoordinatorMachine> machine_;
  Turns turns_;
  bool stopped_itself_ = false;
  std::deque<CoordinatorEvent> inbox_;
  std::map<std::string, std::vector<ToParticipant>> outbox_;
  std::map<RequestId, Answer> answers_;
  RequestId last_request_ = 0;
  std::vector<LinkPtr> unnamed_;
  std::map<std::string, LinkPtr> links_;
};

}  // namespace assent::simulation
