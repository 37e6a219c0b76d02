#include "tests/simulation/network.hpp"

#include <algorithm>

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
  const auto deliver_at = [&](Instant when) {
    world_.scheduler.at(when, [this, link, message] { arrive(link, message); });
  };
  if (is_greeting(message)) {
    if (is_cut) return break_link(link, 5'000'000);
  } else {
    if (is_cut || world_.random.permille(chaos.lost_permille)) return;
    if (world_.random.permille(chaos.doubled_permille))
      deliver_at(world_.now() + Micros(world_.random.between(50, 5'000'000)));
    if (world_.random.permille(chaos.overtaken_permille))
      return deliver_at(world_.now() + Micros(world_.random.between(50, chaos.overtaken_by_us)));
  }
  last = std::max(last, world_.now() + world_.latency(30, chaos.latency_us));
  deliver_at(last);
}

void Network::arrive(const LinkPtr& link, const ToCoordinator& message) {
  if (link->at_coordinator) link->coordinator->received(link, message);
}

void Network::arrive(const LinkPtr& link, const ToParticipant& message) {
  if (link->at_participant) link->participant->received(link, message);
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
