// The parties of a scenario and what is between them: one step at a time, told line by line.
// Nothing travels and no time passes unless a command says so; only a database answers at once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/invariants.hpp"
#include "tests/scenarios/air.hpp"
#include "tests/scenarios/database.hpp"
#include "tests/scenarios/ledger.hpp"
#include "tests/scenarios/names.hpp"

namespace assent::scenarios {

struct Coordinator {
  std::string name;
  Ledger ledger;
  std::optional<CoordinatorMachine> machine;
  std::map<std::string, std::shared_ptr<Link>> links;  // by participant, once it has said hello
  bool superseded = false;                             // a copy of its ledger is the one that stays
};

struct Participant {
  Participant(Observer& observer, std::string its_name, std::uint64_t server)
      : name(std::move(its_name)), database(observer, name, server) {}

  std::string name;
  Database database;
  std::optional<ParticipantMachine> machine;
  bool connected = false;  // to its database
  std::shared_ptr<Link> link;
  std::set<std::string> alarms;  // the transactions they were about
};

class World {
 public:
  World();

  // ---- the story
  void say(const std::string& line);
  std::vector<std::string> take_output() { return std::exchange(output_, {}); }
  bool violated() const { return violated_; }
  // Nothing is told while it runs, but for violations.
  void quietly(const std::function<void()>& what);

  // ---- parties; a name that nobody has is refused
  Coordinator& coordinator(const std::string& name = "coordinator");
  Participant& participant(const std::string& name);
  std::map<std::string, Participant>& participants() { return participants_; }
  std::map<std::string, Coordinator>& coordinators() { return coordinators_; }
  void add_participant(const std::string& name);
  void add_copy();
  TxId tx(const std::string& name) const;
  TxId new_tx(const std::string& name);
  TxId known_or_new_tx(const std::string& name) {
    return txs_.count(name) ? txs_.at(name) : new_tx(name);
  }
  Gid gid(const std::string& tx, const std::string& participant) const;

  // ---- life and death
  void start_coordinator(Coordinator& who, bool torn, bool moved, bool restored);
  void end_coordinator(Coordinator& who, bool power_lost);
  void start_participant(Participant& who);
  void end_participant(Participant& who);
  void connect(Participant& who, const std::string& to);
  void break_link(std::shared_ptr<Link> link, bool at_coordinator = true,
                  bool at_participant = true);
  void connect_database(Participant& who);
  void lose_database(Participant& who, const std::string& reason);

  // ---- what travels
  void request(CoordinatorEvent event, const std::string& asked_as);
  void put_in_air(Message message);
  void deliver(const std::shared_ptr<Message>& message);
  void lose(const std::shared_ptr<Message>& message, const std::string& how);
  std::vector<std::shared_ptr<Message>> in_air(const Pattern& pattern) const;
  std::vector<std::shared_ptr<Message>> travelling() const;  // on links, and not held
  // Databases and clients, until nothing but what is held is left.
  void flow();
  void sync(Coordinator& who);
  // Everything, until nothing moves.
  void settle();
  // At once: whatever is due then, is done once.
  void pass(Duration time);
  // Lets everything come to rest, and asks whether it has.
  void rest();

  // A PREPARE goes on in a backend that nobody listens to any more.
  void make_late(const std::shared_ptr<Message>& message);
  bool finish_late(const Gid& gid);
  void take(Coordinator& who, const CoordinatorEvent& event);
  void take(Participant& who, const ParticipantEvent& event, Epoch from = 0);

  const Names& names() const { return names_; }
  // As the coordinators' clocks show it.
  Now read_clock() const { return {now_.steady, now_.wall_ms + wall_jump_ms}; }

  CoordinatorLimits coordinator_limits;
  ParticipantLimits participant_limits;
  Observer observer;
  std::vector<Pattern> holds;
  std::set<std::pair<std::string, std::string>> cuts;  // from, to
  std::map<std::string, Fate> told;  // the last answer to a client, by transaction
  std::int64_t wall_jump_ms = 0;
  std::optional<Ledger> ledger_copy;
  static LedgerId ledger_id();
  static LedgerId other_ledger_id();

 private:
  void check_all();
  void found(const Violation& violation);
  // What a machine asks for; true when the log refused the record.
  bool perform(Coordinator& who, const CoordinatorAction& action);
  void perform(Participant& who, const ParticipantAction& action);
  void ask_database(Participant& who, const ParticipantAction& verb);
  bool is_in_air(const std::shared_ptr<Message>& message) const;
  void remove(const std::shared_ptr<Message>& message);
  void arrive(const Message& message);
  // False when it has to wait.
  bool run_verb(const std::shared_ptr<Message>& message);
  void end_unfinished(const Participant& who, const Gid& gid);
  void end_late(const Participant& who);

  Names names_;
  Now now_;
  std::map<std::string, Coordinator> coordinators_;
  std::map<std::string, Participant> participants_;
  std::map<std::string, TxId> txs_;
  std::map<std::string, Epoch> epochs_;  // in which a transaction was first asked for
  std::vector<std::shared_ptr<Message>> air_;
  std::map<Gid, Message> late_;
  std::map<RequestId, std::string> asked_;  // the transaction that a request names
  std::vector<std::string> output_;
  std::size_t violations_seen_ = 0;
  bool violated_ = false;
  bool quiet_ = false;
  RequestId last_request_ = 0;
  std::uint8_t last_life_ = 0;
};

}  // namespace assent::scenarios
