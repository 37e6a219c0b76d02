#include "protocol/codec.hpp"

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <rapidcheck.h>

#include "protocol/assent.pb.h"
#include "tests/support/catch.hpp"
#include "tests/unit/protocol/samples.hpp"

namespace assent {
namespace {

Decoded<ToParticipant> decode(std::string_view frame, const ToParticipant*) {
  return decode_to_participant(frame);
}
Decoded<ToCoordinator> decode(std::string_view frame, const ToCoordinator*) {
  return decode_to_coordinator(frame);
}

template <typename Message>
std::string encode(const std::vector<Message>& messages) {
  return encode_frame(std::span<const Message>(messages));
}

template <typename Message>
std::vector<Message> round_trip(const std::vector<Message>& messages) {
  const auto decoded = decode(encode(messages), static_cast<const Message*>(nullptr));
  INFO(decoded.error);
  CHECK(decoded.ok());
  return decoded.messages;
}

// The one message of a frame, as the wire has it after `spoil` has been at it, decoded.
std::string error_of(const ToParticipant& message,
                     const std::function<void(wire::ToParticipant&)>& spoil) {
  wire::FrameToParticipant frame;
  REQUIRE(frame.ParseFromString(encode<ToParticipant>({message})));
  spoil(*frame.mutable_messages(0));
  const auto decoded = decode_to_participant(frame.SerializeAsString());
  CHECK(decoded.messages.empty());
  return decoded.error;
}
std::string error_of(const ToCoordinator& message,
                     const std::function<void(wire::ToCoordinator&)>& spoil) {
  wire::FrameToCoordinator frame;
  REQUIRE(frame.ParseFromString(encode<ToCoordinator>({message})));
  spoil(*frame.mutable_messages(0));
  const auto decoded = decode_to_coordinator(frame.SerializeAsString());
  CHECK(decoded.messages.empty());
  return decoded.error;
}

// Whatever a damaged frame decodes to, it is an error or messages that can be sent again.
template <typename Message>
void check_total(const std::string& frame) {
  const auto decoded = decode(frame, static_cast<const Message*>(nullptr));
  if (!decoded.ok()) {
    CHECK(decoded.messages.empty());
    return;
  }
  CHECK(round_trip(decoded.messages) == decoded.messages);
}

template <typename Message>
void check_damage(const std::vector<Message>& messages) {
  const std::string frame = encode(messages);
  for (std::size_t length = 0; length < frame.size(); ++length)
    check_total<Message>(frame.substr(0, length));
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    std::string flipped = frame;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    check_total<Message>(flipped);
  }
}

Prepare prepare() {
  return {samples::gid(), Work{"work"}, {"orders", "stock"}, Duration(500)};
}
Vote yes() {
  return {samples::gid(), Verdict::yes, 771, samples::server(), std::nullopt, std::nullopt};
}
Vote no() {
  return {samples::gid(), Verdict::no, 0, {}, std::nullopt, samples::failure()};
}

TEST_CASE("Every message survives the wire, alone and in company") {
  CHECK(round_trip(samples::to_participant()) == samples::to_participant());
  CHECK(round_trip(samples::to_coordinator()) == samples::to_coordinator());
  for (const ToParticipant& one : samples::to_participant())
    CHECK(round_trip<ToParticipant>({one}) == std::vector{one});
  for (const ToCoordinator& one : samples::to_coordinator())
    CHECK(round_trip<ToCoordinator>({one}) == std::vector{one});
  CHECK(round_trip<ToParticipant>({}).empty());
}

TEST_CASE("Every truncation and every flipped bit is an error or a valid message") {
  for (const ToParticipant& one : samples::to_participant()) check_damage<ToParticipant>({one});
  for (const ToCoordinator& one : samples::to_coordinator()) check_damage<ToCoordinator>({one});
}

TEST_CASE("Random bytes are an error or valid messages") {
  CHECK(rc::check([](const std::string& bytes) {
    check_total<ToParticipant>(bytes);
    check_total<ToCoordinator>(bytes);
  }));
}

TEST_CASE("Votes with any contents survive the wire") {
  CHECK(rc::check(
      [](std::uint64_t xid, std::uint64_t system, std::uint32_t timeline, const std::string& rows) {
        Vote vote = yes();
        vote.xid = xid | 1;
        vote.server = {system | 1, timeline, "shop"};
        vote.results = Results{rows};
        CHECK(round_trip<ToCoordinator>({vote}) == std::vector<ToCoordinator>{vote});
      }));
}

TEST_CASE("Ids of a wrong length are refused by name") {
  const auto spoil = [](auto change) {
    return error_of(prepare(), [&](wire::ToParticipant& m) { change(*m.mutable_prepare()); });
  };
  CHECK(spoil([](wire::Prepare& m) { m.mutable_gid()->set_tx("short"); }) ==
        "message 1 (prepare) gid.tx: 5 bytes; an id has 16");
  CHECK(spoil([](wire::Prepare& m) { m.mutable_gid()->set_tx(std::string(17, 'x')); }) ==
        "message 1 (prepare) gid.tx: 17 bytes; an id has 16");
  CHECK(spoil([](wire::Prepare& m) { m.mutable_gid()->clear_ledger(); }) ==
        "message 1 (prepare) gid.ledger: 0 bytes; an id has 16");
  CHECK(spoil([](wire::Prepare& m) { m.mutable_gid()->clear_epoch(); }) ==
        "message 1 (prepare) gid.epoch: missing; the first epoch is 1");
  CHECK(spoil([](wire::Prepare& m) { m.clear_gid(); }) == "message 1 (prepare) gid: missing");
  CHECK(error_of(Welcome{samples::kLedger, 4, samples::kLife}, [](wire::ToParticipant& m) {
          m.mutable_welcome()->clear_life();
        }) == "message 1 (welcome) life: 0 bytes; an id has 16");
  CHECK(error_of(Welcome{samples::kLedger, 4, samples::kLife}, [](wire::ToParticipant& m) {
          m.mutable_welcome()->clear_epoch();
        }) == "message 1 (welcome) epoch: missing; the first epoch is 1");
  CHECK(error_of(samples::to_coordinator()[0], [](wire::ToCoordinator& m) {
          m.mutable_hello()->mutable_marks(1)->set_life("x");
        }) == "message 1 (hello) marks: 1 bytes; an id has 16");
}

TEST_CASE("Names that no participant can have are refused") {
  const auto spoil = [](auto change) {
    return error_of(prepare(), [&](wire::ToParticipant& m) { change(*m.mutable_prepare()); });
  };
  CHECK(spoil([](wire::Prepare& m) { m.mutable_gid()->set_participant("Orders"); }) ==
        "message 1 (prepare) gid.participant: not a participant's name");
  CHECK(spoil([](wire::Prepare& m) { m.set_peers(1, ""); }) ==
        "message 1 (prepare) peers: not a participant's name");
  CHECK(error_of(samples::to_coordinator()[0], [](wire::ToCoordinator& m) {
          m.mutable_hello()->clear_participant();
        }) == "message 1 (hello) participant: not a participant's name");
  CHECK(error_of(no(), [](wire::ToCoordinator& m) {
          m.mutable_vote()->mutable_failure()->set_participant("x y");
        }) == "message 1 (vote) failure.participant: not a participant's name");
}

TEST_CASE("What is not said has no default") {
  CHECK(error_of(yes(), [](wire::ToCoordinator& m) { m.mutable_vote()->clear_verdict(); }) ==
        "message 1 (vote) verdict: missing or unknown");
  CHECK(error_of(yes(), [](wire::ToCoordinator& m) {
          m.mutable_vote()->set_verdict(static_cast<wire::Vote::Verdict>(9));
        }) == "message 1 (vote) verdict: missing or unknown");
  CHECK(error_of(Applied{samples::gid(), Outcome::committed, Application::applied, 1},
                 [](wire::ToCoordinator& m) { m.mutable_applied()->clear_application(); }) ==
        "message 1 (applied) application: missing or unknown");
  CHECK(error_of(Evidence{samples::gid(), Knowledge::committed, 1}, [](wire::ToCoordinator& m) {
          m.mutable_evidence()->clear_knowledge();
        }) == "message 1 (evidence) knowledge: missing or unknown");
  CHECK(error_of(Executed{samples::gid(), 1, Results{}}, [](wire::ToCoordinator& m) {
          m.mutable_executed()->clear_result();
        }) == "message 1 (executed) result: missing");
  CHECK(error_of(Commit{samples::gid(), 1, 2, samples::server()}, [](wire::ToParticipant& m) {
          m.mutable_commit()->clear_server();
        }) == "message 1 (commit) server: missing");
  CHECK(error_of(samples::to_coordinator()[2], [](wire::ToCoordinator& m) {
          m.mutable_ready()->clear_mark();
        }) == "message 1 (ready) mark: missing");
  CHECK(error_of(samples::to_coordinator()[2], [](wire::ToCoordinator& m) {
          m.mutable_ready()->mutable_held(1)->clear_gid();
        }) == "message 1 (ready) held.gid: missing");
}

TEST_CASE("A vote says what its verdict needs, and nothing else") {
  CHECK(error_of(yes(), [](wire::ToCoordinator& m) { m.mutable_vote()->clear_xid(); }) ==
        "message 1 (vote) xid: must stand in a yes vote, and only there");
  CHECK(error_of(no(), [](wire::ToCoordinator& m) { m.mutable_vote()->set_xid(1); }) ==
        "message 1 (vote) xid: must stand in a yes vote, and only there");
  CHECK(error_of(yes(), [](wire::ToCoordinator& m) { m.mutable_vote()->clear_server(); }) ==
        "message 1 (vote) server: must stand in a yes vote, and only there");
  CHECK(error_of(yes(), [](wire::ToCoordinator& m) {
          m.mutable_vote()->mutable_server()->Clear();
        }) == "message 1 (vote) server: names none");
  CHECK(error_of(no(), [](wire::ToCoordinator& m) { m.mutable_vote()->set_results("rows"); }) ==
        "message 1 (vote) results: must not stand in a no vote");
  CHECK(error_of(yes(), [](wire::ToCoordinator& m) {
          m.mutable_vote()->mutable_failure()->set_problem("deadlock");
        }) == "message 1 (vote) failure: may stand in a no vote only");
  CHECK(error_of(no(), [](wire::ToCoordinator& m) {
          m.mutable_vote()->set_verdict(wire::Vote::NOT_YET);
        }) == "message 1 (vote) ask: missing beside not_yet");
}

TEST_CASE("A prepare that only looks brings no work") {
  CHECK(error_of(prepare(), [](wire::ToParticipant& m) { m.mutable_prepare()->set_ask(1); }) ==
        "message 1 (prepare) work: must not stand beside ask");
}

TEST_CASE("An abort names the server of its xid, and no server without one") {
  CHECK(error_of(Abort{samples::gid(), 771, samples::server()}, [](wire::ToParticipant& m) {
          m.mutable_abort()->clear_server();
        }) == "message 1 (abort) server: must stand beside an xid, and only there");
  CHECK(error_of(Abort{samples::gid(), 771, samples::server()}, [](wire::ToParticipant& m) {
          m.mutable_abort()->clear_xid();
        }) == "message 1 (abort) server: must stand beside an xid, and only there");
  CHECK(error_of(Abort{samples::gid(), 771, samples::server()}, [](wire::ToParticipant& m) {
          m.mutable_abort()->mutable_server()->set_database(std::string(10'000, 'x'));
        }) == "message 1 (abort) server: the database's name is too long");
}

TEST_CASE("Failures carry codes of the catalogue and bounded texts") {
  const auto spoil = [](auto change) {
    return error_of(no(),
                    [&](wire::ToCoordinator& m) { change(*m.mutable_vote()->mutable_failure()); });
  };
  CHECK(spoil([](wire::Failure& f) { f.set_problem("none"); }) ==
        "message 1 (vote) failure.problem: not a code of the problem catalogue");
  CHECK(spoil([](wire::Failure& f) { f.set_problem("sunspots"); }) ==
        "message 1 (vote) failure.problem: not a code of the problem catalogue");
  CHECK(spoil([](wire::Failure& f) { f.set_statement(-2); }) ==
        "message 1 (vote) failure.statement: below -1");
  CHECK(spoil([](wire::Failure& f) {
          f.set_detail(std::string(WireLimits::failure_text + 1, 'x'));
        }) == "message 1 (vote) failure: a text in it is too long");
}

TEST_CASE("What PostgreSQL says never costs the link: it is cut, and made UTF-8") {
  Vote vote = no();
  const auto received = [&](std::string message) {
    vote.failure->message = std::move(message);
    const auto messages = round_trip<ToCoordinator>({vote});
    return messages.size() == 1 ? std::get<Vote>(messages[0]).failure->message : "(lost)";
  };
  const std::string replacement = "\xef\xbf\xbd";
  CHECK(received("caf\xe9 au lait") == "caf" + replacement + " au lait");  // Latin-1
  CHECK(received("\xc0\xaf|\xe0\x80\xaf") ==
        replacement + replacement + "|" + replacement + replacement + replacement);  // overlong
  CHECK(received("\xed\xa0\x80") == replacement + replacement + replacement);        // a surrogate
  CHECK(received("\xf4\x90\x80\x80").substr(0, 3) == replacement);                   // too high
  CHECK(received("\xe4\xb8") == replacement + replacement);                          // cut short
  CHECK(received("é世🐘") == "é世🐘");
  CHECK(received(std::string(100'000, 'x')) == std::string(WireLimits::failure_text, 'x'));
  // Never cut within a character.
  const std::string cut = received(std::string(WireLimits::failure_text - 1, 'x') + "é");
  CHECK(cut == std::string(WireLimits::failure_text - 1, 'x'));
}

TEST_CASE("Absurd counts are refused") {
  CHECK(error_of(prepare(), [](wire::ToParticipant& m) {
          for (int i = 0; i < 1023; ++i) m.mutable_prepare()->add_peers("a");
        }) == "message 1 (prepare) peers: 1025 of them; the limit is 1024");
  CHECK(error_of(samples::to_coordinator()[0], [](wire::ToCoordinator& m) {
          for (int i = 0; i < 10'000; ++i) m.mutable_hello()->add_marks();
        }) == "message 1 (hello) marks: 10002 of them; the limit is 10000");
  std::string frame;
  for (int i = 0; i < 200'001; ++i) frame += std::string("\x0a\x00", 2);  // an empty message
  CHECK(decode_to_coordinator(frame).error == "200001 messages in one frame; the limit is 200000");
}

TEST_CASE("Time left is at least nothing and at most a year") {
  Prepare message = prepare();
  const auto received = [&](Duration time_left) {
    message.time_left = time_left;
    return std::get<Prepare>(round_trip<ToParticipant>({message}).at(0)).time_left;
  };
  CHECK(received(Duration(-5)) == Duration(0));
  CHECK(received(Duration::max()) == WireLimits::time_left);
  CHECK(error_of(prepare(), [](wire::ToParticipant& m) {
          m.mutable_prepare()->set_time_left_ms(UINT64_MAX);
        }) == "message 1 (prepare) time_left_ms: more than a year");
}

TEST_CASE("Another wire version is refused, and told apart from damage") {
  CHECK(error_of(samples::to_coordinator()[1],
                 [](wire::ToCoordinator& m) {
                   m.mutable_hello()->set_wire_version(3);
                   m.mutable_hello()->set_software("assent/9.9");
                 }) ==
        "message 1 (hello) wire_version: the peer (assent/9.9) speaks version 3 of the protocol, "
        "this is 2; run the same release of Assent on both sides");
  CHECK(error_of(samples::to_coordinator()[1], [](wire::ToCoordinator& m) {
          m.mutable_hello()->clear_wire_version();
        }).find("speaks version 0") != std::string::npos);
  const std::string lie = error_of(samples::to_coordinator()[1], [](wire::ToCoordinator& m) {
    m.mutable_hello()->set_wire_version(3);
    m.mutable_hello()->set_software("a\nb\x1b" + std::string(1000, 'c'));
  });
  CHECK(lie.find("(a?b?" + std::string(60, 'c') + ") speaks version 3") != std::string::npos);
}

TEST_CASE("A message of an unknown kind is an error that names the wire version") {
  // Field 15 of the oneof: what a newer release might send.
  const std::string newer("\x0a\x02\x7a\x00", 4);
  const std::string expected =
      "message 1 is of a kind unknown to wire version 2; is the peer a newer release?";
  CHECK(decode_to_participant(newer).error == expected);
  CHECK(decode_to_coordinator(newer).error == expected);
  // One bad message spoils the frame: nothing of it is acted on.
  const auto decoded = decode_to_participant(encode(samples::to_participant()) + newer);
  CHECK(decoded.messages.empty());
  CHECK(decoded.error.substr(0, 11) == "message 13 ");
}

TEST_CASE("Bytes that are no frame at all") {
  CHECK(decode_to_participant("\xff\xff\xff").error == "not a frame of the protocol");
  CHECK(decode_to_coordinator("GET / HTTP/1.1\r\n\r\n").error == "not a frame of the protocol");
}

}  // namespace

TEST_CASE("a report of what is blocked travels beside the messages, up to its limit") {
  const auto decoded = decode_to_coordinator(encode_report("{\"roots\":[]}"));
  CHECK(decoded.ok());
  CHECK(decoded.messages.empty());
  CHECK(decoded.report == "{\"roots\":[]}");
  CHECK(decode_to_coordinator(encode_frames(std::vector<ToCoordinator>{}).at(0)).report.empty());
  const auto large = decode_to_coordinator(encode_report(std::string(WireLimits::report + 1, 'x')));
  CHECK(large.error == "a report of 2097153 bytes; the limit is 2097152");
  CHECK(large.report.empty());
}

TEST_CASE("a turn too large for one frame leaves in several, in order") {
  std::vector<ToCoordinator> turn;
  for (std::uint32_t seq = 1; seq <= 5; ++seq)
    turn.push_back(Executed{Gid{LedgerId{}, 1, TxId{make_uuid7(1, {})}, "orders"}, seq,
                            Results{std::string(20 << 20, 'x')}});
  std::vector<std::uint32_t> order;
  for (const std::string& frame : encode_frames(turn)) {
    CHECK(frame.size() <= WireLimits::frame);
    for (const ToCoordinator& message : decode_to_coordinator(frame).messages)
      order.push_back(std::get<Executed>(message).seq);
  }
  CHECK(order == std::vector<std::uint32_t>{1, 2, 3, 4, 5});
}

}  // namespace assent
