#include "protocol/record_codec.hpp"

#include <algorithm>
#include <utility>

#include "protocol/ledger.pb.h"

namespace assent {

struct RecordCodec::Messages {
  ledger::Epoch epoch;
  ledger::Member member;
  ledger::Commit commit;
  ledger::End end;
  ledger::Heuristic heuristic;
  ledger::Resolution resolution;
  ledger::Acknowledgement acknowledgement;
};

namespace {

// ---- to messages

template <typename Bytes>
void put(const Bytes& bytes, std::string& out) {
  out.assign(bytes.begin(), bytes.end());
}

void put(const ServerIdentity& server, ledger::Server& out) {
  out.set_system_identifier(server.system_identifier);
  out.set_timeline(server.timeline);
  out.set_database(server.database);
}

void put(const EpochRecord& record, ledger::Epoch& out) {
  out.set_epoch(record.epoch);
  put(record.life.bytes, *out.mutable_life());
  out.mutable_place()->set_machine_id(record.place.machine_id);
  out.mutable_place()->set_device(record.place.device);
  out.mutable_place()->set_inode(record.place.inode);
  out.set_wall_ms(record.wall_ms);
  out.set_sequence(record.sequence);
  out.set_careful_below(record.careful_below);
  out.set_contradicted_below(record.contradicted_below);
  out.set_forgotten_wall_ms(record.forgotten_wall_ms);
  out.set_forgotten_key_ms(record.forgotten_key_ms);
}

void put(const MemberRecord& record, ledger::Member& out) {
  out.set_participant(record.participant);
  put(record.server, *out.mutable_server());
  out.set_rewound_below(record.rewound_below);
  out.set_witness_after(record.witness_after);
}

void put(const DecidedBranch& branch, ledger::Branch& out) {
  out.set_participant(branch.participant);
  out.set_xid(branch.xid);
  put(branch.server, *out.mutable_server());
}

void put(const CommitRecord& record, ledger::Commit& out) {
  put(record.tx.uuid.bytes, *out.mutable_tx());
  out.set_epoch(record.epoch);
  out.set_sequence(record.sequence);
  for (const DecidedBranch& branch : record.branches) put(branch, *out.add_branches());
  if (record.key) {
    put(record.key->key, *out.mutable_key());
    put(record.key->body, *out.mutable_body());
    out.set_first_sent_ms(record.key->first_sent_ms);
  }
  out.set_labels(record.labels);
  out.set_wall_ms(record.wall_ms);
}

void put(const EndRecord& record, ledger::End& out) {
  put(record.tx.uuid.bytes, *out.mutable_tx());
  out.set_sequence(record.sequence);
  for (const EndRecord::ParticipantMark& mark : record.marks) {
    ledger::Mark& to = *out.add_marks();
    to.set_participant(mark.participant);
    to.set_sequence(mark.sequence);
  }
}

// Enumerations count from 0 here and from 1 in the messages, where 0 means "absent".
void put(const HeuristicRecord& record, ledger::Heuristic& out) {
  put(record.tx.uuid.bytes, *out.mutable_tx());
  out.set_participant(record.participant);
  out.set_decided(static_cast<ledger::Heuristic::Outcome>(static_cast<int>(record.decided) + 1));
  out.set_application(
      static_cast<ledger::Heuristic::Application>(static_cast<int>(record.application) + 1));
  out.set_wall_ms(record.wall_ms);
}

void put(const ResolutionRecord& record, ledger::Resolution& out) {
  put(record.tx.uuid.bytes, *out.mutable_tx());
  out.set_epoch(record.epoch);
  out.set_outcome(static_cast<ledger::Decision>(static_cast<int>(record.outcome) + 1));
  out.set_sequence(record.sequence);
  for (const DecidedBranch& branch : record.branches) put(branch, *out.add_branches());
  for (const std::string& name : record.unheard) out.add_unheard(name);
  out.set_by(record.by);
  out.set_reason(record.reason);
  out.set_wall_ms(record.wall_ms);
}

void put(const AcknowledgementRecord& record, ledger::Acknowledgement& out) {
  put(record.tx.uuid.bytes, *out.mutable_tx());
  for (const std::string& name : record.participants) out.add_participants(name);
  out.set_by(record.by);
  out.set_reason(record.reason);
  out.set_wall_ms(record.wall_ms);
}

// ---- from messages; false: not something put() makes

template <typename Message>
bool all_known(const Message& message) {
  static const auto* const reflection = Message::GetReflection();  // it takes its time each time
  return reflection->GetUnknownFields(message).empty();
}

bool get(const std::string& bytes, std::array<std::uint8_t, 16>& out) {
  if (bytes.size() != out.size()) return false;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return true;
}

bool get(const ledger::Server& from, ServerIdentity& out) {
  out = {from.system_identifier(), from.timeline(), from.database()};
  return all_known(from);
}

bool get(const ledger::Epoch& from, EpochRecord& out) {
  const ledger::Place& place = from.place();
  out.epoch = from.epoch();
  out.place = {place.machine_id(), place.device(), place.inode()};
  out.wall_ms = from.wall_ms();
  out.sequence = from.sequence();
  out.careful_below = from.careful_below();
  out.contradicted_below = from.contradicted_below();
  out.forgotten_wall_ms = from.forgotten_wall_ms();
  out.forgotten_key_ms = from.forgotten_key_ms();
  return get(from.life(), out.life.bytes) && from.has_place() && all_known(place);
}

bool get(const ledger::Member& from, MemberRecord& out) {
  out.participant = from.participant();
  out.rewound_below = from.rewound_below();
  out.witness_after = from.witness_after();
  return from.has_server() && get(from.server(), out.server);
}

template <typename Branches>
bool get(const Branches& from, std::vector<DecidedBranch>& out) {
  out.resize(static_cast<std::size_t>(from.size()));
  for (int i = 0; i < from.size(); ++i) {
    const ledger::Branch& branch = from[i];
    DecidedBranch& to = out[static_cast<std::size_t>(i)];
    to.participant = branch.participant();
    to.xid = branch.xid();
    if (!branch.has_server() || !get(branch.server(), to.server)) return false;
    if (!all_known(branch)) return false;
  }
  return true;
}

bool get(const ledger::Commit& from, CommitRecord& out) {
  if (!get(from.tx(), out.tx.uuid.bytes)) return false;
  out.epoch = from.epoch();
  out.sequence = from.sequence();
  if (!get(from.branches(), out.branches)) return false;
  if (!from.key().empty() || !from.body().empty()) {
    out.key.emplace();
    if (!get(from.key(), out.key->key) || !get(from.body(), out.key->body)) return false;
    out.key->first_sent_ms = from.first_sent_ms();
  } else if (from.first_sent_ms() != 0) {
    return false;
  }
  out.labels = from.labels();
  out.wall_ms = from.wall_ms();
  return true;
}

bool get(const ledger::End& from, EndRecord& out) {
  if (!get(from.tx(), out.tx.uuid.bytes)) return false;
  out.sequence = from.sequence();
  out.marks.reserve(static_cast<std::size_t>(from.marks_size()));
  for (const ledger::Mark& mark : from.marks()) {
    if (!all_known(mark)) return false;
    out.marks.push_back({mark.participant(), mark.sequence()});
  }
  return true;
}

bool get(const ledger::Heuristic& from, HeuristicRecord& out) {
  const int decided = static_cast<int>(from.decided()) - 1;
  const int application = static_cast<int>(from.application()) - 1;
  if (decided < 0 || decided > static_cast<int>(Outcome::aborted)) return false;
  if (application < 0 || application > static_cast<int>(Application::unproven)) return false;
  out.participant = from.participant();
  out.decided = static_cast<Outcome>(decided);
  out.application = static_cast<Application>(application);
  out.wall_ms = from.wall_ms();
  return get(from.tx(), out.tx.uuid.bytes);
}

bool get(const ledger::Resolution& from, ResolutionRecord& out) {
  const int outcome = static_cast<int>(from.outcome()) - 1;
  if (outcome < 0 || outcome > static_cast<int>(Outcome::aborted)) return false;
  out.outcome = static_cast<Outcome>(outcome);
  out.epoch = from.epoch();
  out.sequence = from.sequence();
  out.unheard.assign(from.unheard().begin(), from.unheard().end());
  out.by = from.by();
  out.reason = from.reason();
  out.wall_ms = from.wall_ms();
  return get(from.branches(), out.branches) && get(from.tx(), out.tx.uuid.bytes);
}

bool get(const ledger::Acknowledgement& from, AcknowledgementRecord& out) {
  out.participants.assign(from.participants().begin(), from.participants().end());
  out.by = from.by();
  out.reason = from.reason();
  out.wall_ms = from.wall_ms();
  return get(from.tx(), out.tx.uuid.bytes);
}

template <typename Record, typename Message>
void encode_as(const Record& record, Message& message, std::string& out) {
  message.Clear();
  put(record, message);
  message.AppendToString(&out);
}

template <typename Record, typename Message>
std::optional<LogRecord> decode_as(std::string_view payload, Message& message) {
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return {};
  if (!all_known(message)) return {};
  std::optional<LogRecord> record(std::in_place, Record{});
  if (!get(message, std::get<Record>(*record))) return {};
  return record;
}

}  // namespace

std::string_view to_string(RecordKind kind) {
  switch (kind) {
    case RecordKind::epoch:
      return "epoch";
    case RecordKind::member:
      return "member";
    case RecordKind::commit:
      return "commit";
    case RecordKind::end:
      return "end";
    case RecordKind::heuristic:
      return "heuristic";
    case RecordKind::resolution:
      return "resolution";
    case RecordKind::acknowledgement:
      return "acknowledgement";
  }
  return "unknown";
}

RecordKind kind_of(const LogRecord& record) {
  return static_cast<RecordKind>(record.index() + 1);
}

RecordCodec::RecordCodec() : messages_(std::make_unique<Messages>()) {}
RecordCodec::~RecordCodec() = default;

void RecordCodec::encode(const LogRecord& record, std::string& out) {
  switch (kind_of(record)) {
    case RecordKind::epoch:
      return encode_as(std::get<EpochRecord>(record), messages_->epoch, out);
    case RecordKind::member:
      return encode_as(std::get<MemberRecord>(record), messages_->member, out);
    case RecordKind::commit:
      return encode_as(std::get<CommitRecord>(record), messages_->commit, out);
    case RecordKind::end:
      return encode_as(std::get<EndRecord>(record), messages_->end, out);
    case RecordKind::heuristic:
      return encode_as(std::get<HeuristicRecord>(record), messages_->heuristic, out);
    case RecordKind::resolution:
      return encode_as(std::get<ResolutionRecord>(record), messages_->resolution, out);
    case RecordKind::acknowledgement:
      return encode_as(std::get<AcknowledgementRecord>(record), messages_->acknowledgement, out);
  }
}

std::optional<LogRecord> RecordCodec::decode(std::uint8_t kind, std::string_view payload) {
  switch (static_cast<RecordKind>(kind)) {
    case RecordKind::epoch:
      return decode_as<EpochRecord>(payload, messages_->epoch);
    case RecordKind::member:
      return decode_as<MemberRecord>(payload, messages_->member);
    case RecordKind::commit:
      return decode_as<CommitRecord>(payload, messages_->commit);
    case RecordKind::end:
      return decode_as<EndRecord>(payload, messages_->end);
    case RecordKind::heuristic:
      return decode_as<HeuristicRecord>(payload, messages_->heuristic);
    case RecordKind::resolution:
      return decode_as<ResolutionRecord>(payload, messages_->resolution);
    case RecordKind::acknowledgement:
      return decode_as<AcknowledgementRecord>(payload, messages_->acknowledgement);
  }
  return {};
}

}  // namespace assent
