// Messages are doubled as a whole, however the bytes of the stream are cut.
#include "tests/lab/frames.hpp"

#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

using namespace assent::lab;

namespace {

const std::string kOpening = "GET /v1/link HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
constexpr unsigned kWhole = 0x80;

// A frame as RFC 6455, section 5.2, has it. `first`: whether it is the last of its message, and
// kind.
std::string frame(unsigned first, std::size_t length, bool masked) {
  std::string bytes(1, static_cast<char>(first));
  const auto add = [&](std::size_t value, int octets) {
    while (octets-- > 0) bytes += static_cast<char>(value >> (8 * octets));
  };
  const std::size_t mask = masked ? 0x80 : 0;
  if (length < 126) {
    add(mask | length, 1);
  } else if (length < 65536) {
    add(mask | 126, 1);
    add(length, 2);
  } else {
    add(mask | 127, 1);
    add(length, 8);
  }
  if (masked) bytes += "mask";
  for (std::size_t i = 0; i < length; ++i) bytes += static_cast<char>('a' + i % 26);
  return bytes;
}

}  // namespace

TEST_CASE("text and binary messages of every length are doubled, masked or not") {
  const bool masked = GENERATE(false, true);
  std::string given = kOpening;
  std::string expected = kOpening;
  for (const std::size_t length : {0, 1, 125, 126, 127, 65535, 65536, 70000})
    for (const unsigned kind : {1U, 2U}) {
      given += frame(kWhole | kind, length, masked);
      expected += frame(kWhole | kind, length, masked) + frame(kWhole | kind, length, masked);
    }
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{4096}, given.size()}) {
    FrameDoubler frames;
    std::string got;
    for (std::size_t at = 0; at < given.size(); at += piece)
      got += frames.pass(std::string_view(given).substr(at, piece), true);
    CHECK((got == expected));  // without printing half a megabyte
  }
}

TEST_CASE("what is no whole message passes once: parts, pings, closes, and the opening") {
  std::string given = kOpening;
  for (const unsigned first : {0x01U, 0x00U, 0x80U, 0x88U, 0x89U, 0x8aU})
    given += frame(first, 20, true);
  FrameDoubler frames;
  CHECK(frames.pass(given, true) == given);
}

TEST_CASE("a message that began before is passed once, and one that began while is doubled") {
  const std::string message = frame(kWhole | 2, 40, false);
  for (std::size_t cut = 2; cut < message.size(); ++cut) {
    FrameDoubler frames;
    CHECK(frames.pass(kOpening + message.substr(0, cut), false) ==
          kOpening + message.substr(0, cut));
    CHECK(frames.pass(message.substr(cut) + message, true) ==
          message.substr(cut) + message + message);
    CHECK(frames.pass(message.substr(0, cut), true) == message.substr(0, cut));
    CHECK(frames.pass(message.substr(cut), false) == message.substr(cut) + message);
    CHECK(frames.pass(message, false) == message);
  }
}
