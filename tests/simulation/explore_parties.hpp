// The parties of an installation and what each does at an event, computed once. Internal to the
// explorer.
#pragma once

#include <functional>
#include <span>

#include "protocol/text.hpp"
#include "tests/simulation/explore_model.hpp"

namespace assent::explore {

struct Coordinator {
  CoordinatorMachine machine;
  Instant clock;
};
struct Participant {
  ParticipantMachine machine;
  Instant clock;
};

// The log as it would be found by the next start.
struct Ledger {
  struct Entry {
    Id record = 0;
    RecordNumber number = 0;  // the coordinator's, while it is not durable
  };
  std::vector<Entry> entries;
  std::size_t durable = 0;
  bool torn = false;
};

struct Addressed {
  std::size_t site = 0;
  Id message = 0;
};

// What a machine does at an event, in parts that the steps carry out.
struct CoordinatorTurn {
  Id number = 0;
  Id after = 0;
  CoordinatorEvent event;
  std::vector<CoordinatorAction> actions;
  std::vector<Addressed> sends;
  std::vector<Ledger::Entry> records;
  std::vector<std::size_t> disconnects;
  std::vector<CoordinatorEvent> planted;  // taken next: a mistake made on purpose
  std::vector<Violation> violations;
};
struct ParticipantTurn {
  Id number = 0;
  Id after = 0;
  ParticipantEvent event;
  std::vector<ParticipantAction> actions;
  std::vector<Id> sends;
  std::vector<ParticipantAction> verbs;
  bool closes_link = false;
  std::vector<Violation> violations;
};
struct Observed {
  Id after = 0;
  std::vector<Violation> violations;
};

class Parties {
 public:
  explicit Parties(const Bounds& bounds);

  // ---- machines
  const CoordinatorTurn& turn(Id coordinator, const CoordinatorEvent& event);
  const ParticipantTurn& turn(std::size_t site, Id participant, const ParticipantEvent& event,
                              bool sweep = false);
  // The same for a message of this number, and for a timer.
  const CoordinatorTurn& heard(Id coordinator, std::size_t site, Id message);
  const ParticipantTurn& heard(std::size_t site, Id participant, Id message);
  const CoordinatorTurn& ticked(Id coordinator);
  const ParticipantTurn& ticked(std::size_t site, Id participant);
  Id start_participant(std::size_t site);
  // A start finds the ledger, writes its own record, and knows what stands there.
  struct Start {
    Id ledger = 0;
    Id coordinator = 0;
    std::vector<Id> durable;
  };
  const Start& start_coordinator(Id ledger);

  // What the participant's host makes of an answer of the database.
  ParticipantEvent read(ParticipantEvent answer) const;

  // ---- what happens is told to the observer once for each of its states
  const Observed& observe(Id observer, std::uint64_t what,
                          const std::function<void(Observer&)>& tell);
  const Observed& took(Id observer, Id before, const CoordinatorTurn& turn);
  const Observed& took(Id observer, std::size_t site, Epoch from, const ParticipantTurn& turn);
  const Observed& happened(Id observer, std::size_t site, const Fact& fact);
  const Observed& durable(Id observer, Id record);
  const Observed& client_asks(Id observer, Id coordinator);

  // ---- values and their numbers
  const Coordinator& coordinator(Id id) const { return coordinators_[id]; }
  const Participant& participant(Id id) const { return participants_[id]; }
  const Observer& observer(Id id) const { return observers_[id]; }
  const Ledger& ledger(Id id) const { return ledgers_[id]; }
  const Database& database(Id id) const { return databases_[id]; }
  const Task& task(Id id) const { return tasks_[id]; }
  const Site& site(Id id) const { return sites_[id]; }
  const ToCoordinator& to_coordinator(Id id) const { return to_coordinator_[id]; }
  const ToParticipant& to_participant(Id id) const { return to_participant_[id]; }
  const LogRecord& record(Id id) const { return records_[id]; }
  Id add(std::size_t site, const ToCoordinator& message);
  Id add(std::size_t site, const ToParticipant& message);
  Id add(std::size_t site, const Task& task);
  Id add(std::size_t site, const Database& database);
  Id add(std::size_t site, const Site& value);
  Id add(const LogRecord& record);
  Id add(const Ledger& ledger);
  Id add(const Observer& observer);

  std::array<std::uint64_t, 2> fingerprint(const State& state) const;
  std::string census() const;

  const Bounds& bounds() const { return bounds_; }
  const TextOptions& text_options() const { return text_options_; }
  LedgerId ledger_id() const { return ledger_id_; }
  TxId tx() const { return tx_; }
  Gid gid(std::size_t site, Epoch epoch) const;
  static std::string name(std::size_t site) { return "p" + std::to_string(site + 1); }
  static std::size_t site_of(const std::string& name) {
    return static_cast<std::size_t>(name.at(1) - '1');
  }
  // The client has the transaction's id.
  bool begun = false;
  static constexpr std::int64_t kWall = 1'760'000'000'000;

 private:
  // The numbers of one value with its participants renamed in every way.
  using Renamed = std::vector<Id>;
  struct Permutation {
    std::vector<std::size_t> to;
    Names names;
  };
  Id add(Coordinator coordinator);
  Id add(std::size_t site, Participant participant);
  Renamed renamed(const std::string& text, Instant clock);
  // The number that it has wherever it stands.
  Id placeless(std::size_t site, const std::string& text, Instant clock = {});
  void plant(Id before, CoordinatorTurn& turn);
  void plant(Id before, ParticipantTurn& turn);

  Bounds bounds_;
  LedgerId ledger_id_;
  TxId tx_;
  TextOptions text_options_;
  std::vector<Permutation> permutations_;
  Texts texts_;

  Table<std::string, Coordinator> coordinators_;
  Table<std::string, Participant> participants_;
  Table<std::string, Observer> observers_;
  Table<std::string, ToCoordinator> to_coordinator_;
  Table<std::string, ToParticipant> to_participant_;
  Table<std::string, LogRecord> records_;
  Table<std::string, Task> tasks_;
  Table<std::string, Database> databases_;
  Table<std::vector<std::uint64_t>, Ledger, Numbers> ledgers_;
  Table<std::vector<std::uint64_t>, Site, Numbers> sites_;
  std::vector<Renamed> renamed_coordinators_;
  std::vector<Renamed> renamed_observers_;
  std::vector<Renamed> renamed_ledgers_;
  std::vector<Id> placeless_participants_;
  std::vector<Id> placeless_to_coordinator_;
  std::vector<Id> placeless_to_participant_;
  std::vector<Id> placeless_tasks_;
  std::vector<Id> placeless_databases_;
  std::vector<Id> placeless_sites_;
  Table<std::vector<std::uint64_t>, char, Numbers> placeless_site_numbers_;

  Texts events_;
  Texts facts_;
  Memo<CoordinatorTurn> coordinator_turns_;
  Memo<ParticipantTurn> participant_turns_;
  std::unordered_map<std::uint64_t, const CoordinatorTurn*> coordinator_hears_;
  std::unordered_map<std::uint64_t, const ParticipantTurn*> participant_hears_;
  std::unordered_map<Id, Start> starts_;
  Memo<Observed> observed_;
};

}  // namespace assent::explore
