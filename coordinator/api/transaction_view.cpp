#include "coordinator/api/transaction_view.hpp"

#include <algorithm>

#include "coordinator/api/groups.hpp"
#include "coordinator/api/json_writer.hpp"
#include "coordinator/api/problem_document.hpp"
#include "coordinator/api/results_view.hpp"

namespace assent {
namespace {

// When the transaction aborts by itself, on the wall clock. Computed from its begin, so that the
// same state always looks the same.
std::int64_t expires_wall_ms(const Transaction& tx) {
  Instant at = tx.deadline;
  if (tx.state == TxState::open && tx.mode == Mode::interactive)
    at = std::min(at, tx.conversation.idle_at);
  return tx.begun_wall_ms + std::chrono::duration_cast<Duration>(at - tx.begun_at).count();
}

void append_open_fields(JsonObject& object, const Transaction& tx) {
  if (tx.state != TxState::open && tx.state != TxState::preparing) return;
  if (tx.state == TxState::open && tx.mode == Mode::interactive)
    object.number("next_seq", tx.conversation.last_seq + std::uint64_t{1});
  object.time("expires_at", expires_wall_ms(tx));
}

void append_names(std::string& out, const auto& names) {
  JsonArray array(out);
  for (const std::string& name : names) append_json_string(array.element(), name);
}

void append_resolution(std::string& out, const Resolution& resolution) {
  JsonObject object(out);
  object.text("outcome", to_string(resolution.outcome));
  object.text("by", resolution.by);
  object.text("reason", resolution.reason);
  object.time("at", resolution.wall_ms);
  append_names(object.field("unheard"), resolution.unheard);
}

void append_acknowledgements(std::string& out, const std::vector<Acknowledgement>& all) {
  JsonArray array(out);
  for (const Acknowledgement& each : all) {
    JsonObject object(array.element());
    object.text("by", each.by);
    object.text("reason", each.reason);
    object.time("at", each.wall_ms);
    append_names(object.field("participants"), each.participants);
  }
}

// What the application runs at the end of its work in this branch. Deferred constraints and their
// triggers come first, while the session has its own role; the role that prepares is the one that
// the participant may act for (sql/participant.sql).
void append_prepare(JsonObject& object, const Gid& gid) {
  const std::string text = to_string(gid);
  object.text("gid", text);
  JsonArray statements(object.field("prepare"));
  append_json_string(statements.element(), "SET CONSTRAINTS ALL IMMEDIATE");
  append_json_string(statements.element(), "SET LOCAL ROLE assent_branch");
  append_json_string(statements.element(), "PREPARE TRANSACTION '" + text + "'");
}

}  // namespace

std::string_view branch_state(BranchPhase phase) {
  switch (phase) {
    case BranchPhase::yes:
      return "prepared";
    case BranchPhase::no:
      return "refused";
    case BranchPhase::not_yet:
      return "not_prepared";
    case BranchPhase::finishing:
      return "pending";
    default:
      return to_string(phase);
  }
}

bool in_doubt(const Transaction& tx) {
  return std::any_of(tx.branches.begin(), tx.branches.end(), [](const TxBranch& branch) {
    return branch.phase == BranchPhase::yes || branch.phase == BranchPhase::finishing;
  });
}

void append_branches(std::string& out, const Transaction& tx, Detail detail,
                     const LedgerId& ledger) {
  const bool to_prepare = tx.mode == Mode::external && !ledger.uuid.is_nil() &&
                          (tx.state == TxState::open || tx.state == TxState::preparing);
  JsonArray branches(out);
  for (const TxBranch& branch : tx.branches) {
    JsonObject object(branches.element());
    object.text("participant", branch.participant);
    object.text_unless_empty("group", group_of(tx.labels, branch.participant));
    object.text("state", branch_state(branch.phase));
    if (detail == Detail::full && branch.results)
      append_results(object.field("results"), *branch.results);
    if (detail == Detail::full && to_prepare)
      append_prepare(object, {ledger, tx.epoch, tx.tx, branch.participant});
  }
}

void append_transaction(std::string& out, const Transaction& tx, Detail detail,
                        const LedgerId& ledger) {
  JsonObject object(out);
  object.text("id", to_string(tx.tx));
  object.text("state", to_string(tx.state));
  object.text("outcome", to_string(fate_of(tx.state)));
  object.text("mode", to_string(tx.mode));
  object.time("begun_at", uuid7_unix_ms(tx.tx.uuid).value_or(tx.begun_wall_ms));
  object.time("decided_at", tx.decided_wall_ms);
  object.time("ended_at", tx.ended_wall_ms);
  append_open_fields(object, tx);
  if (!tx.labels.empty()) object.field("labels") += tx.labels;
  if (tx.damaged()) {
    object.boolean("damaged", true);
    object.boolean("acknowledged", tx.alarming().empty());
  }
  if (tx.resolution) append_resolution(object.field("resolution"), *tx.resolution);
  if (!tx.acknowledgements.empty())
    append_acknowledgements(object.field("acknowledgements"), tx.acknowledgements);
  append_branches(object.field("branches"), tx, detail, ledger);
  if (tx.failure) append_failure(object.field("failure"), *tx.failure);
}

void append_doubt(std::string& out, const Doubt& doubt) {
  JsonObject object(out);
  object.text("id", to_string(doubt.gid.tx));
  object.text("state", "in_doubt");
  object.text("outcome", to_string(Fate::unknown));
  object.time("begun_at", uuid7_unix_ms(doubt.gid.tx.uuid).value_or(0));
  object.text("why", doubt.why);
  JsonArray branches(object.field("branches"));
  for (const std::string& participant : doubt.askers) {
    JsonObject branch(branches.element());
    branch.text("participant", participant);
    branch.text("state", branch_state(BranchPhase::yes));
  }
}

void append_statements_answer(std::string& out, const Transaction& tx) {
  JsonObject object(out);
  const Conversation& talk = tx.conversation;
  object.text("id", to_string(tx.tx));
  object.text("participant", talk.last_participant);
  object.number("seq", talk.last_seq);
  append_open_fields(object, tx);
  if (talk.last_answer) append_results(object.field("results"), *talk.last_answer);
}

}  // namespace assent
