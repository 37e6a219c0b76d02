// Where the messages of a WebSocket connection begin and end, in a stream of bytes cut anywhere: so
// that a link can lose its exactly-once without losing its form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assent::lab {

// One direction of one connection, from its first byte on: the HTTP request or answer that opens
// it, then frames (RFC 6455, section 5.2), masked or not.
class FrameDoubler {
 public:
  // What to pass on instead of these bytes: the same, with each text or binary message that began
  // while `doubling` repeated after its end, as it is. Parts of a message in several frames and
  // control frames are passed on once.
  std::string pass(std::string_view bytes, bool doubling);

 private:
  // The length of the frame's header as far as it is known from what is there of it.
  std::size_t header_length() const;
  void begin_payload(bool doubling);
  void end_frame(std::string& out);

  enum class Part { opening, header, payload };
  Part part_ = Part::opening;
  std::size_t line_ends_ = 0;  // of the "\r\n\r\n" that ends the opening
  std::string header_;
  std::uint64_t left_ = 0;  // of the payload
  bool copying_ = false;
  std::string copy_;
};

}  // namespace assent::lab
