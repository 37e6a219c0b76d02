#include "participant/agent.hpp"

#include <deque>
#include <utility>

#include "participant/crash_points.hpp"
#include "participant/lock_times.hpp"
#include "participant/postgres/database.hpp"
#include "protocol/codec.hpp"
#include "protocol/runtime/clock.hpp"
#include "protocol/runtime/crash_points.hpp"
#include "protocol/runtime/debug_check.hpp"
#include "protocol/runtime/link.hpp"
#include "protocol/runtime/log.hpp"
#include "protocol/runtime/turns.hpp"

namespace assent {

struct Agent::Impl {
  Impl(boost::asio::io_context& io, std::string name, ParticipantLimits limits,
       DatabaseOptions options, std::vector<std::string> coordinators)
      : machine(std::move(name), limits),
        database(io, std::move(options),
                 [this](ParticipantEvent event) { post(std::move(event)); }),
        dialer(io, std::move(coordinators), "/v1/link", LinkOptions{}, LinkDialer::Backoff{},
               callbacks()),
        turns(
            io, [this] { take_turn(); }, [this] { post(ParticipantTick{}); }) {}

  LinkDialer::Callbacks callbacks() {
    LinkDialer::Callbacks calls;
    calls.on_up = [this](std::shared_ptr<Link> opened) {
      link = std::move(opened);
      ++links;
      log::info("linked to the coordinator", {{"peer", link->peer()}});
      failure_shown.clear();
      post(LinkOpened{});
    };
    calls.on_frame = [this](std::string_view frame) { received(frame); };
    calls.on_down = [this](std::string_view reason) {
      link.reset();
      if (is_linked()) away_since = read_clock().steady;
      log::warning("the link to the coordinator is lost", {{"reason", std::string(reason)}});
      post(LinkClosed{});
    };
    calls.on_failed = [this](std::string_view reason) {
      // Said once for each reason, not at every attempt.
      if (std::exchange(failure_shown, std::string(reason)) != reason)
        log::warning("the coordinator cannot be reached; trying again",
                     {{"reason", std::string(reason)}});
    };
    return calls;
  }

  bool is_linked() const { return machine.link() == ParticipantMachine::LinkState::ready; }

  void received(std::string_view frame) {
    auto decoded = decode_to_participant(frame);
    if (!decoded.ok()) {
      log::error("the coordinator's frame cannot be read", {{"error", decoded.error}});
      if (link) link->close("malformed frame: " + decoded.error);
      return;
    }
    for (ToParticipant& message : decoded.messages) post(FromCoordinator{std::move(message)});
  }

  void post(ParticipantEvent event) {
    inbox.push_back(std::move(event));
    turns.request();
  }

  void take_turn() {
    while (!inbox.empty()) {
      const ParticipantEvent event = std::move(inbox.front());
      inbox.pop_front();
      note(event);
      // Meant for the link that is gone; on the next one nothing may come before Hello.
      if (std::holds_alternative<LinkClosed>(event)) outbox.clear();
      if (crash_points_are_armed() && !crash::name_of(event).empty())
        crash_point(crash::kDone, crash::name_of(event));
      const Now now = read_clock();
      lock_times.saw(event, now.steady);
      actions.clear();
      machine.step(event, now, actions);
      debug_check(machine);
      note_found(event, now.steady);
      for (ParticipantAction& action : actions) {
        if (crash_points_are_armed() && fails_at_crash_point(action)) continue;
        std::visit([this](auto& each) { perform(each); }, action);
      }
    }
    if (!outbox.empty() && link)
      for (std::string& frame : encode_frames(outbox)) link->send(std::move(frame));
    outbox.clear();
    turns.wake_at(machine.wake_at());
  }

  // What is said before the link is ready is never lost alone: the link is lost with it.
  void lose(const ToCoordinator& message) {
    if (!std::holds_alternative<Hello>(message) && !std::holds_alternative<Ready>(message)) return;
    if (link) link->close("lost by order at a crash point");
  }

  // Its completion is in the inbox then.
  bool fails_at_crash_point(const ParticipantAction& action) {
    const std::string_view name = crash::name_of(action);
    if (name.empty() || !crash_point(crash::kVerb, name)) return false;
    auto failure = crash::failure_of(action);
    if (failure) inbox.push_back(std::move(*failure));
    return failure.has_value();
  }

  // What an operator wants to find in the log, or to be told of what blocks.
  void note(const ParticipantEvent& event) {
    if (const auto* from = std::get_if<FromCoordinator>(&event))
      if (const auto* welcome = std::get_if<Welcome>(&from->message)) ledger = welcome->ledger;
    if (const auto* up = std::get_if<DatabaseUp>(&event))
      log::info("the database is up", {{"database", up->server.database},
                                       {"timeline", std::to_string(up->server.timeline)},
                                       {"prepared", std::to_string(up->held.size())}});
    if (const auto* down = std::get_if<DatabaseDown>(&event))
      log::warning("the database is away; trying again", {{"reason", down->reason}});
    if (const auto* failed = std::get_if<ListFailed>(&event))
      log::warning("the prepared branches could not be listed; nothing is concluded from that",
                   {{"reason", failed->message}});
  }

  // Of what this process has not prepared itself, its database knows since when it is prepared.
  void note_found(const ParticipantEvent& event, Instant now) {
    const auto is_held = [this](const Gid& gid) { return machine.branches().contains(gid); };
    const auto note = [&](const Gid& gid) {
      const auto age = database.prepared_for(gid);
      if (age && is_held(gid)) lock_times.found(gid, now - *age);
    };
    if (const auto* verified = std::get_if<Verified>(&event)) note(verified->gid);
    if (const auto* settled = std::get_if<Settled>(&event)) note(settled->gid);
    if (const auto* up = std::get_if<DatabaseUp>(&event))
      for (const HeldBranch& branch : up->held) note(branch.gid);
    if (const auto* listed = std::get_if<ListDone>(&event)) {
      for (const HeldBranch& branch : listed->held) note(branch.gid);
      lock_times.forget_unless(is_held);
    }
  }

  void perform(SendToCoordinator& action) {
    if (crash_point(crash::kSend, crash::name_of(action.message))) return lose(action.message);
    if (auto* applied = std::get_if<Applied>(&action.message))
      if (const auto held = lock_times.held(applied->gid))
        applied->locks_held_us = static_cast<std::uint64_t>(held->count());
    outbox.push_back(std::move(action.message));
  }

  void perform(CloseLink& action) {
    log::warning("closing the link to the coordinator", {{"reason", action.reason}});
    outbox.clear();
    if (link) link->close(action.reason);
  }

  void perform(Alarm& action) {
    ++alarms;
    log::error(action.text, {{"gid", to_string(action.gid)}, {"tx", to_string(action.gid.tx)}});
  }

  template <typename Verb>
  void perform(Verb& verb) {
    database.perform(std::move(verb));
  }

  ParticipantMachine machine;
  LockTimes lock_times;
  std::deque<ParticipantEvent> inbox;
  std::vector<ParticipantAction> actions;
  std::vector<ToCoordinator> outbox;
  std::shared_ptr<Link> link;
  std::string failure_shown;
  std::optional<LedgerId> ledger;            // of the coordinator that was linked last
  Instant away_since = read_clock().steady;  // counts while there is no working link
  std::uint64_t links = 0;
  std::uint64_t alarms = 0;
  Database database;
  LinkDialer dialer;
  Turns turns;
};

Agent::Agent(boost::asio::io_context& io, std::string name, ParticipantLimits limits,
             DatabaseOptions database, std::vector<std::string> coordinators)
    : impl_(std::make_unique<Impl>(io, std::move(name), limits, std::move(database),
                                   std::move(coordinators))) {}

Agent::~Agent() = default;

void Agent::secure_link(TlsContext tls, std::string token) {
  impl_->dialer.secure(std::move(tls), std::move(token));
}

void Agent::start() {
  impl_->database.start();
  impl_->dialer.start();
}

void Agent::stop() {
  impl_->dialer.stop();
  impl_->database.stop();
}

const ParticipantMachine& Agent::machine() const {
  return impl_->machine;
}

Database& Agent::database() {
  return impl_->database;
}

std::optional<Duration> Agent::away() const {
  if (impl_->is_linked()) return std::nullopt;
  return std::chrono::duration_cast<Duration>(read_clock().steady - impl_->away_since);
}

std::optional<LedgerId> Agent::ledger() const {
  return impl_->ledger;
}

std::uint64_t Agent::links() const {
  return impl_->links;
}

void Agent::push_report(const std::string& report) {
  if (impl_->link && impl_->is_linked()) impl_->link->send(encode_report(report));
}

std::uint64_t Agent::alarms() const {
  return impl_->alarms;
}

}  // namespace assent
