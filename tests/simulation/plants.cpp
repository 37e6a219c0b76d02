#include "tests/simulation/plants.hpp"

#include <array>

namespace assent::simulation {
namespace {

constexpr std::array<PlantInfo, 12> kPlants = {{
    {Plant::logged_before_durable, "logged-before-durable",
     "a record is reported durable when it is taken", "I1 I5"},
    {Plant::failed_sync_ignored, "failed-sync-ignored",
     "a record is reported durable although its sync failed", "I1 I5"},
    {Plant::applied_for_all, "applied-for-all",
     "when one branch has applied, the others are taken for applied", "I8"},
    {Plant::inquiry_presumes_abort, "inquiry-presumes-abort",
     "every inquiry about what is not committed is answered with Abort", "I3 I4 I9"},
    {Plant::no_vote_counts_as_yes, "no-vote-counts-as-yes", "a no is sent as a yes", "I2"},
    {Plant::prepared_without_tag, "prepared-without-tag", "a PREPARE that failed is read as a yes",
     "I2"},
    {Plant::no_such_gid_is_done, "no-such-gid-is-done", "42704 is read as success", "I4"},
    {Plant::lost_reply_is_done, "lost-reply-is-done",
     "a connection lost in phase two is read as success", "I8 I10"},
    {Plant::absence_is_abort, "absence-is-abort",
     "no status and no line in the journal are read as rolled back", "I4"},
    {Plant::marks_ignored, "marks-ignored", "the epochs kept in the database are not looked at",
     "I7 I9"},
    {Plant::heuristic_hidden, "heuristic-hidden",
     "a branch that was ended by hand is reported as applied", "I4 I8"},
    {Plant::copy_trusted, "copy-trusted", "a ledger that was put back is taken for complete",
     "I4 I9"},
}};

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
