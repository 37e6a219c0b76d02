#include "coordinator/engine.hpp"

#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "coordinator/log/decision_log.hpp"
#include "protocol/runtime/clock.hpp"
#include "protocol/runtime/random.hpp"
#include "protocol/runtime/turns.hpp"

namespace assent {

struct Engine::Impl {
  Impl(boost::asio::io_context& io, CoordinatorMachine start, DecisionLog& decision_log,
       World around)
      : machine(std::move(start)),
        log(decision_log),
        world(std::move(around)),
        turns(
            io, [this] { take_turn(); }, [this] { post(CoordinatorTick{}); }) {
    turns.wake_at(machine.wake_at());
  }

  void post(CoordinatorEvent event) {
    inbox.push_back(std::move(event));
    turns.request();
  }

  // Everything in the inbox, also what is put there meanwhile; then one flush of the log and one
  // frame for each participant.
  void take_turn() {
    while (!inbox.empty()) {
      const CoordinatorEvent event = std::move(inbox.front());
      inbox.pop_front();
      actions.clear();
      machine.step(event, read_clock(), actions);
      for (CoordinatorAction& action : actions)
        std::visit([this](auto& each) { perform(each); }, action);
    }
    log.flush();
    for (auto& [participant, messages] : outbox) {
      if (messages.empty()) continue;
      world.send(participant, messages);
      messages.clear();
    }
    turns.wake_at(machine.wake_at());
  }

  void perform(Send& action) { outbox[action.participant].push_back(std::move(action.message)); }

  void perform(Log& action) {
    if (!log.append(action.number, action.record)) inbox.push_back(LogRefused{action.number});
  }

  void perform(Reply& action) {
    const auto waiting = answers.find(action.request);
    if (waiting == answers.end()) return;
    const Answer answer = std::move(waiting->second);
    answers.erase(waiting);
    answer(action);
  }

  void perform(Disconnect& action) { world.disconnect(action.participant, action.reason); }

  void perform(Stop& action) { world.stop(action.reason); }

  template <typename Event>
  RequestId ask(Event event, Answer answer) {
    event.request = ++last_request;
    answers.emplace(last_request, std::move(answer));
    post(std::move(event));
    return last_request;
  }

  CoordinatorMachine machine;
  DecisionLog& log;
  World world;
  std::deque<CoordinatorEvent> inbox;
  std::vector<CoordinatorAction> actions;
  std::map<std::string, std::vector<ToParticipant>> outbox;
  std::unordered_map<RequestId, Answer> answers;
  RequestId last_request = 0;
  Turns turns;
};

Engine::Engine(boost::asio::io_context& io, CoordinatorMachine machine, DecisionLog& log,
               World world)
    : impl_(std::make_unique<Impl>(io, std::move(machine), log, std::move(world))) {}

Engine::~Engine() = default;

RequestId Engine::ask(Begin event, Answer answer) {
  return impl_->ask(std::move(event), std::move(answer));
}
RequestId Engine::ask(ExecuteAsked event, Answer answer) {
  return impl_->ask(std::move(event), std::move(answer));
}
RequestId Engine::ask(CommitAsked event, Answer answer) {
  return impl_->ask(std::move(event), std::move(answer));
}
RequestId Engine::ask(RollbackAsked event, Answer answer) {
  return impl_->ask(std::move(event), std::move(answer));
}

void Engine::forget(RequestId request) {
  impl_->answers.erase(request);
}

void Engine::post(CoordinatorEvent event) {
  impl_->post(std::move(event));
}

TxId Engine::new_tx() {
  return TxId{new_uuid7()};
}

Now Engine::now() const {
  return read_clock();
}

const CoordinatorMachine& Engine::machine() const {
  return impl_->machine;
}

}  // namespace assent
