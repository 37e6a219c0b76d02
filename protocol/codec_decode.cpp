// Decoding: bytes of another process become messages, or an error.
#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

#include <google/protobuf/arena.h>
#include <google/protobuf/stubs/logging.h>

#include "protocol/assent.pb.h"
#include "protocol/codec.hpp"

namespace assent {
namespace {

using google::protobuf::Arena;
using google::protobuf::RepeatedPtrField;

// What a peer says of itself, fit for one line of a log: short, and of plain characters only.
std::string quotable(const std::string& text) {
  constexpr std::size_t kLongest = 64;
  std::string quoted = text.substr(0, kLongest);
  std::replace_if(
      quoted.begin(), quoted.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return quoted;
}

// Reads one message. The first fault is kept; what is read after it is of no use.
class Reader {
 public:
  const std::string& fault() const { return fault_; }

  Hello read(wire::Hello& in) {
    if (in.wire_version() != kWireVersion) {
      fail("wire_version", "the peer (" + quotable(in.software()) + ") speaks version " +
                               std::to_string(in.wire_version()) + " of the protocol, this is " +
                               std::to_string(kWireVersion) +
                               "; run the same release of Assent on both sides");
      return {};
    }
    Hello out;
    out.participant = name(in.participant(), "participant");
    out.server = server(in.has_server(), in.server(), "server");
    count(in.marks_size(), WireLimits::marks, "marks");
    for (const wire::Mark& one : in.marks()) out.marks.push_back(mark(true, one, "marks"));
    out.next_xid = in.next_xid();
    return out;
  }

  Ready read(wire::Ready& in) {
    Ready out;
    out.mark = mark(in.has_mark(), in.mark(), "mark");
    out.server = server(in.has_server(), in.server(), "server");
    count(in.held_size(), WireLimits::held, "held");
    for (wire::Held& one : *in.mutable_held()) {
      if (!fault_.empty()) break;
      out.held.push_back(
          HeldBranch{gid(one, "held.gid"), one.xid(), names(*one.mutable_peers(), "held.peers")});
    }
    return out;
  }

  Executed read(wire::Executed& in) {
    Executed out{gid(in, "gid"), in.seq(), {}};
    switch (in.result_case()) {
      case wire::Executed::kResults:
        out.result = Results{std::move(*in.mutable_results())};
        break;
      case wire::Executed::kFailure:
        out.result = failure(*in.mutable_failure());
        break;
      case wire::Executed::RESULT_NOT_SET:
        fail("result", "missing");
    }
    return out;
  }

  Vote read(wire::Vote& in) {
    Vote out;
    out.gid = gid(in, "gid");
    out.verdict = verdict(in.verdict());
    out.xid = in.xid();
    const bool yes = out.verdict == Verdict::yes;
    if (yes != (out.xid != 0)) fail("xid", "must stand in a yes vote, and only there");
    if (yes != in.has_server()) fail("server", "must stand in a yes vote, and only there");
    if (in.has_server()) out.server = server(true, in.server(), "server");
    if (yes && out.server == ServerIdentity{}) fail("server", "names none");
    if (in.has_results()) out.results = Results{std::move(*in.mutable_results())};
    if (in.has_failure()) out.failure = failure(*in.mutable_failure());
    const bool against = out.verdict == Verdict::no || out.verdict == Verdict::not_yet;
    if (against && out.results) fail("results", "must not stand in a no vote");
    if (!against && out.failure) fail("failure", "may stand in a no vote only");
    out.ask = in.ask();
    if (out.verdict == Verdict::not_yet && out.ask == 0) fail("ask", "missing beside not_yet");
    return out;
  }

  Applied read(wire::Applied& in) {
    return {gid(in, "gid"), in.committed() ? Outcome::committed : Outcome::aborted,
            application(in.application()), in.durable_mark(), in.locks_held_us()};
  }

  Inquiry read(wire::Inquiry& in) { return {gid(in, "gid"), names(*in.mutable_peers(), "peers")}; }

  Evidence read(wire::Evidence& in) {
    return {gid(in, "gid"), knowledge(in.knowledge()), in.sequence()};
  }

  Welcome read(wire::Welcome& in) {
    return {LedgerId{uuid(in.ledger(), "ledger")}, epoch(in.epoch(), "epoch"),
            uuid(in.life(), "life")};
  }

  Execute read(wire::Execute& in) {
    return {gid(in, "gid"), in.seq(), Work{std::move(*in.mutable_work())},
            time_left(in.time_left_ms())};
  }

  Prepare read(wire::Prepare& in) {
    Prepare out;
    out.gid = gid(in, "gid");
    if (in.has_work()) out.work = Work{std::move(*in.mutable_work())};
    out.peers = names(*in.mutable_peers(), "peers");
    out.time_left = time_left(in.time_left_ms());
    out.ask = in.ask();
    if (out.ask != 0 && out.work) fail("work", "must not stand beside ask");
    return out;
  }

  Commit read(wire::Commit& in) {
    return {gid(in, "gid"), in.sequence(), in.xid(),
            server(in.has_server(), in.server(), "server")};
  }
  Abort read(wire::Abort& in) {
    Abort out{gid(in, "gid"), in.xid()};
    if ((out.xid != 0) != in.has_server())
      fail("server", "must stand beside an xid, and only there");
    if (in.has_server()) out.server = server(true, in.server(), "server");
    out.external = in.external();
    return out;
  }
  Ask read(wire::Ask& in) { return {gid(in, "gid")}; }

 private:
  void fail(std::string_view field, std::string_view what) {
    if (!fault_.empty()) return;
    fault_ = field;
    fault_ += ": ";
    fault_ += what;
  }

  void count(int size, std::size_t limit, std::string_view field) {
    if (static_cast<std::size_t>(size) > limit)
      fail(field, std::to_string(size) + " of them; the limit is " + std::to_string(limit));
  }

  Uuid uuid(const std::string& bytes, std::string_view field) {
    Uuid out;
    if (bytes.size() == out.bytes.size())
      std::transform(bytes.begin(), bytes.end(), out.bytes.begin(),
                     [](char c) { return static_cast<std::uint8_t>(c); });
    else
      fail(field, std::to_string(bytes.size()) + " bytes; an id has 16");
    return out;
  }

  Epoch epoch(std::uint64_t epoch, std::string_view field) {
    if (epoch == 0) fail(field, "missing; the first epoch is 1");
    return epoch;
  }

  std::string name(const std::string& name, std::string_view field) {
    if (!is_participant_name(name)) fail(field, "not a participant's name");
    return name;
  }

  std::vector<std::string> names(RepeatedPtrField<std::string>& in, std::string_view field) {
    count(in.size(), WireLimits::peers, field);
    std::vector<std::string> out;
    if (!fault_.empty()) return out;
    out.reserve(static_cast<std::size_t>(in.size()));
    for (const std::string& one : in) out.push_back(name(one, field));
    return out;
  }

  // Of any message that has a field `gid`.
  template <typename Message>
  Gid gid(const Message& in, std::string_view field) {
    if (!in.has_gid()) {
      fail(field, "missing");
      return {};
    }
    const wire::Gid& gid = in.gid();
    return {LedgerId{uuid(gid.ledger(), "gid.ledger")}, epoch(gid.epoch(), "gid.epoch"),
            TxId{uuid(gid.tx(), "gid.tx")}, name(gid.participant(), "gid.participant")};
  }

  ServerIdentity server(bool present, const wire::Server& in, std::string_view field) {
    if (!present) fail(field, "missing");
    if (in.database().size() > WireLimits::database) fail(field, "the database's name is too long");
    return {in.system_identifier(), in.timeline(), in.database()};
  }

  Mark mark(bool present, const wire::Mark& in, std::string_view field) {
    if (!present) {
      fail(field, "missing");
      return {};
    }
    return {LedgerId{uuid(in.ledger(), field)}, in.epoch(), uuid(in.life(), field), in.sequence()};
  }

  Failure failure(wire::Failure& in) {
    const auto text = [this](std::string* in_text) {
      if (in_text->size() > WireLimits::failure_text) fail("failure", "a text in it is too long");
      return std::move(*in_text);
    };
    Failure out;
    out.problem = parse_problem(in.problem());
    if (out.problem == Problem::none)
      fail("failure.problem", "not a code of the problem catalogue");
    if (!in.participant().empty()) out.participant = name(in.participant(), "failure.participant");
    if (in.statement() < -1) fail("failure.statement", "below -1");
    out.statement = in.statement();
    out.message = text(in.mutable_message());
    out.sqlstate = text(in.mutable_sqlstate());
    out.detail = text(in.mutable_detail());
    out.hint = text(in.mutable_hint());
    out.schema = text(in.mutable_schema());
    out.table = text(in.mutable_table());
    out.column = text(in.mutable_column());
    out.constraint = text(in.mutable_constraint());
    out.position = text(in.mutable_position());
    return out;
  }

  Duration time_left(std::uint64_t ms) {
    if (ms > static_cast<std::uint64_t>(WireLimits::time_left.count())) {
      fail("time_left_ms", "more than a year");
      return {};
    }
    return Duration(static_cast<Duration::rep>(ms));
  }

  Verdict verdict(wire::Vote::Verdict in) {
    switch (in) {
      case wire::Vote::YES:
        return Verdict::yes;
      case wire::Vote::READ_ONLY:
        return Verdict::read_only;
      case wire::Vote::NO:
        return Verdict::no;
      case wire::Vote::NOT_YET:
        return Verdict::not_yet;
      default:
        fail("verdict", "missing or unknown");
        return Verdict::no;
    }
  }

  Application application(wire::Applied::Application in) {
    switch (in) {
      case wire::Applied::APPLIED:
        return Application::applied;
      case wire::Applied::PROVED:
        return Application::proved;
      case wire::Applied::HEURISTIC:
        return Application::heuristic;
      case wire::Applied::UNPROVEN:
        return Application::unproven;
      default:
        fail("application", "missing or unknown");
        return Application::unproven;
    }
  }

  Knowledge knowledge(wire::Evidence::Knowledge in) {
    switch (in) {
      case wire::Evidence::COMMITTED:
        return Knowledge::committed;
      case wire::Evidence::ABORTED:
        return Knowledge::aborted;
      case wire::Evidence::PREPARED:
        return Knowledge::prepared;
      case wire::Evidence::NOTHING:
        return Knowledge::nothing;
      default:
        fail("knowledge", "missing or unknown");
        return Knowledge::nothing;
    }
  }

  std::string fault_;
};

// nullopt: no member this release knows is set.
std::optional<ToParticipant> read_any(Reader& reader, wire::ToParticipant& in) {
  switch (in.message_case()) {
    case wire::ToParticipant::kWelcome:
      return reader.read(*in.mutable_welcome());
    case wire::ToParticipant::kExecute:
      return reader.read(*in.mutable_execute());
    case wire::ToParticipant::kPrepare:
      return reader.read(*in.mutable_prepare());
    case wire::ToParticipant::kCommit:
      return reader.read(*in.mutable_commit());
    case wire::ToParticipant::kAbort:
      return reader.read(*in.mutable_abort());
    case wire::ToParticipant::kAsk:
      return reader.read(*in.mutable_ask());
    case wire::ToParticipant::MESSAGE_NOT_SET:
      break;
  }
  return std::nullopt;
}

std::optional<ToCoordinator> read_any(Reader& reader, wire::ToCoordinator& in) {
  switch (in.message_case()) {
    case wire::ToCoordinator::kHello:
      return reader.read(*in.mutable_hello());
    case wire::ToCoordinator::kReady:
      return reader.read(*in.mutable_ready());
    case wire::ToCoordinator::kExecuted:
      return reader.read(*in.mutable_executed());
    case wire::ToCoordinator::kVote:
      return reader.read(*in.mutable_vote());
    case wire::ToCoordinator::kApplied:
      return reader.read(*in.mutable_applied());
    case wire::ToCoordinator::kInquiry:
      return reader.read(*in.mutable_inquiry());
    case wire::ToCoordinator::kEvidence:
      return reader.read(*in.mutable_evidence());
    case wire::ToCoordinator::MESSAGE_NOT_SET:
      break;
  }
  return std::nullopt;
}

// "message 3 (vote) xid: …"
template <typename WireMessage>
std::string describe(const WireMessage& in, std::size_t number, const std::string& fault) {
  const auto* field = WireMessage::descriptor()->FindFieldByNumber(in.message_case());
  return "message " + std::to_string(number) + " (" + field->name() + ") " + fault;
}

std::string take_report(wire::FrameToParticipant&, std::string&) {
  return {};
}

// Empty, or what is wrong with it.
std::string take_report(wire::FrameToCoordinator& frame, std::string& report) {
  if (frame.blocking().size() > WireLimits::report)
    return "a report of " + std::to_string(frame.blocking().size()) + " bytes; the limit is " +
           std::to_string(WireLimits::report);
  report = std::move(*frame.mutable_blocking());
  return {};
}

template <typename Message, typename Frame>
Decoded<Message> decode(std::string_view bytes) {
  const google::protobuf::LogSilencer quiet;  // it would write to stderr what we return
  alignas(std::max_align_t) std::array<char, 4096> first_block;
  Arena arena(first_block.data(), first_block.size());
  auto* frame = Arena::CreateMessage<Frame>(&arena);
  constexpr std::size_t kMost = std::numeric_limits<int>::max();
  if (bytes.size() > kMost || !frame->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return {{}, {}, "not a frame of the protocol"};
  const auto size = static_cast<std::size_t>(frame->messages_size());
  if (size > WireLimits::messages)
    return {{},
            {},
            std::to_string(size) + " messages in one frame; the limit is " +
                std::to_string(WireLimits::messages)};
  Decoded<Message> out;
  if (const auto fault = take_report(*frame, out.report); !fault.empty()) return {{}, {}, fault};
  out.messages.reserve(size);
  for (auto& in : *frame->mutable_messages()) {
    const std::size_t number = out.messages.size() + 1;
    Reader reader;
    auto message = read_any(reader, in);
    if (!message)
      return {{},
              {},
              "message " + std::to_string(number) + " is of a kind unknown to wire version " +
                  std::to_string(kWireVersion) + "; is the peer a newer release?"};
    if (!reader.fault().empty()) return {{}, {}, describe(in, number, reader.fault())};
    out.messages.push_back(std::move(*message));
  }
  return out;
}

}  // namespace

Decoded<ToParticipant> decode_to_participant(std::string_view frame) {
  return decode<ToParticipant, wire::FrameToParticipant>(frame);
}

Decoded<ToCoordinator> decode_to_coordinator(std::string_view frame) {
  return decode<ToCoordinator, wire::FrameToCoordinator>(frame);
}

}  // namespace assent
