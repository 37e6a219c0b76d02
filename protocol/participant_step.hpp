// One step of the participant's machine: the event's handlers and what they share. Internal to the
// machine.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/participant_machine.hpp"

namespace assent {

struct ParticipantStep {
  ParticipantMachine& m;
  const Now now;
  std::vector<ParticipantAction>& out;

  // participant_machine.cpp: link, database, time, journal
  void on(const LinkOpened&);
  void on(const LinkClosed&);
  void on(const DatabaseUp& event);
  void on(const DatabaseDown& event);
  void on(const MarkRaised& event);
  void on(const MarkFailed& event);
  void on(const ListDone& event);
  void on(const ListFailed& event);
  void on(const JournalWritten& event);
  void on(const ParticipantTick&);
  void on(const FromCoordinator& event);
  void received(const Welcome& message);
  void greet();
  void close_link(std::string reason);
  void link_lost();
  void journal_soon();
  void write_journal();
  void disown_later_xids();
  void go_on(const ToldCommit& told);
  void take_held(const HeldBranch& held);
  void miss_unlisted(const std::vector<HeldBranch>& held, Instant prepared_before);

  // participant_branches.cpp: up to the vote
  void received(const Execute& message);
  void received(const Prepare& message);
  void on(const WorkDone& event);
  void on(const PrepareDone& event);
  void on(const Settled& event);
  void on(const Dropped& event);
  void came_out(Branch& branch, const PrepareDone::Yes& result);
  void came_out(Branch& branch, const PrepareDone::ReadOnly& result);
  void came_out(Branch& branch, const PrepareDone::No& result);
  void came_out(Branch& branch, const PrepareDone::Refused& result);
  void came_out(Branch& branch, const PrepareDone::Lost& result);
  bool is_full() const;  // takes no new branch
  void vote_no(const Gid& gid, Failure failure, std::uint32_t ask = 0);
  void drop(Branch& branch);

  // participant_external.cpp: branches that the application prepares
  void verify(const Prepare& message);
  void on(const Verified& event);
  void vote_not_yet(const Gid& gid, std::uint32_t ask, Failure failure);
  void look_soon(const Abort& message);
  void was_given_out(Xid xid);
  void heed_another_xid(Branch& branch, Xid xid);
  bool is_another(const Branch& branch, Xid decided) const;
  bool settles_another(Branch& branch, Xid xid, const ServerIdentity& server);
  void roll_back_another(Branch& branch, Xid decided, const ServerIdentity& server);
  void disown(Branch& branch, Xid decided, Sequence sequence);
  void prove_decided(Branch& branch);
  Outcome outcome_for(const Branch& branch) const;

  // participant_decision.cpp: from the decision to the end
  void hear_witness(Branch& branch, Xid xid, const ServerIdentity& server);
  void received(const Commit& message);
  void received(const Abort& message);
  void received(const Ask& message);
  void on(const FinishDone& event);
  void on(const StatusRead& event);
  void on(const JournalRead& event);
  void finish_prepared(Branch& branch, Outcome outcome);
  void try_again(Branch& branch, std::string trouble);
  void prove(Branch& branch);
  void ended_as(Branch& branch, Outcome happened, bool by_us);
  void ended_unproven(Branch& branch);
  void end(Branch& branch, Knowledge knowledge, Application application);
  void tell_applied(const EndedBranch& ended, Outcome decided);
  void due(Branch& branch);

  // shared
  bool link_ready() const { return m.link_ == ParticipantMachine::LinkState::ready; }
  // The link's coordinator may speak of this branch: its ledger, no later epoch than its own, our
  // name.
  bool may_speak_of(const Gid& gid) const;
  Branch* find(const Gid& gid);
  const EndedBranch* find_ended(const Gid& gid) const;
  Branch& add(const Gid& gid, BranchState state);
  void enter(Branch& branch, BranchState state);
  void set_retry(Branch& branch, Instant at);
  void send(ToCoordinator message);
};

}  // namespace assent
