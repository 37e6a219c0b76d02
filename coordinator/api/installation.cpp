// Participants, the catalogue of problems, the version.
#include "coordinator/api/endpoints.hpp"
#include "coordinator/api/json_writer.hpp"
#include "coordinator/api/openapi.hpp"
#include "coordinator/api/participant_view.hpp"
#include "coordinator/api/problem_document.hpp"
#include "coordinator/engine.hpp"

namespace assent {
void list_participants(Call call) {
  std::string body;
  {
    JsonObject document(body);
    JsonArray list(document.field("participants"));
    for (const auto& [name, member] : call.engine.machine().members())
      append_participant(list.element(), name, member, call.groups, false);
  }
  call.answer(std::move(body));
}

void show_participant(Call call) {
  const auto& members = call.engine.machine().members();
  const auto found = members.find(call.name);
  if (found == members.end())
    return call.refuse(
        failure_of(Problem::participant_unknown,
                   "No participant of this name has ever connected: " + shortened(call.name)),
        404);
  std::string body;
  append_participant(body, found->first, found->second, call.groups, true);
  call.answer(std::move(body));
}

void show_errors(Call call) {
  call.answer(render_catalogue());
}

void show_description(Call call) {
  call.answer(std::string(openapi_document()));
}

void show_version(Call call) {
  const CoordinatorMachine& machine = call.engine.machine();
  std::string body;
  {
    JsonObject document(body);
    document.text("version", ASSENT_VERSION);
    document.text("api", "v1");
    document.text("ledger", to_string(machine.ledger()));
    document.number("epoch", machine.epoch());
    document.text("standing", to_string(machine.standing()));
  }
  call.answer(std::move(body));
}

}  // namespace assent
