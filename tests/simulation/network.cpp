#include "tests/simulation/network.hpp"

#include <algorithm>
#include <span>
#include <type_traits>

#include "tests/simulation/coordinator_host.hpp"
#include "tests/simulation/participant_host.hpp"

namespace assent::simulation {
namespace {

bool is_greeting(const ToCoordinator& message) {
  return std::holds_alternative<Hello>(message) || std::holds_alternative<Ready>(message);
}
bool is_greeting(const ToParticipant& message) {
  return std::holds_alternative<Welcome>(message);
}

}  // namespace

Network::Cut Network::cut_of(const SimulatedLink& link) const {
  const auto found = cuts_.find(link.participant->name());
  return found == cuts_.end() ? Cut{} : found->second;
}

void Network::dial(ParticipantHost& participant) {
  const auto cut = cuts_.find(participant.name());
  if (cut != cuts_.end() && (cut->second.to_coordinator || cut->second.to_participant)) return;
  std::vector<CoordinatorHost*> alive;
  for (CoordinatorHost* each : coordinators)
    if (each->running() && !each->paused()) alive.push_back(each);
  if (alive.empty()) return;
  auto link = std::make_shared<SimulatedLink>();
  link->id = ++last_link_;
  link->coordinator = world_.random.pick(alive);
  link->participant = &participant;
  link->epoch = link->coordinator->machine()->epoch();
  link->coordinator->link_opened(link);
  participant.link_opened(link);
}

void Network::send(const LinkPtr& link, const std::vector<ToCoordinator>& frame) {
  if (!link->at_participant) return;
  for (const ToCoordinator& message : frame)
    carry(link, message, link->last_to_coordinator, cut_of(*link).to_coordinator);
}

void Network::send(const LinkPtr& link, const std::vector<ToParticipant>& frame) {
  if (!link->at_coordinator) return;
  for (const ToParticipant& message : frame)
    carry(link, message, link->last_to_participant, cut_of(*link).to_participant);
}

template <typename Message>
void Network::carry(const LinkPtr& link, const Message& message, Instant& last, bool is_cut) {
  ++world_.messages;
  const auto bytes =
      std::make_shared<const std::string>(encode_frame(std::span<const Message>(&message, 1)));
  const auto deliver_at = [&](Instant when) {
    world_.scheduler.at(when, [this, link, bytes] { arrive(link, *bytes, Message()); });
  };
  if (is_greeting(message)) {
    if (is_cut) return break_link(link, 5'000'000);
  } else {
    if (is_cut || world_.random.permille(chaos.lost_permille))
      return world_.count_fault("message_lost");
    if (world_.random.permille(chaos.doubled_permille)) {
      world_.count_fault("message_doubled");
      deliver_at(world_.now() + Micros(world_.random.between(50, 5'000'000)));
    }
    if (world_.random.permille(chaos.overtaken_permille)) {
      world_.count_fault("message_overtaken");
      return deliver_at(world_.now() + Micros(world_.random.between(50, chaos.overtaken_by_us)));
    }
  }
  last = std::max(last, world_.now() + world_.latency(30, chaos.latency_us));
  deliver_at(last);
}

template <typename Message>
void Network::take(const LinkPtr& link, const Decoded<Message>& frame) {
  constexpr bool to_coordinator = std::is_same_v<Message, ToCoordinator>;
  if (!frame.ok()) return world_.observer.report({"codec", frame.error});
  for (const Message& message : frame.messages)
    if constexpr (to_coordinator)
      link->coordinator->received(link, message);
    else
      link->participant->received(link, message);
}

void Network::arrive(const LinkPtr& link, std::string_view bytes, const ToCoordinator&) {
  if (link->at_coordinator) take(link, decode_to_coordinator(bytes));
}

void Network::arrive(const LinkPtr& link, std::string_view bytes, const ToParticipant&) {
  if (link->at_participant) take(link, decode_to_participant(bytes));
}

void Network::break_link(const LinkPtr& link, std::int64_t at_most_us) {
  world_.scheduler.after(Micros(world_.random.between(10, at_most_us)),
                         [link] { link->coordinator->link_closed(link); });
  world_.scheduler.after(Micros(world_.random.between(10, at_most_us)),
                         [link] { link->participant->link_closed(link); });
}

void Network::cut(const std::string& participant, bool to_coordinator, bool to_participant) {
  cuts_[participant] = {to_coordinator, to_participant};
}

void Network::heal() {
  cuts_.clear();
  chaos = Chaos{};
}

}  // namespace assent::simulation
