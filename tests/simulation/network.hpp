// Links between participants and coordinators. What is sent may be lost, doubled, overtaken and
// delayed while `chaos` says so; the three messages of the greeting arrive in order or the link
// ends.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec.hpp"
#include "protocol/messages.hpp"
#include "tests/simulation/world.hpp"

namespace assent::simulation {

class CoordinatorHost;
class ParticipantHost;

struct SimulatedLink {
  std::uint64_t id = 0;
  CoordinatorHost* coordinator = nullptr;
  ParticipantHost* participant = nullptr;
  Epoch epoch = 0;             // of the coordinator at its end
  bool at_coordinator = true;  // that end is open
  bool at_participant = true;
  Instant last_to_coordinator{};
  Instant last_to_participant{};
};
using LinkPtr = std::shared_ptr<SimulatedLink>;

class Network {
 public:
  struct Chaos {
    unsigned lost_permille = 0;
    unsigned doubled_permille = 0;
    unsigned overtaken_permille = 0;
    std::int64_t overtaken_by_us = 0;
    std::int64_t latency_us = 2'000;
  };

  explicit Network(World& world) : world_(world) {}

  // A participant looks for a coordinator; calls its link_opened() when it has found one.
  void dial(ParticipantHost& participant);
  void send(const LinkPtr& link, const std::vector<ToCoordinator>& frame);
  void send(const LinkPtr& link, const std::vector<ToParticipant>& frame);
  // Both ends learn of it, each in its own time.
  void break_link(const LinkPtr& link, std::int64_t at_most_us);
  // One direction, or both, between a participant and every coordinator.
  void cut(const std::string& participant, bool to_coordinator, bool to_participant);
  void heal();

  std::vector<CoordinatorHost*> coordinators;
  Chaos chaos;

 private:
  struct Cut {
    bool to_coordinator = false;
    bool to_participant = false;
  };
  template <typename Message>
  void carry(const LinkPtr& link, const Message& message, Instant& last, bool is_cut);
  // Every message travels as bytes; the last argument only says of which kind they are.
  void arrive(const LinkPtr& link, std::string_view bytes, const ToCoordinator&);
  void arrive(const LinkPtr& link, std::string_view bytes, const ToParticipant&);
  template <typename Message>
  void take(const LinkPtr& link, const Decoded<Message>& frame);
  Cut cut_of(const SimulatedLink& link) const;

  World& world_;
  std::uint64_t last_link_ = 0;
  std::map<std::string, Cut> cuts_;
};

}  // namespace assent::simulation
