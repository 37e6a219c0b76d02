// The first byte is the kind, the rest the payload.
#include "protocol/record_codec.hpp"
#include "tests/fuzz/targets.hpp"

namespace assent::fuzz {

void records(std::string_view bytes) {
  if (bytes.empty()) return;
  static RecordCodec codec;
  const auto kind = static_cast<std::uint8_t>(bytes[0]);
  const auto record = codec.decode(kind, bytes.substr(1));
  if (!record) return;
  demand(static_cast<std::uint8_t>(kind_of(*record)) == kind, "a record is of its kind");
  std::string written;
  codec.encode(*record, written);
  const auto again = codec.decode(kind, written);
  demand(again == record, "what is written is what was read");
}

}  // namespace assent::fuzz
