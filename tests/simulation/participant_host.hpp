// A participant's process: the real machine, the duties of its host, and what can befall it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/participant_machine.hpp"
#include "tests/simulation/database_client.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/server.hpp"
#include "tests/simulation/turns.hpp"

namespace assent::simulation {

class ParticipantHost {
 public:
  ParticipantHost(World& world, Network& network, Server& server, std::string name,
                  ParticipantLimits limits);
  ParticipantHost(const ParticipantHost&) = delete;
  ParticipantHost& operator=(const ParticipantHost&) = delete;

  void start();
  void crash();
  // Dies after so many more actions, in the middle of whatever it does then.
  void crash_after(unsigned actions);
  void pause(Micros time) { turns_.pause(time); }
  void lose_database(const std::string& reason);

  void link_opened(const LinkPtr& link);
  void link_closed(const LinkPtr& link);
  void received(const LinkPtr& link, const ToParticipant& message);

  const std::string& name() const { return name_; }
  bool running() const { return machine_.has_value(); }
  bool paused() const { return turns_.paused(); }
  const ParticipantMachine* machine() const { return machine_ ? &*machine_ : nullptr; }
  Server& server() { return server_; }
  const LinkPtr& link() const { return link_; }
  std::uint64_t alarms() const { return alarms_; }

  unsigned reply_loss_permille = 0;

 private:
  struct Item {
    ParticipantEvent event;
    Epoch from = 0;       // of the coordinator it came from, if it did
    Instant listed_at{};  // what the database held, before it arrived
  };
  void post(ParticipantEvent event, Epoch from = 0);
  void take_turn();
  void take(const Item& item);
  void perform(const SendToCoordinator& action);
  void perform(const CloseLink& action);
  void perform(const Alarm& action);
  template <typename Verb>
  void perform(const Verb& verb) {
    client_->perform(verb);
  }
  void keep_dialing();
  void planted(ToCoordinator& message) const;
  ParticipantEvent as_heard(ParticipantEvent event) const;
  bool believes_too_much(const ToCoordinator& message) const;
  void check_missing(const Gid& gid, Instant listed_at);

  World& world_;
  Network& network_;
  Server& server_;
  std::string name_;
  ParticipantLimits limits_;

  std::optional<ParticipantMachine> machine_;
  Turns turns_;
  std::deque<Item> inbox_;
  std::vector<ToCoordinator> outbox_;
  LinkPtr link_;
  std::vector<std::unique_ptr<DatabaseClient>>
      clients_;  // earlier ones still have commands on the way
  DatabaseClient* client_ = nullptr;
  std::uint64_t alarms_ = 0;
};

}  // namespace assent::simulation
