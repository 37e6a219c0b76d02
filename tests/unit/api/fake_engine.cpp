#include "tests/unit/api/fake_engine.hpp"

#include <deque>
#include <stdexcept>

#include <boost/asio/io_context.hpp>

#include "coordinator/activity.hpp"
#include "coordinator/log/decision_log.hpp"
#include "coordinator/timeline.hpp"
#include "protocol/runtime/http_wait.hpp"

namespace assent {

// Like the engine itself, not linked here.
class EngineMetrics {};

namespace {

constexpr std::int64_t kStart = 1'782'907'200'000;  // 2026-07-01T12:00:00Z
Duration elapsed{};                                 // since the start of the test

Now time_now() {
  return {Instant(std::chrono::hours(1) + elapsed), kStart + elapsed.count()};
}

class NoLog : public DecisionLog {
  void start(LogHost) override {}
  bool append(RecordNumber, const LogRecord&) override { return true; }
  void flush() override {}
  void stop() override {}
};

}  // namespace

// The engine's interface, implemented without a loop: its own file is not linked here.
struct Engine::Impl {
  CoordinatorMachine machine;
  World world;
  Timeline timeline{machine, time_now()};
  RequestId last_request = 0;
  std::uint8_t last_tx = 0;
  std::map<RequestId, Answer> answers = {};

  void step(CoordinatorEvent first) {
    std::deque<CoordinatorEvent> events{std::move(first)};
    while (!events.empty()) {
      std::vector<CoordinatorAction> actions;
      machine.step(events.front(), time_now(), actions);
      timeline.saw(events.front(), time_now());
      events.pop_front();
      for (const CoordinatorAction& action : actions) {
        timeline.did(action, time_now());
        if (const auto* send = std::get_if<Send>(&action))
          world.send(send->participant, {send->message});
        else if (const auto* log = std::get_if<Log>(&action))
          events.push_back(Logged{log->number});
        else if (const auto* reply = std::get_if<Reply>(&action))
          answer(*reply);
      }
    }
    timeline.turn_ended();
  }
  void answer(const Reply& reply) {
    const auto found = answers.find(reply.request);
    if (found == answers.end()) throw std::runtime_error("a reply that nobody waits for");
    const Answer waiting = std::move(found->second);
    answers.erase(found);
    waiting(reply);
  }
  template <class Event>
  RequestId ask(Event event, Answer waiting) {
    event.request = ++last_request;
    answers[event.request] = std::move(waiting);
    step(std::move(event));
    return last_request;
  }
};

Engine::Engine(boost::asio::io_context&, CoordinatorMachine machine, DecisionLog&, EngineMetrics&,
               World world)
    : impl_(new Impl{std::move(machine), std::move(world)}) {}
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
  impl_->step(std::move(event));
}
TxId Engine::new_tx() {
  return {make_uuid7(now().wall_ms, {0, 0, 0, 0, 0, 0, 0, 0, 0, ++impl_->last_tx})};
}
Now Engine::now() const {
  return time_now();
}
const CoordinatorMachine& Engine::machine() const {
  return impl_->machine;
}
const Activity& Engine::activity() const {
  static const Activity activity{.committed = 7, .answer_seconds = 0.25};
  return activity;
}
Timeline& Engine::timeline() {
  return impl_->timeline;
}

struct FakeCoordinator::World {
  boost::asio::io_context io;
  NoLog log;
  EngineMetrics metrics;
};

FakeCoordinator::FakeCoordinator(const std::string& access_file, AdmissionLimits limits)
    : access_(access_file), admission_(access_, limits), world_(new World) {
  elapsed = {};
  Recovered recovered;
  recovered.ledger.uuid.bytes[0] = 0x1e;
  EpochRecord start;
  start.epoch = 1;
  start.life.bytes[0] = 0x11;
  Engine::World world;
  world.send = [this](const std::string& to, const std::vector<ToParticipant>& messages) {
    for (const ToParticipant& each : messages) sent_.emplace_back(to, each);
  };
  engine_ =
      std::make_unique<Engine>(world_->io, CoordinatorMachine({}, recovered, start, time_now()),
                               world_->log, world_->metrics, std::move(world));
  api_ = std::make_unique<Api>(*engine_, blocking, admission_, groups);
}
FakeCoordinator::~FakeCoordinator() = default;

void FakeCoordinator::post(CoordinatorEvent event) {
  engine_->post(std::move(event));
}

void FakeCoordinator::advance(Duration duration) {
  elapsed += duration;
  engine_->post(CoordinatorTick{});
}

const CoordinatorMachine& FakeCoordinator::machine() const {
  return engine_->machine();
}

void FakeCoordinator::connect(const std::string& participant) {
  const ServerIdentity server{7'423'000'000'000'000'001, 1, "shop"};
  engine_->post(LinkUp{Hello{participant, server, {}}});
  const Welcome& welcome = sent_to<Welcome>(participant);
  const Mark mark{welcome.ledger, welcome.epoch, welcome.life, 0};
  engine_->post(FromParticipant{participant, Ready{mark, server, {}}});
}

void FakeCoordinator::vote(const std::string& participant, Vote vote) {
  vote.gid = sent_to<Prepare>(participant).gid;
  engine_->post(FromParticipant{participant, std::move(vote)});
}

void FakeCoordinator::vote_yes(const std::string& participant, std::optional<Results> results) {
  Vote yes;
  yes.verdict = Verdict::yes;
  yes.xid = 771;
  yes.results = std::move(results);
  vote(participant, std::move(yes));
}

void FakeCoordinator::executed(const std::string& participant,
                               std::variant<Results, Failure> result) {
  const Execute& execute = sent_to<Execute>(participant);
  engine_->post(
      FromParticipant{participant, Executed{execute.gid, execute.seq, std::move(result)}});
}

void FakeCoordinator::applied(const std::string& participant, Application application) {
  const Commit& commit = sent_to<Commit>(participant);
  engine_->post(FromParticipant{
      participant, Applied{commit.gid, Outcome::committed, application, commit.sequence}});
}

FakeCoordinator::Answer FakeCoordinator::ask(const std::string& method, const std::string& target,
                                             const std::string& body, Headers headers) {
  HttpRequest request;
  request.method = method;
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != target.npos) {
    std::string rest = target.substr(mark + 1);
    for (std::size_t at = 0; at < rest.size();) {
      const std::size_t end = std::min(rest.find('&', at), rest.size());
      const std::string part = rest.substr(at, end - at);
      const std::size_t equals = std::min(part.find('='), part.size());
      request.query.emplace_back(part.substr(0, equals),
                                 equals < part.size() ? part.substr(equals + 1) : "");
      at = end + 1;
    }
  }
  request.headers = std::move(headers);
  if (!body.empty()) request.headers.emplace_back("content-type", "application/json");
  request.body = body;
  auto answer = std::make_shared<std::optional<HttpResponse>>();
  api_->handle(std::move(request), [this, answer](HttpResponse response) {
    if (answer->has_value()) throw std::runtime_error("answered twice");
    if (response.wait) return wait(std::move(response.wait), answer);
    *answer = std::move(response);
  });
  return answer;
}

// As a connection does it.
void FakeCoordinator::wait(std::shared_ptr<HttpWait> wait, Answer answer) {
  wait->on_ready([this, answer, raw = wait.get()] {
    *answer = raw->answer();
    std::erase_if(waits_, [raw](const Waiting& each) { return each.wait.get() == raw; });
  });
  waits_.push_back({std::move(wait), std::move(answer)});
}

void FakeCoordinator::end_waits() {
  for (const Waiting& each : std::exchange(waits_, {})) *each.answer = each.wait->answer();
}

HttpResponse FakeCoordinator::get(const std::string& method, const std::string& target,
                                  const std::string& body, Headers headers) {
  const auto answer = ask(method, target, body, std::move(headers));
  if (!answer->has_value()) throw std::runtime_error(method + " " + target + " is not answered");
  return **answer;
}

}  // namespace assent
