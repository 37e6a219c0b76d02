// The coordinator's engine for tests of the API: the real machine, stepped at once and alone. Its
// log is durable as soon as it is written, and its links are the test.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/api/admission.hpp"
#include "coordinator/api/api.hpp"
#include "coordinator/blocking.hpp"
#include "coordinator/engine.hpp"

namespace assent {

class FakeCoordinator {
 public:
  explicit FakeCoordinator(const std::string& access_file = {}, AdmissionLimits limits = {});
  ~FakeCoordinator();

  // Takes the participant through hello and ready.
  void connect(const std::string& participant);
  void vote(const std::string& participant, Vote vote);
  void vote_yes(const std::string& participant, std::optional<Results> results = std::nullopt);
  void executed(const std::string& participant, std::variant<Results, Failure> result);
  void applied(const std::string& participant, Application application = Application::applied);
  void post(CoordinatorEvent event);
  void advance(Duration duration);
  const CoordinatorMachine& machine() const;
  Now engine_now() const { return engine_->now(); }
  // The last message of a kind sent to the participant.
  template <class Message>
  const Message& sent_to(const std::string& participant) const {
    for (auto it = sent_.rbegin(); it != sent_.rend(); ++it)
      if (it->first == participant && std::holds_alternative<Message>(it->second))
        return std::get<Message>(it->second);
    throw std::runtime_error("nothing of that kind was sent to " + participant);
  }

  using Headers = std::vector<std::pair<std::string, std::string>>;
  // Asks the API; null as long as there is no answer.
  using Answer = std::shared_ptr<std::optional<HttpResponse>>;
  Answer ask(const std::string& method, const std::string& target, const std::string& body = "",
             Headers headers = {});
  // As when the time of those that wait is over.
  void end_waits();
  // The answer to a request that is answered at once.
  HttpResponse get(const std::string& method, const std::string& target,
                   const std::string& body = "", Headers headers = {});

  BlockingBoard blocking;  // empty until a test reports
  Groups groups;           // … and configures some

 private:
  struct World;
  Access access_;
  Admission admission_;
  std::unique_ptr<World> world_;
  std::vector<std::pair<std::string, ToParticipant>> sent_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Api> api_;
  struct Waiting {
    std::shared_ptr<HttpWait> wait;
    Answer answer;
  };
  void wait(std::shared_ptr<HttpWait> wait, Answer answer);
  std::vector<Waiting> waits_;
};

}  // namespace assent
