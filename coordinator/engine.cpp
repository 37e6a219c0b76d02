#include "coordinator/engine.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "coordinator/crash_points.hpp"
#include "coordinator/engine_metrics.hpp"
#include "coordinator/log/decision_log.hpp"
#include "coordinator/timeline.hpp"
#include "protocol/runtime/clock.hpp"
#include "protocol/runtime/crash_points.hpp"
#include "protocol/runtime/debug_check.hpp"
#include "protocol/runtime/log.hpp"
#include "protocol/runtime/random.hpp"
#include "protocol/runtime/turns.hpp"

namespace assent {

namespace net = boost::asio;

namespace {
constexpr std::chrono::milliseconds kUnawaitedWait{50};
}  // namespace

struct Engine::Impl {
  struct Waiting {
    Answer answer;
    Instant asked;
  };
  struct Appended {
    RecordNumber number;
    Instant at;
  };

  Impl(net::io_context& io, CoordinatorMachine start, DecisionLog& decision_log,
       EngineMetrics& engine_metrics, World around)
      : machine(std::move(start)),
        log(decision_log),
        metrics(engine_metrics),
        world(std::move(around)),
        timeline(machine, read_clock()),
        turns(
            io, [this] { take_turn(); }, [this] { post(CoordinatorTick{}); }) {
    LogHost host;
    host.post = [&io](std::function<void()> task) { net::post(io, std::move(task)); };
    host.on_durable = [this](RecordNumber up_to) { durable(up_to); };
    host.on_failed = [this](const std::string& what) { world.log_failed(what); };
    host.snapshot = [this] { return machine.snapshot(); };
    log.start(std::move(host));
    turns.wake_at(machine.wake_at());
  }

  ~Impl() {
    if (!stopped) log.flush();
    log.stop();  // before the loop goes that it posts to
  }

  void post(CoordinatorEvent event) {
    if (stopped) return;
    inbox.push_back(std::move(event));
    turns.request();
  }

  void durable(RecordNumber up_to) {
    crash_point(crash::kLogged);
    const Instant now = read_clock().steady;
    if (!appended.empty() && appended.front().number <= up_to)
      metrics.synced(appended.front().at, now);
    while (!appended.empty() && appended.front().number <= up_to) {
      metrics.durable(appended.front().at, now);
      appended.pop_front();
    }
    post(Logged{up_to});
  }

  // Everything in the inbox, also what is put there meanwhile; then one flush of the log and one
  // frame for each participant.
  void take_turn() {
    while (!inbox.empty() && !stopped) {
      const CoordinatorEvent event = std::move(inbox.front());
      inbox.pop_front();
      actions.clear();
      const Now now = read_clock();
      machine.step(event, now, actions);
      debug_check(machine);
      timeline.saw(event, now);
      for (CoordinatorAction& action : actions) {
        timeline.did(action, now);
        std::visit([this](auto& each) { perform(each); }, action);
      }
    }
    timeline.turn_ended();
    if (stopped) return;
    flush_log();
    for (auto& [participant, messages] : outbox) {
      if (messages.empty()) continue;
      if (crash_points_are_armed()) lose_at_crash_points(participant, messages);
      world.send(participant, messages);
      messages.clear();
    }
    wake_in_time();
  }

  // What nobody waits for travels with the next record that is awaited, or after a while.
  void flush_log() {
    if (!awaited && (!unawaited_since || read_clock().steady - *unawaited_since < kUnawaitedWait))
      return;
    awaited = false;
    unawaited_since.reset();
    log.flush();
  }

  void wake_in_time() {
    std::optional<Instant> at = machine.wake_at();
    if (unawaited_since && (!at || *unawaited_since + kUnawaitedWait < *at))
      at = *unawaited_since + kUnawaitedWait;
    turns.wake_at(at);
  }

  // The first word to a participant is never lost alone: the link is lost with it.
  void lose_at_crash_points(const std::string& participant, std::vector<ToParticipant>& messages) {
    const auto lost = [&](const ToParticipant& message) {
      if (!crash_point(crash::kSend, crash::name_of(message))) return false;
      if (std::holds_alternative<Welcome>(message))
        world.disconnect(participant, "lost by order at a crash point");
      return true;
    };
    messages.erase(std::remove_if(messages.begin(), messages.end(), lost), messages.end());
  }

  void perform(Send& action) { outbox[action.participant].push_back(std::move(action.message)); }

  // Less is presumed from now on: whoever reads the log must see why.
  static void tell_contradiction(const LogRecord& record) {
    const auto* epoch = std::get_if<EpochRecord>(&record);
    if (!epoch || epoch->contradicted_below != epoch->epoch) return;
    log::warning(
        "a participant has seen commits that this ledger does not hold: it is an older copy. Of "
        "earlier starts' transactions nothing is presumed aborted any more; what stays in doubt is "
        "for a person (assent list --state in_doubt)");
  }

  void perform(Log& action) {
    tell_contradiction(action.record);
    const bool refused = crash_point(crash::kLog, crash::name_of(action.record));
    if (refused || !log.append(action.number, action.record)) {
      inbox.push_back(LogRefused{action.number});
      awaited = true;  // a log without room goes on in a flush, once there is room again
      return;
    }
    const Instant now = read_clock().steady;
    if (!is_awaited(action.record)) {
      if (!unawaited_since) unawaited_since = now;
      return;
    }
    awaited = true;
    appended.push_back({action.number, now});
  }

  void perform(Reply& action) {
    const auto waiting = answers.find(action.request);
    if (waiting == answers.end()) return;
    const Waiting asked = std::move(waiting->second);
    answers.erase(waiting);
    if (crash_point(crash::kReply)) return;
    metrics.answered(action, asked.asked, read_clock().steady);
    asked.answer(action);
  }

  void perform(Disconnect& action) { world.disconnect(action.participant, action.reason); }

  // Another coordinator rules now: what was to be sent or recorded in this turn would come from one
  // that no longer may.
  void perform(Stop& action) {
    stopped = true;
    inbox.clear();
    outbox.clear();
    world.stop(action.reason);
  }

  template <typename Event>
  void ask(Event event, Answer answer) {
    event.request = ++last_request;
    answers.emplace(last_request, Waiting{std::move(answer), read_clock().steady});
    post(std::move(event));
  }

  CoordinatorMachine machine;
  DecisionLog& log;
  EngineMetrics& metrics;
  World world;
  Timeline timeline;
  std::deque<CoordinatorEvent> inbox;
  std::vector<CoordinatorAction> actions;
  std::map<std::string, std::vector<ToParticipant>> outbox;
  std::unordered_map<RequestId, Waiting> answers;
  std::deque<Appended> appended;  // not on disk yet
  bool awaited = false;           // of what was appended since the last flush, something is
  std::optional<Instant> unawaited_since;  // … or nothing is, but there is something, since then
  bool stopped = false;                    // nothing is stepped, sent or answered any more
  RequestId last_request = 0;
  Turns turns;
};

Engine::Engine(boost::asio::io_context& io, CoordinatorMachine machine, DecisionLog& log,
               EngineMetrics& metrics, World world)
    : impl_(std::make_unique<Impl>(io, std::move(machine), log, metrics, std::move(world))) {}

Engine::~Engine() = default;

void Engine::ask(Begin event, Answer answer) {
  impl_->ask(std::move(event), std::move(answer));
}
void Engine::ask(ExecuteAsked event, Answer answer) {
  impl_->ask(std::move(event), std::move(answer));
}
void Engine::ask(CommitAsked event, Answer answer) {
  impl_->ask(std::move(event), std::move(answer));
}
void Engine::ask(RollbackAsked event, Answer answer) {
  impl_->ask(std::move(event), std::move(answer));
}

void Engine::ask(ResolveAsked event, Answer answer) {
  impl_->ask(std::move(event), std::move(answer));
}
void Engine::ask(AcknowledgeAsked event, Answer answer) {
  impl_->ask(std::move(event), std::move(answer));
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

Timeline& Engine::timeline() {
  return impl_->timeline;
}

const Activity& Engine::activity() const {
  return impl_->metrics.activity();
}

}  // namespace assent
