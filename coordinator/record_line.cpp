// Records of the ledger as JSON, for scripts.
#include "coordinator/api/json_writer.hpp"
#include "coordinator/log_commands.hpp"
#include "protocol/text.hpp"

namespace assent {
namespace {

void append(JsonObject& to, const EpochRecord& record) {
  to.text("kind", "epoch");
  to.number("epoch", record.epoch);
  to.text("life", to_string(record.life));
  to.time("at", record.wall_ms);
  to.number("sequence", record.sequence);
  to.number("careful_below", record.careful_below);
  to.number("contradicted_below", record.contradicted_below);
  to.time("forgotten_until", record.forgotten_wall_ms);
  to.time("keys_forgotten_until", record.forgotten_key_ms);
  JsonObject place(to.field("place"));
  place.text("machine_id", record.place.machine_id);
  place.number("device", record.place.device);
  place.number("inode", record.place.inode);
}

void append(JsonObject& to, const MemberRecord& record) {
  to.text("kind", "member");
  to.text("participant", record.participant);
  to.text("server", to_text(record.server));
  to.number("rewound_below", record.rewound_below);
  to.number("witness_after", record.witness_after);
}

void append(std::string& out, const std::vector<DecidedBranch>& decided) {
  JsonArray branches(out);
  for (const DecidedBranch& branch : decided) {
    JsonObject object(branches.element());
    object.text("participant", branch.participant);
    object.text("xid", std::to_string(branch.xid));
    object.text("server", to_text(branch.server));
  }
}

void append(JsonObject& to, const CommitRecord& record) {
  to.text("kind", "commit");
  to.text("transaction", to_string(record.tx));
  to.number("epoch", record.epoch);
  to.number("sequence", record.sequence);
  to.time("at", record.wall_ms);
  to.text_unless_empty("labels", record.labels);
  if (record.key) {
    to.text("key_hash", hex(record.key->key));
    to.text("body_hash", hex(record.key->body));
    to.time("first_sent", record.key->first_sent_ms);
  }
  append(to.field("branches"), record.branches);
}

void append(JsonObject& to, const EndRecord& record) {
  to.text("kind", "end");
  to.text("transaction", to_string(record.tx));
  to.number("sequence", record.sequence);
  JsonArray marks(to.field("marks"));
  for (const EndRecord::ParticipantMark& mark : record.marks) {
    JsonObject object(marks.element());
    object.text("participant", mark.participant);
    object.number("sequence", mark.sequence);
  }
}

void append(JsonObject& to, const HeuristicRecord& record) {
  to.text("kind", "heuristic");
  to.text("transaction", to_string(record.tx));
  to.text("participant", record.participant);
  to.text("decided", to_string(record.decided));
  to.text("ended", to_string(record.application));
  to.time("at", record.wall_ms);
}

void append(std::string& out, const std::vector<std::string>& names) {
  JsonArray array(out);
  for (const std::string& name : names) append_json_string(array.element(), name);
}

void append(JsonObject& to, const ResolutionRecord& record) {
  to.text("kind", "resolution");
  to.text("transaction", to_string(record.tx));
  to.number("epoch", record.epoch);
  to.text("outcome", to_string(record.outcome));
  to.number("sequence", record.sequence);
  append(to.field("branches"), record.branches);
  append(to.field("unheard"), record.unheard);
  to.text("by", record.by);
  to.text("reason", record.reason);
  to.time("at", record.wall_ms);
}

void append(JsonObject& to, const AcknowledgementRecord& record) {
  to.text("kind", "acknowledgement");
  to.text("transaction", to_string(record.tx));
  append(to.field("participants"), record.participants);
  to.text("by", record.by);
  to.text("reason", record.reason);
  to.time("at", record.wall_ms);
}

}  // namespace

std::string record_line(const std::string& file, std::uint64_t offset, const LogRecord& record) {
  std::string line;
  {
    JsonObject object(line);
    object.text("file", file);
    object.number("offset", offset);
    std::visit([&object](const auto& each) { append(object, each); }, record);
  }
  return line + "\n";
}

}  // namespace assent
