#include "participant/branch_knowledge.hpp"

#include "participant/blocking.hpp"
#include "protocol/participant_machine.hpp"

namespace assent {
namespace {

constexpr const char* kThenDecision =
    "It commits or rolls back here as the ledger says; its locks are released and those who wait "
    "go on.";

BranchKnowledge foreign(const PreparedRow& row, const std::string& text) {
  BranchKnowledge known;
  known.state = "foreign";
  known.text = text;
  known.frees_by = "operator";
  known.frees =
      "Whoever prepared it (role " + row.owner +
      ") must end it, with COMMIT PREPARED or ROLLBACK PREPARED. Assent never touches it.";
  known.then = "Its locks are released and those who wait go on.";
  return known;
}

// A coordinator rules on the transactions of its own ledger, and on no others.
std::string only_that_ledger(const Gid& gid, const std::string& but) {
  return "Only the coordinator of ledger " + to_string(gid.ledger) + " may rule on it, and " + but +
         " Start the one with that ledger, or decide by hand after asking the other participants.";
}

void say_in_doubt(BranchKnowledge& known, const ParticipantMachine& machine, const Gid& gid,
                  bool away, const std::optional<LedgerId>& ledger) {
  known.state = "in_doubt";
  known.text = "in doubt, decision unknown";
  known.then = kThenDecision;
  const auto& marks = machine.marks();
  const bool other_ledger = !marks.empty() && !marks.contains(gid.ledger);
  if (other_ledger) {
    known.frees_by = "operator";
    known.frees = only_that_ledger(gid, "this database has never obeyed that ledger.");
  } else if (!away && ledger && *ledger != gid.ledger) {
    known.frees_by = "operator";
    known.frees = only_that_ledger(gid, "the one that is linked here has another, " +
                                            to_string(*ledger) + ", and will never decide it.");
  } else if (away) {
    known.frees_by = "coordinator";
    known.frees = "The coordinator's return. It must come back with its ledger, " +
                  to_string(gid.ledger) + "; nothing else is needed.";
  } else {
    known.frees_by = "decision";
    known.frees =
        "The coordinator's decision. It is here and is asked again and again: it waits for the "
        "votes of the other participants, for its own disk, or for evidence.";
  }
}

void say_unvoted(BranchKnowledge& known) {
  known.state = "preparing";
  known.text = "prepared, no vote given yet: this participant may still roll it back alone";
  known.frees_by = "database";
  known.frees = "Its vote, or its rollback, within its deadline.";
  known.then = "It goes on to the decision, or its locks are released.";
}

void say_decided(BranchKnowledge& known, const Branch& branch) {
  const bool commit = branch.decided == Outcome::committed;
  const std::string end = commit ? "COMMIT PREPARED" : "ROLLBACK PREPARED";
  known.state = "applying";
  known.text = commit           ? "commit decided, being applied"
               : branch.decided ? "abort decided, being applied"
                                : "refused before its vote, being rolled back";
  known.frees_by = "database";
  known.frees = "This participant tries " + end + " until the database carries it out" +
                (branch.trouble.empty() ? "." : "; it said: " + branch.trouble + ".");
  known.then = commit ? "It commits; its locks are released and those who wait go on."
                      : "It is rolled back; its locks are released and those who wait go on.";
  if (branch.state == BranchState::denied) {
    known.state = "denied";
    known.text = (commit ? "commit" : "abort") +
                 std::string(" decided, but PostgreSQL refuses to let this role carry it out");
    known.frees_by = "operator";
    known.frees = "An operator: " + branch.trouble + ". Then it is carried out by itself.";
  }
}

}  // namespace

BranchKnowledge knowledge_of(const PreparedRow& row, const ParticipantMachine& machine,
                             std::optional<std::chrono::milliseconds> away,
                             const std::optional<LedgerId>& ledger) {
  const auto gid = parse_gid(row.gid);
  if (!gid) return foreign(row, "prepared by other software");
  if (gid->participant != machine.name())
    return foreign(row, "belongs to another participant, " + gid->participant);

  BranchKnowledge known;
  known.ours = true;
  const auto found = machine.branches().find(*gid);
  if (found == machine.branches().end()) {
    known.state = "unknown";
    known.text = "prepared; nobody has worked on it since this participant last looked";
    known.frees_by = away ? "coordinator" : "decision";
    known.frees = "The next sweep finds it; then the coordinator is asked.";
    known.then = kThenDecision;
    return known;
  }
  const Branch& branch = found->second;
  known.attempts = branch.attempts;
  switch (branch.state) {
    case BranchState::working:
    case BranchState::preparing:
    case BranchState::settling:
    case BranchState::dropping:
      say_unvoted(known);
      break;
    case BranchState::prepared:
      say_in_doubt(known, machine, *gid, away.has_value(), ledger);
      break;
    case BranchState::committing:
    case BranchState::rolling_back:
    case BranchState::proving:
    case BranchState::denied:
      say_decided(known, branch);
  }
  return known;
}

}  // namespace assent
