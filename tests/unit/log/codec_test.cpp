#include <random>

#include "coordinator/log/crc32c.hpp"
#include "protocol/record_codec.hpp"
#include "tests/unit/log/test_log.hpp"

using namespace assent;
using namespace assent::test;

namespace {

std::vector<LogRecord> one_of_each() {
  EpochRecord epoch{9, uuid(3, 3), {"machine", 64'768, 131'074}, -5, 17, 8, 4, 1'700'000'000'000};
  CommitRecord full = commit(4);
  CommitRecord bare{TxId{uuid(4, 4)}, 1, 1, {}, {}, {}, 0};
  HeuristicRecord heuristic{TxId{uuid(5, 5)}, "stock", Outcome::aborted, Application::unproven, 6};
  ResolutionRecord resolution{TxId{uuid(6, 6)}, 2, Outcome::aborted, 9, full.branches, {"b"}, "ann",
                              "ticket 4711",    10};
  AcknowledgementRecord seen{TxId{uuid(5, 5)}, {"stock", "b"}, "ann", "mended", 11};
  return {epoch,
          EpochRecord{},
          MemberRecord{"orders", {1, 2, "shop"}, 3, 4},
          full,
          bare,
          end_of(4),
          EndRecord{},
          heuristic,
          HeuristicRecord{},
          resolution,
          seen,
          ResolutionRecord{},
          AcknowledgementRecord{}};
}

}  // namespace

TEST_CASE("every kind of record comes back as it was") {
  RecordCodec codec;
  for (const LogRecord& record : one_of_each()) {
    std::string payload;
    codec.encode(record, payload);
    REQUIRE_FALSE(payload.empty());
    const auto back = codec.decode(static_cast<std::uint8_t>(kind_of(record)), payload);
    REQUIRE(back.has_value());
    REQUIRE(*back == record);
  }
}

TEST_CASE("a payload that says something this release does not know is no record") {
  RecordCodec codec;
  for (const LogRecord& record : one_of_each()) {
    const auto kind = static_cast<std::uint8_t>(kind_of(record));
    std::string payload;
    codec.encode(record, payload);
    const std::string with_field_99 = payload + "\x98\x06\x01";
    CHECK_FALSE(codec.decode(kind, with_field_99).has_value());
    CHECK_FALSE(codec.decode(kind, payload.substr(0, payload.size() - 1)).has_value());
    CHECK_FALSE(codec.decode(0, payload).has_value());
    CHECK_FALSE(codec.decode(8, payload).has_value());
  }
  CHECK_FALSE(codec.decode(3, "").has_value());           // a commit without an id
  CHECK_FALSE(codec.decode(3, "\x0a\x01x").has_value());  // an id of one byte
}

TEST_CASE("CRC-32C has its check value, and both routines agree") {
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c_by_table("123456789") == 0xe3069283);
  CHECK(crc32c("1234", "56789") == 0xe3069283);
  std::mt19937 random(1);
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    const std::size_t cut = bytes.empty() ? 0 : random() % bytes.size();
    const std::string_view all = bytes;
    REQUIRE(crc32c(all.substr(0, cut), all.substr(cut)) == crc32c_by_table(all));
    bytes.push_back(static_cast<char>(random()));
  }
}
