#include "tests/simulation/plants.hpp"

namespace assent::simulation {
namespace {

constexpr PlantInfo kPlants[] = {
    {Plant::logged_before_durable, "logged-before-durable",
     "a record is reported durable when it is taken", "I1 I5"},
    {Plant::failed_sync_ignored, "failed-sync-ignored",
     "a record is reported durable although its sync failed", "I1 I5"},
    {Plant::commit_sent_at_once, "commit-sent-at-once",
     "Commit leaves before its record is durable", "I1"},
    {Plant::sync_skipped, "sync-skipped", "the ledger's files are never synced", "I1 log"},
    {Plant::failed_sync_retried, "failed-sync-retried",
     "a sync that failed is tried again, and then trusted", "I1 log"},
    {Plant::folder_sync_skipped, "folder-sync-skipped",
     "the name of a new segment is not made durable", "I1 log"},
    {Plant::segments_deleted_early, "segments-deleted-early",
     "older segments go before the name of the new one is durable", "log"},
    {Plant::checksum_ignored, "checksum-ignored", "a record's checksum is not looked at", "log"},
    {Plant::refusal_swallowed, "refusal-swallowed", "a log without room says nothing", "I10"},
    {Plant::snapshot_forgets, "snapshot-forgets",
     "a new segment does not repeat unfinished commits", "I9 I10"},
    {Plant::torn_tail_trusted, "torn-tail-trusted",
     "a torn last record is taken for one that was never acted on", "I4 I9"},
    {Plant::copy_trusted, "copy-trusted", "a ledger that was put back is taken for complete",
     "I4 I9"},
    {Plant::epoch_not_raised, "epoch-not-raised", "a start takes the epoch of the one before",
     "I10"},
    {Plant::applied_for_all, "applied-for-all",
     "when one branch has applied, the others are taken for applied", "I8"},
    {Plant::inquiry_presumes_abort, "inquiry-presumes-abort",
     "every inquiry about what is not committed is answered with Abort", "I3 I4 I9"},
    {Plant::abort_told_as_commit, "abort-told-as-commit",
     "a client is told committed of what was aborted", "I5"},
    {Plant::unknown_told_as_aborted, "unknown-told-as-aborted",
     "a client is told aborted of what is not known", "I3 I9"},
    {Plant::key_dropped, "key-dropped", "idempotency keys are not looked at", "I5"},
    {Plant::no_vote_counts_as_yes, "no-vote-counts-as-yes", "a no is sent as a yes", "I2"},
    {Plant::prepared_without_tag, "prepared-without-tag", "a PREPARE that failed is read as a yes",
     "I2"},
    {Plant::expectation_ignored, "expectation-ignored",
     "a branch whose expectation failed is voted for", "I2"},
    {Plant::yes_called_read_only, "yes-called-read-only",
     "a branch that is prepared is called read-only", "I4 I10"},
    {Plant::external_not_verified, "external-not-verified",
     "a branch that the application prepares is voted for without a look", "I2"},
    {Plant::not_yet_counts_as_yes, "not-yet-counts-as-yes",
     "a branch that the application has not prepared counts as a yes", "I2"},
    {Plant::gid_is_enough, "gid-is-enough",
     "what was prepared again under the gid of a committed branch is committed as well", "I4"},
    {Plant::work_done_twice, "work-done-twice", "statements are run twice", "I4"},
    {Plant::dropped_with_link, "dropped-with-link",
     "what is prepared is rolled back when the link breaks", "I6"},
    {Plant::outcome_swapped, "outcome-swapped", "ROLLBACK PREPARED is sent for COMMIT PREPARED",
     "I4"},
    {Plant::no_such_gid_is_done, "no-such-gid-is-done", "42704 is read as success", "I4 I8"},
    {Plant::lost_reply_is_done, "lost-reply-is-done",
     "a connection lost in phase two is read as success", "I4 I8"},
    {Plant::commit_not_told, "commit-not-told",
     "COMMIT PREPARED is sent without its line in the journal", "I4"},
    {Plant::absence_is_abort, "absence-is-abort",
     "no status and no line in the journal are read as rolled back", "I4"},
    {Plant::foreign_status_read, "foreign-status-read",
     "a status is read from whatever server is there", "I4 I8"},
    {Plant::standby_believed, "standby-believed", "the empty list of a standby is believed",
     "I10 P42"},
    {Plant::failed_list_is_empty, "failed-list-is-empty", "a list that failed is read as empty",
     "P42 I10"},
    {Plant::marks_ignored, "marks-ignored", "the epochs kept in the database are not looked at",
     "I7 I9"},
    {Plant::mark_not_written, "mark-not-written", "an epoch is obeyed before it is durable", "I7"},
    {Plant::next_xid_ignored, "next-xid-ignored",
     "that a database which was put back gives out ids again is not looked at", "I4 I8 I10"},
    {Plant::resolution_sent_at_once, "resolution-sent-at-once",
     "an operator's decision leaves before its record is durable", "I1"},
    {Plant::resolution_forgotten, "resolution-forgotten",
     "a start does not read what operators have decided", "I3 I4 I9 log"},
    {Plant::acknowledged_at_once, "acknowledged-at-once",
     "damage is shown as acknowledged before the record of it is durable", "I1"},
    {Plant::heuristic_hidden, "heuristic-hidden",
     "a branch that was ended by hand is reported as applied", "I4 I8"},
};

}  // namespace

std::span<const PlantInfo> all_plants() {
  return kPlants;
}

std::optional<Plant> parse_plant(std::string_view name) {
  for (const PlantInfo& each : kPlants)
    if (each.name == name) return each.plant;
  return std::nullopt;
}

}  // namespace assent::simulation
