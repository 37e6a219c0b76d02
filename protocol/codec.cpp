// Encoding. codec_decode.cpp is the way back.
#include "protocol/codec.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <variant>

#include <google/protobuf/arena.h>

#include "protocol/assent.pb.h"

namespace assent {
namespace {

using google::protobuf::Arena;
using google::protobuf::RepeatedPtrField;

constexpr std::string_view kSoftware = "assent/0.1.0";

// The length of the UTF-8 character at the head of `text`; 0 where there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  // Overlong forms, surrogates, and what lies beyond Unicode.
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

// `text` as UTF-8 of at most `limit` bytes. A peer would refuse the frame of any other.
std::string clean(std::string_view text, std::size_t limit) {
  static constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string out;
  out.reserve(std::min(text.size(), limit));
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = length == 0 ? kReplacement : text.substr(0, length);
    if (out.size() + character.size() > limit) break;
    out += character;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

// ---- encoding ---------------------------------------------------------------------------------

std::string bytes_of(const Uuid& uuid) {
  return {reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size()};
}

void write(const Gid& gid, wire::Gid& out) {
  out.set_ledger(bytes_of(gid.ledger.uuid));
  out.set_epoch(gid.epoch);
  out.set_tx(bytes_of(gid.tx.uuid));
  out.set_participant(gid.participant);
}

void write(const ServerIdentity& server, wire::Server& out) {
  out.set_system_identifier(server.system_identifier);
  out.set_timeline(server.timeline);
  out.set_database(clean(server.database, WireLimits::database));
}

void write(const Mark& mark, wire::Mark& out) {
  out.set_ledger(bytes_of(mark.ledger.uuid));
  out.set_epoch(mark.epoch);
  out.set_life(bytes_of(mark.life));
  out.set_sequence(mark.sequence);
}

void write(const std::vector<std::string>& names, RepeatedPtrField<std::string>& out) {
  out.Reserve(static_cast<int>(names.size()));
  for (const std::string& name : names) *out.Add() = name;
}

void write(const HeldBranch& held, wire::Held& out) {
  write(held.gid, *out.mutable_gid());
  out.set_xid(held.xid);
  write(held.peers, *out.mutable_peers());
}

void write(const Failure& failure, wire::Failure& out) {
  const auto text = [](const std::string& s) { return clean(s, WireLimits::failure_text); };
  out.set_problem(std::string(to_string(failure.problem)));
  out.set_participant(failure.participant);
  out.set_statement(failure.statement);
  out.set_message(text(failure.message));
  out.set_sqlstate(text(failure.sqlstate));
  out.set_detail(text(failure.detail));
  out.set_hint(text(failure.hint));
  out.set_schema(text(failure.schema));
  out.set_table(text(failure.table));
  out.set_column(text(failure.column));
  out.set_constraint(text(failure.constraint));
  out.set_position(text(failure.position));
}

std::uint64_t milliseconds(Duration time_left) {
  return static_cast<std::uint64_t>(
      std::clamp(time_left, Duration::zero(), WireLimits::time_left).count());
}

void write(const Hello& hello, wire::Hello& out) {
  out.set_wire_version(kWireVersion);
  out.set_participant(hello.participant);
  write(hello.server, *out.mutable_server());
  for (const Mark& mark : hello.marks) write(mark, *out.add_marks());
  out.set_software(std::string(kSoftware));
  out.set_next_xid(hello.next_xid);
}

void write(const Welcome& welcome, wire::Welcome& out) {
  out.set_ledger(bytes_of(welcome.ledger.uuid));
  out.set_epoch(welcome.epoch);
  out.set_life(bytes_of(welcome.life));
}

void write(const Ready& ready, wire::Ready& out) {
  write(ready.mark, *out.mutable_mark());
  write(ready.server, *out.mutable_server());
  for (const HeldBranch& held : ready.held) write(held, *out.add_held());
}

void write(const Execute& execute, wire::Execute& out) {
  write(execute.gid, *out.mutable_gid());
  out.set_seq(execute.seq);
  out.set_work(execute.work.bytes);
  out.set_time_left_ms(milliseconds(execute.time_left));
}

void write(const Prepare& prepare, wire::Prepare& out) {
  write(prepare.gid, *out.mutable_gid());
  if (prepare.work) out.set_work(prepare.work->bytes);
  write(prepare.peers, *out.mutable_peers());
  out.set_time_left_ms(milliseconds(prepare.time_left));
  out.set_ask(prepare.ask);
}

void write(const Commit& commit, wire::Commit& out) {
  write(commit.gid, *out.mutable_gid());
  out.set_sequence(commit.sequence);
  out.set_xid(commit.xid);
  write(commit.server, *out.mutable_server());
}

void write(const Abort& abort, wire::Abort& out) {
  write(abort.gid, *out.mutable_gid());
  out.set_xid(abort.xid);
  if (abort.xid != 0) write(abort.server, *out.mutable_server());
  out.set_external(abort.external);
}

void write(const Ask& ask, wire::Ask& out) {
  write(ask.gid, *out.mutable_gid());
}

void write(const Executed& executed, wire::Executed& out) {
  write(executed.gid, *out.mutable_gid());
  out.set_seq(executed.seq);
  if (const auto* results = std::get_if<Results>(&executed.result))
    out.set_results(results->bytes);
  else
    write(std::get<Failure>(executed.result), *out.mutable_failure());
}

wire::Vote::Verdict wire_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::yes:
      return wire::Vote::YES;
    case Verdict::read_only:
      return wire::Vote::READ_ONLY;
    case Verdict::no:
      return wire::Vote::NO;
    case Verdict::not_yet:
      return wire::Vote::NOT_YET;
  }
  return wire::Vote::UNSPECIFIED;
}

void write(const Vote& vote, wire::Vote& out) {
  write(vote.gid, *out.mutable_gid());
  out.set_verdict(wire_of(vote.verdict));
  out.set_xid(vote.xid);
  if (vote.server != ServerIdentity{}) write(vote.server, *out.mutable_server());
  if (vote.results) out.set_results(vote.results->bytes);
  if (vote.failure) write(*vote.failure, *out.mutable_failure());
  out.set_ask(vote.ask);
}

wire::Applied::Application wire_of(Application application) {
  switch (application) {
    case Application::applied:
      return wire::Applied::APPLIED;
    case Application::proved:
      return wire::Applied::PROVED;
    case Application::heuristic:
      return wire::Applied::HEURISTIC;
    case Application::unproven:
      return wire::Applied::UNPROVEN;
  }
  return wire::Applied::UNSPECIFIED;
}

void write(const Applied& applied, wire::Applied& out) {
  write(applied.gid, *out.mutable_gid());
  out.set_committed(applied.outcome == Outcome::committed);
  out.set_application(wire_of(applied.application));
  out.set_durable_mark(applied.durable_mark);
  out.set_locks_held_us(applied.locks_held_us);
}

void write(const Inquiry& inquiry, wire::Inquiry& out) {
  write(inquiry.gid, *out.mutable_gid());
  write(inquiry.peers, *out.mutable_peers());
}

wire::Evidence::Knowledge wire_of(Knowledge knowledge) {
  switch (knowledge) {
    case Knowledge::committed:
      return wire::Evidence::COMMITTED;
    case Knowledge::aborted:
      return wire::Evidence::ABORTED;
    case Knowledge::prepared:
      return wire::Evidence::PREPARED;
    case Knowledge::nothing:
      return wire::Evidence::NOTHING;
  }
  return wire::Evidence::UNSPECIFIED;
}

void write(const Evidence& evidence, wire::Evidence& out) {
  write(evidence.gid, *out.mutable_gid());
  out.set_knowledge(wire_of(evidence.knowledge));
  out.set_sequence(evidence.sequence);
}

// The member of the frame's oneof that carries each message.
void write(const Welcome& m, wire::ToParticipant& out) {
  write(m, *out.mutable_welcome());
}
void write(const Execute& m, wire::ToParticipant& out) {
  write(m, *out.mutable_execute());
}
void write(const Prepare& m, wire::ToParticipant& out) {
  write(m, *out.mutable_prepare());
}
void write(const Commit& m, wire::ToParticipant& out) {
  write(m, *out.mutable_commit());
}
void write(const Abort& m, wire::ToParticipant& out) {
  write(m, *out.mutable_abort());
}
void write(const Ask& m, wire::ToParticipant& out) {
  write(m, *out.mutable_ask());
}
void write(const Hello& m, wire::ToCoordinator& out) {
  write(m, *out.mutable_hello());
}
void write(const Ready& m, wire::ToCoordinator& out) {
  write(m, *out.mutable_ready());
}
void write(const Executed& m, wire::ToCoordinator& out) {
  write(m, *out.mutable_executed());
}
void write(const Vote& m, wire::ToCoordinator& out) {
  write(m, *out.mutable_vote());
}
void write(const Applied& m, wire::ToCoordinator& out) {
  write(m, *out.mutable_applied());
}
void write(const Inquiry& m, wire::ToCoordinator& out) {
  write(m, *out.mutable_inquiry());
}
void write(const Evidence& m, wire::ToCoordinator& out) {
  write(m, *out.mutable_evidence());
}

template <typename Frame, typename Message>
std::string encode(std::span<const Message> messages) {
  alignas(std::max_align_t) std::array<char, 4096> first_block;
  Arena arena(first_block.data(), first_block.size());
  auto* frame = Arena::CreateMessage<Frame>(&arena);
  frame->mutable_messages()->Reserve(static_cast<int>(messages.size()));
  for (const Message& message : messages)
    std::visit([&](const auto& one) { write(one, *frame->add_messages()); }, message);
  return frame->SerializeAsString();
}

}  // namespace

namespace {

// Halved until it fits: too large a turn is rare, and then encoding twice does not matter.
template <typename Frame, typename Message>
void encode_in_parts(std::span<const Message> messages, std::vector<std::string>& frames) {
  std::string frame = encode<Frame>(messages);
  if (frame.size() <= WireLimits::frame || messages.size() <= 1) {
    frames.push_back(std::move(frame));
    return;
  }
  const std::size_t half = messages.size() / 2;
  encode_in_parts<Frame>(messages.first(half), frames);
  encode_in_parts<Frame>(messages.subspan(half), frames);
}

}  // namespace

std::string encode_frame(std::span<const ToParticipant> messages) {
  return encode<wire::FrameToParticipant>(messages);
}

std::string encode_frame(std::span<const ToCoordinator> messages) {
  return encode<wire::FrameToCoordinator>(messages);
}

std::string encode_report(std::string_view report) {
  wire::FrameToCoordinator frame;
  frame.set_blocking(report.data(), report.size());
  return frame.SerializeAsString();
}

std::vector<std::string> encode_frames(std::span<const ToParticipant> messages) {
  std::vector<std::string> frames;
  encode_in_parts<wire::FrameToParticipant>(messages, frames);
  return frames;
}

std::vector<std::string> encode_frames(std::span<const ToCoordinator> messages) {
  std::vector<std::string> frames;
  encode_in_parts<wire::FrameToCoordinator>(messages, frames);
  return frames;
}

}  // namespace assent
