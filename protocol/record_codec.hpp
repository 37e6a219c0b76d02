// The payload of a log record: a message of protocol/ledger.proto. What frames it is the log's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/records.hpp"

namespace assent {

// Written beside every payload. Numbers are for ever.
enum class RecordKind : std::uint8_t {
  epoch = 1,
  member = 2,
  commit = 3,
  end = 4,
  heuristic = 5,
  resolution = 6,
  acknowledgement = 7,
};
std::string_view to_string(RecordKind kind);
RecordKind kind_of(const LogRecord& record);

// Reuses its messages from record to record, which is what makes reading a long log quick. Not for
// use by two threads at once.
class RecordCodec {
 public:
  RecordCodec();
  ~RecordCodec();
  RecordCodec(const RecordCodec&) = delete;
  RecordCodec& operator=(const RecordCodec&) = delete;

  // Appends the record's payload to `out`.
  void encode(const LogRecord& record, std::string& out);
  // nullopt for a kind this release does not know and for a payload that is not exactly what
  // encode() writes for some record: a field that is unknown here might change what the record
  // says.
  std::optional<LogRecord> decode(std::uint8_t kind, std::string_view payload);

 private:
  struct Messages;
  std::unique_ptr<Messages> messages_;
};

}  // namespace assent
