#include "coordinator/api/participant_view.hpp"

#include "coordinator/api/json_writer.hpp"
#include "protocol/text.hpp"

namespace assent {
namespace {

void append_server(std::string& out, const ServerIdentity& server) {
  JsonObject object(out);
  object.text("system_identifier", std::to_string(server.system_identifier));
  object.number("timeline", server.timeline);
  object.text("database", server.database);
}

// How far its database has seen this ledger count.
void append_mark(std::string& out, const Member& member) {
  JsonObject object(out);
  object.number("epoch", member.mark.epoch);
  object.number("sequence", member.mark.sequence);
  object.number("durable_sequence", member.durable_mark);
}

void append_held(std::string& out, const HeldBranch& held) {
  JsonObject object(out);
  object.text("gid", to_string(held.gid));
  object.text("transaction", to_string(held.gid.tx));
  object.text("xid", std::to_string(held.xid));
  JsonArray peers(object.field("peers"));
  for (const std::string& peer : held.peers) append_json_string(peers.element(), peer);
}

}  // namespace

void append_participant(std::string& out, const std::string& name, const Member& member,
                        const Groups& groups, bool prepared) {
  JsonObject object(out);
  object.text("name", name);
  object.text("state", to_string(member.state));
  append_server(object.field("server"), member.server);
  if (const auto in = groups_with(groups, name); !in.empty()) {
    JsonArray list(object.field("groups"));
    for (const std::string_view group : in) append_json_string(list.element(), group);
  }
  append_mark(object.field("mark"), member);
  if (member.rewound_below > 0) object.number("rewound_below_epoch", member.rewound_below);
  if (member.unanswered > 0) object.number("unanswered_requests", member.unanswered);
  object.number("prepared_count", member.held.size());
  if (!prepared) return;
  JsonArray held(object.field("prepared"));
  for (const HeldBranch& branch : member.held) append_held(held.element(), branch);
}

}  // namespace assent
