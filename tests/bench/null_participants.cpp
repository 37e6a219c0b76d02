#include "tests/bench/null_participants.hpp"

#include <deque>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <pthread.h>
#include <time.h>

#include "protocol/codec.hpp"
#include "protocol/runtime/asio.hpp"
#include "protocol/runtime/link.hpp"

namespace assent::bench {
namespace {

class NullParticipant {
 public:
  NullParticipant(net::io_context& io, const std::string& name, const std::string& coordinator)
      : name_(name), server_{std::hash<std::string>{}(name) | 1, 1, name} {
    LinkDialer::Callbacks calls;
    calls.on_up = [this](std::shared_ptr<Link> opened) {
      link_ = std::move(opened);
      say({Hello{name_, server_, {}}});
    };
    calls.on_frame = [this](std::string_view frame) { received(frame); };
    calls.on_down = [this](std::string_view) { link_.reset(); };
    calls.on_failed = [](std::string_view) {};
    dialer_ = std::make_unique<LinkDialer>(io, std::vector<std::string>{coordinator}, "/v1/link",
                                           LinkOptions{}, LinkDialer::Backoff{}, std::move(calls));
    dialer_->start();
  }
  ~NullParticipant() { dialer_->stop(); }

 private:
  void received(std::string_view frame) {
    auto decoded = decode_to_participant(frame);
    std::vector<ToCoordinator> answers;
    for (const ToParticipant& message : decoded.messages) {
      if (const auto* welcome = std::get_if<Welcome>(&message)) {
        answers.push_back(
            Ready{Mark{welcome->ledger, welcome->epoch, welcome->life, 0}, server_, {}});
      } else if (const auto* prepare = std::get_if<Prepare>(&message)) {
        Vote vote;
        vote.gid = prepare->gid;
        vote.verdict = Verdict::yes;
        vote.xid = ++xid_;
        vote.server = server_;
        vote.results = Results{};
        answers.push_back(std::move(vote));
      } else if (const auto* commit = std::get_if<Commit>(&message)) {
        answers.push_back(
            Applied{commit->gid, Outcome::committed, Application::applied, commit->sequence});
      } else if (const auto* abort = std::get_if<Abort>(&message)) {
        answers.push_back(Applied{abort->gid, Outcome::aborted, Application::applied, 0});
      }
    }
    if (!answers.empty()) say(answers);
  }

  void say(const std::vector<ToCoordinator>& messages) {
    if (!link_) return;
    for (std::string& frame : encode_frames(messages)) link_->send(std::move(frame));
  }

  const std::string name_;
  const ServerIdentity server_;
  Xid xid_ = 1000;
  std::shared_ptr<Link> link_;
  std::unique_ptr<LinkDialer> dialer_;
};

}  // namespace

struct NullParticipants::Impl {
  net::io_context io{1};
  net::executor_work_guard<net::io_context::executor_type> busy{io.get_executor()};
  std::deque<std::unique_ptr<NullParticipant>> all;
  std::thread thread;
};

NullParticipants::NullParticipants(const std::vector<std::string>& names,
                                   const std::string& coordinator)
    : impl_(std::make_unique<Impl>()) {
  for (const std::string& name : names)
    impl_->all.push_back(std::make_unique<NullParticipant>(impl_->io, name, coordinator));
  impl_->thread = std::thread([impl = impl_.get()] { impl->io.run(); });
}

NullParticipants::~NullParticipants() {
  net::post(impl_->io, [impl = impl_.get()] {
    impl->all.clear();
    impl->io.stop();
  });
  impl_->thread.join();
}

double NullParticipants::cpu_seconds() const {
  clockid_t clock{};
  timespec used{};
  if (pthread_getcpuclockid(impl_->thread.native_handle(), &clock) != 0) return 0;
  if (clock_gettime(clock, &used) != 0) return 0;
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

}  // namespace assent::bench
