// The state of the coordinator in one small answer: cheap enough to be asked for every second.
#include <array>
#include <cmath>

#include "coordinator/activity.hpp"
#include "coordinator/api/endpoints.hpp"
#include "coordinator/api/json_writer.hpp"
#include "coordinator/engine.hpp"
#include "protocol/text.hpp"

namespace assent {
namespace {

std::uint64_t micros(double seconds) {
  return static_cast<std::uint64_t>(std::llround(seconds * 1e6));
}

void append_states(std::string& out, const CoordinatorMachine& machine) {
  std::array<std::uint64_t, 7> counts{};
  for (const auto& [id, tx] : machine.transactions()) ++counts[static_cast<std::size_t>(tx.state)];
  JsonObject states(out);
  for (std::size_t state = 0; state < counts.size(); ++state)
    states.number(to_string(static_cast<TxState>(state)), counts[state]);
  states.number("in_doubt", machine.doubts().size());
}

// Counted apart from the states: a transaction that is damaged has one of those as well.
void append_damage(std::string& out, const CoordinatorMachine& machine) {
  std::uint64_t unacknowledged = 0;
  std::uint64_t acknowledged = 0;
  for (const auto& [id, tx] : machine.transactions())
    if (tx.damaged()) ++(tx.alarming().empty() ? acknowledged : unacknowledged);
  JsonObject damage(out);
  damage.number("unacknowledged", unacknowledged);
  damage.number("acknowledged", acknowledged);
}

void append_activity(std::string& out, const Activity& activity) {
  JsonObject object(out);
  object.number("committed", activity.committed);
  object.number("aborted", activity.aborted);
  object.number("other", activity.other);
  object.number("answer_us", micros(activity.answer_seconds));
  object.number("syncs", activity.syncs);
  object.number("sync_us", micros(activity.sync_seconds));
}

}  // namespace

void show_overview(Call call) {
  const CoordinatorMachine& machine = call.engine.machine();
  HttpResponse response;
  response.headers.emplace_back("Cache-Control", "no-store");
  {
    JsonObject document(response.body);
    document.time("at", call.engine.now().wall_ms);
    document.text("version", ASSENT_VERSION);
    document.text("ledger", to_string(machine.ledger()));
    document.number("epoch", machine.epoch());
    document.text("standing", to_string(machine.standing()));
    document.number("sequence", machine.sequence());
    append_states(document.field("transactions"), machine);
    append_damage(document.field("damaged"), machine);
    append_activity(document.field("since_start"), call.engine.activity());
    JsonArray participants(document.field("participants"));
    for (const auto& [name, member] : machine.members()) {
      JsonObject participant(participants.element());
      participant.text("name", name);
      participant.text("state", to_string(member.state));
      participant.number("prepared_count", member.held.size());
    }
  }
  call.respond(std::move(response));
}

}  // namespace assent
