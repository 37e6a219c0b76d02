// Messages to bytes and back: frames of protocol/assent.proto. One frame is all that one side has
// to say in one turn of its loop.
//
// Decoding is strict. What is missing, malformed, of a kind this release does not know, or beyond a
// limit makes the whole frame an error: a message half understood must not act as another one. The
// link is to be closed then, and the error shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/messages.hpp"

namespace assent {

// Both sides must speak the same version. It stands in Hello, and is raised by any change of
// assent.proto that an older peer would misunderstand.
inline constexpr std::uint32_t kWireVersion = 2;

struct WireLimits {
  static constexpr std::size_t messages = 200'000;  // in one frame
  static constexpr std::size_t frame = 48 << 20;    // bytes; a link takes 64 MiB
  static constexpr std::size_t marks = 10'000;      // ledgers known to a participant
  static constexpr std::size_t held = 300'000;      // prepared branches: PostgreSQL has 262,143
  static constexpr std::size_t peers = 1024;        // participants of one transaction
  static constexpr std::size_t report = 2 << 20;    // bytes of a report of what is blocked
  static constexpr std::size_t database = 255;      // bytes of a database's name
  // Bytes of each text of a failure. A longer one is cut by the sender: it is for people, and must
  // not cost the link.
  static constexpr std::size_t failure_text = 16 * 1024;
  // A longer time_left is sent as this one.
  static constexpr Duration time_left = std::chrono::hours(24 * 365);
};

// Total for every message that the machines can send. Bytes that are not UTF-8 in the texts of a
// failure and in names of databases leave as U+FFFD.
std::string encode_frame(std::span<const ToParticipant> messages);
std::string encode_frame(std::span<const ToCoordinator> messages);
// The same in as many frames as it takes to keep each under WireLimits::frame, which a link takes.
// One message is never split; the limits of requests and results keep it smaller than that.
std::vector<std::string> encode_frames(std::span<const ToParticipant> messages);
std::vector<std::string> encode_frames(std::span<const ToCoordinator> messages);

// A frame that carries a participant's report of what is blocked, and no message.
std::string encode_report(std::string_view report);

template <typename Message>
struct Decoded {
  std::vector<Message> messages;  // in the order of the sender; none where there is an error
  std::string report;             // to the coordinator: of what is blocked; empty: none
  std::string error;              // empty: none. One line for a person, naming message and field
  bool ok() const { return error.empty(); }
};

Decoded<ToParticipant> decode_to_participant(std::string_view frame);
Decoded<ToCoordinator> decode_to_coordinator(std::string_view frame);

}  // namespace assent
