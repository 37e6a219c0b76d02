// GET /v1/groups.
#include <algorithm>

#include "coordinator/api/endpoints.hpp"
#include "coordinator/api/json_writer.hpp"
#include "coordinator/engine.hpp"
#include "protocol/text.hpp"

namespace assent {
namespace {

void append_member(std::string& out, const std::string& participant,
                   const std::map<std::string, Member>& known) {
  const auto found = known.find(participant);
  JsonObject object(out);
  object.text("participant", participant);
  object.text("state", found == known.end() ? "unknown" : to_string(found->second.state));
}

}  // namespace

// A client sees the groups that it can use: those whose members it may all use.
void list_groups(Call call) {
  const auto& known = call.engine.machine().members();
  std::string body;
  {
    JsonObject document(body);
    JsonArray list(document.field("groups"));
    for (const auto& [name, members] : call.groups) {
      const auto usable = [&call](const std::string& each) { return call.caller->may_use(each); };
      if (call.caller->role == Role::client && !std::all_of(members.begin(), members.end(), usable))
        continue;
      JsonObject group(list.element());
      group.text("name", name);
      JsonArray inner(group.field("members"));
      for (const std::string& member : members) append_member(inner.element(), member, known);
    }
  }
  call.answer(std::move(body));
}

}  // namespace assent
