// One step of the coordinator's machine: the event's handlers and what they share. Internal to the
// machine.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/coordinator_machine.hpp"

namespace assent {

struct CoordinatorStep {
  CoordinatorMachine& m;
  const Now now;
  std::vector<CoordinatorAction>& out;

  // coordinator_machine.cpp: requests
  void on(const Begin& event);
  void on(const ExecuteAsked& event);
  void on(const CommitAsked& event);
  void on(const RollbackAsked& event);
  void on(const Drain& event);
  void on(const LimitsChanged& event);
  void on(const CoordinatorTick& event);

  // coordinator_admission.cpp: what is let in
  std::optional<Failure> objection(const Begin& event) const;
  std::optional<Failure> unreachable(const std::string& participant) const;
  std::optional<Failure> inadmissible(const std::string& participant) const;
  void admitted(const std::string& participant);
  // The only way a branch comes to an unfinished transaction; and how it leaves, when that ends.
  void joins(Transaction& tx, TxBranch branch);
  void leaves(const std::string& participant);
  void unanswered_by(const std::string& participant);
  void answered_by(const std::string& participant);

  // coordinator_decision.cpp: votes, the decision, and what follows from it
  void on(const Logged& event);
  void on(const LogRefused& event);
  void received(const std::string& from, const Executed& message);
  void received(const std::string& from, const Vote& message);
  void received(const std::string& from, const Applied& message);
  void prepare(Transaction& tx);
  void decide_if_complete(Transaction& tx);
  void decided(Transaction& tx);
  void abort(Transaction& tx, Failure failure);
  void finish_if_told(Transaction& tx);
  void log_end(const Transaction& tx);
  void damage_durable();
  void finish(Transaction& tx, TxState state);
  void damaged_unknown(const std::string& from, const Applied& message);
  void record_damage(HeuristicRecord record);
  void tick(Transaction& tx);
  void forget(const TxId& id);
  void trim_finished();

  // coordinator_external.cpp: branches that the application prepares
  void begin_external(Transaction& tx, const Begin& event);
  void ask_external(Transaction& tx);
  void miss(Transaction& tx, TxBranch& branch, Failure failure);
  void conclude_ask(Transaction& tx);
  void not_answered(Transaction& tx, const std::string& participant, std::string why);

  // coordinator_members.cpp: links and what participants hold
  void on(const LinkUp& event);
  void on(const LinkDown& event);
  void on(const FromParticipant& event);
  void received(const std::string& from, const Hello& message);
  void received(const std::string& from, const Ready& message);
  void received(const std::string& from, const Inquiry& message);
  void received(const std::string& from, const Evidence& message);
  void welcome_recorded();
  void log_member(const std::string& name, Member& member);
  void disown_history(const std::string& name, Member& member);
  void tell_decision(Transaction& tx, TxBranch& branch);
  void lost_branches(const std::string& participant);
  bool ready(const std::string& participant) const;
  // Answers "what became of this branch, which `from` holds prepared", or opens a doubt, or says
  // nothing.
  void rule(const std::string& from, const HeldBranch& branch);
  void rule_by_record(Transaction& tx, const HeldBranch& branch);
  void tell_aborted(const HeldBranch& held);
  bool stopped_by(const std::string& from, const Gid& gid);

  // coordinator_doubt.cpp
  void doubt(const std::string& from, const HeldBranch& branch, std::string why);
  void weigh(Doubt& doubt);
  // It is aborted: those who asked are told, and the doubt is gone.
  void settle_doubt(const TxId& tx);
  void adopt_commit(Doubt& doubt);
  void unadopt(Transaction& tx);
  void ask_peers(Doubt& doubt);

  // coordinator_resolution.cpp: what an operator decides
  void on(const ResolveAsked& event);
  void on(const AcknowledgeAsked& event);
  void resolve(Doubt& doubt, const ResolveAsked& event, const ResolutionPreview& preview);
  void resolutions_durable();
  void resolved(const TxId& id);
  bool resolution_refused(RecordNumber record);
  // What is heard of a transaction that an operator has decided.
  void heard_of_resolved(Transaction& tx, const std::string& from, Knowledge knowledge);
  void held_of_resolved(Transaction& tx, const HeldBranch& held);
  void applied_of_resolved(Transaction& tx, const std::string& from, const Applied& message);
  bool recorded_damage_of_resolved(Transaction& tx, const std::string& from);
  void add_to_resolved(Transaction& tx, const std::string& participant, BranchPhase phase);
  // Whether anybody could be asked.
  bool ask_unheard(Transaction& tx);
  void ask_unheard_at(const std::string& participant);

  // shared
  RecordNumber log(LogRecord record);
  void send(const std::string& participant, ToParticipant message);
  void reply(RequestId request, const TxId& tx, Fate fate);
  void refuse(RequestId request, const TxId& tx, Failure failure, Fate fate);
  void refuse(RequestId request, const TxId& tx, Problem problem, std::string message);
  void answer_all(Transaction& tx);
  void set_timer(Transaction& tx, Instant at);
  Gid gid_of(const Transaction& tx, const std::string& participant) const;
  // The transaction a message is about; nullptr when it is not one of this machine's.
  Transaction* find(const Gid& gid);
};

// So far may clocks that mean the same time be apart.
inline constexpr std::int64_t kClockSlackMs = 60'000;

inline Failure failure(Problem problem, std::string message, std::string participant = {}) {
  Failure result;
  result.problem = problem;
  result.message = std::move(message);
  result.participant = std::move(participant);
  return result;
}

}  // namespace assent
