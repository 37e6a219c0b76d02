// A state taken apart, to be changed by one step. Internal to the explorer.
#pragma once

#include "tests/simulation/explore_parties.hpp"

namespace assent::explore {

class Draft {
 public:
  Draft(Parties& parties, const State& from, bool with_text)
      : p_(parties), from_(from), state_(from), with_text_(with_text) {}

  // ---- what a step is made of
  void say(const std::string& what);
  void spend(Fault fault);
  void coordinator_takes(const CoordinatorEvent& event, bool log_refuses = false);
  void coordinator_did(const CoordinatorTurn& turn, bool log_refuses);
  void participant_takes(std::size_t site, const ParticipantEvent& event, bool sweep = false);
  void participant_did(std::size_t site, const ParticipantTurn& turn);
  void start_coordinator();
  void crash_coordinator(std::size_t records_kept, bool torn);
  void make_durable(std::size_t entries, bool log_refuses);
  void start_participant(std::size_t site);
  void crash_participant(std::size_t site, bool journal_unwritten);
  void connect(std::size_t site);
  void lose_connection(std::size_t site, bool told_first);
  void crash_database(std::size_t site);
  void carry_out(std::size_t site, Id task, std::size_t way);
  void answer(std::size_t site, Id task);
  void dial(std::size_t site);
  void link_noticed_by_participant(std::size_t site);
  void link_noticed_by_coordinator(std::size_t site);
  void deliver_to_coordinator(std::size_t site, Id message, bool keep, bool log_refuses);
  void deliver_to_participant(std::size_t site, Id message, bool keep);

  Site& site(std::size_t index);
  const Site& look(std::size_t index) const;
  const State& state() const { return state_; }
  // The log was to refuse records and there was none.
  bool is_void() const { return is_void_; }
  Step finish(bool is_fault);

 private:
  void observed(const Observed& result);
  void happened(std::size_t site, const std::vector<Fact>& facts);
  void put(std::size_t site, const ToCoordinator& message);
  void ask_database(std::size_t site, const ParticipantAction& verb);

  Parties& p_;
  const State& from_;
  State state_;
  bool with_text_;
  std::array<std::optional<Site>, kMostParticipants> changed_;
  std::vector<Violation> violations_;
  std::vector<std::string> text_;
  bool is_void_ = false;
};

// `unreliable`: the state after everything has been said that is said, and changes nothing but by
// being on its way. See explore_network.cpp.
State saturated(Parties& parties, State state);
bool is_greeting(const ToCoordinator& message);
bool is_greeting(const ToParticipant& message);

}  // namespace assent::explore
