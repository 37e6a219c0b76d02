// The first byte says which side reads the frame.
#include "protocol/codec.hpp"
#include "tests/fuzz/targets.hpp"

namespace assent::fuzz {
namespace {

template <typename Message>
void round_trip(std::string_view frame, Decoded<Message> (*decode)(std::string_view)) {
  const Decoded<Message> first = decode(frame);
  if (!first.ok()) {
    demand(first.messages.empty(), "a refused frame yields no message");
    demand(first.error.find('\n') == std::string::npos, "the reason is one line");
    return;
  }
  const Decoded<Message> second = decode(encode_frame(first.messages));
  demand(second.ok(), "what was taken is written so that it is taken again");
  demand(second.messages == first.messages, "what is written is what was read");
}

}  // namespace

void wire(std::string_view bytes) {
  if (bytes.empty()) return;
  if (bytes[0] & 1)
    round_trip<ToCoordinator>(bytes.substr(1), decode_to_coordinator);
  else
    round_trip<ToParticipant>(bytes.substr(1), decode_to_participant);
}

}  // namespace assent::fuzz
