#include "coordinator/log/scan.hpp"

#include <random>

#include "coordinator/log/group_commit.hpp"
#include "tests/unit/log/test_log.hpp"

using namespace assent;
using namespace assent::test;

namespace {

struct Image {
  SegmentHeader header;
  std::string file;
  std::vector<std::string> payloads;
  std::vector<std::uint64_t> ends;  // ends[i]: where record i ends
};

// A segment of commits 1 … count, each batch of so many records synced before the next.
Image image(Sequence count, Sequence batch) {
  Image made;
  made.header = {kLedger, 3, 0, 0, kHeaderBytes, 40'960};
  made.file = encode(made.header);
  const Framing framing(made.header);
  RecordCodec codec;
  std::uint64_t durable = kHeaderBytes;
  for (Sequence i = 1; i <= count; ++i) {
    std::string payload;
    codec.encode(commit(i), payload);
    if ((i - 1) % batch == 0) durable = made.file.size();
    framing.append(made.file, made.file.size(), durable, 3, payload);
    made.payloads.push_back(payload);
    made.ends.push_back(made.file.size());
  }
  REQUIRE(made.file.size() < made.header.size);
  made.file.resize(made.header.size);
  return made;
}

// How many records, each checked to be the right one.
struct Found {
  SegmentScan scan;
  std::size_t records = 0;
};
Found scan(const Image& image, std::string_view file, std::optional<std::uint64_t> sealed = {}) {
  Found found;
  found.scan =
      scan_segment(file, file.size(), image.header, sealed, [&](const Framing::Frame& frame) {
        if (frame.kind != 3 || frame.payload != image.payloads[found.records])
          FAIL("a wrong record");
        ++found.records;
      });
  return found;
}

}  // namespace

TEST_CASE("a whole segment is read to its end") {
  const Image log = image(200, 1);
  const Found found = scan(log, log.file);
  CHECK(found.records == 200);
  CHECK(found.scan.end == log.ends.back());
  CHECK(found.scan.durable == log.ends[198]);
  CHECK(found.scan.tail == Tail::clean);
  CHECK_FALSE(found.scan.damage);
}

TEST_CASE("a segment cut short at any length gives the records before the cut and a torn tail") {
  const Image log = image(200, 1);
  std::size_t whole = 0;
  for (std::size_t length = kHeaderBytes; length < log.ends.back() + 100; ++length) {
    while (whole < 200 && log.ends[whole] <= length) ++whole;
    const Found found = scan(log, std::string_view(log.file).substr(0, length));
    if (found.records != whole || found.scan.tail != Tail::torn || found.scan.damage)
      FAIL("cut at " << length << ": " << found.records << " records");
  }
}

TEST_CASE("a flipped byte anywhere is damage, or in the last record a torn tail") {
  const Image log = image(200, 1);
  std::size_t record = 0;
  std::string file = log.file;
  for (std::size_t at = kHeaderBytes; at < log.ends.back() + 100; ++at) {
    while (record < 200 && log.ends[record] <= at) ++record;
    file[at] = static_cast<char>(file[at] ^ (1 << at % 8));
    const Found found = scan(log, file);
    file[at] = log.file[at];
    const bool refused = found.scan.damage.has_value();
    const bool damage_expected = record < 199;  // a later one was written after it was synced
    if (found.records != record || refused != damage_expected ||
        found.scan.end != (record == 0 ? kHeaderBytes : log.ends[record - 1]) ||
        (!refused && found.scan.tail != Tail::torn))
      FAIL("flipped at " << at << " in record " << record);
  }
}

TEST_CASE("a batch torn in any order of its sectors is a torn tail, never damage") {
  const Image log = image(90, 30);  // the last batch spans several sectors
  std::mt19937 random(5);
  const std::uint64_t batch = log.ends[59];
  for (int i = 0; i < 2000; ++i) {
    std::string file = log.file;
    for (std::size_t at = batch / 512 * 512; at < log.ends.back(); at += 512)
      if (random() % 2)
        for (std::size_t byte = std::max<std::size_t>(at, batch); byte < at + 512; ++byte)
          file[byte] = 0;
    const Found found = scan(log, file);
    REQUIRE_FALSE(found.scan.damage);
    REQUIRE(found.records >= 60);
    REQUIRE((found.scan.tail == Tail::torn || found.records == 90 || found.records == 60));
  }
}

TEST_CASE("zeros over a synced sector are damage") {
  const Image log = image(90, 30);
  std::string file = log.file;
  file.replace(1024, 512, 512, '\0');
  const Found found = scan(log, file);
  REQUIRE(found.scan.damage);
  CHECK(found.scan.end <= 1024);
}

TEST_CASE("a sealed segment ends exactly where the next one says") {
  const Image log = image(20, 1);
  CHECK(scan(log, log.file, log.ends[9]).records == 10);  // what follows is void
  CHECK_FALSE(scan(log, log.file, log.ends[9]).scan.damage);
  CHECK(scan(log, log.file, log.ends[9] + 1).scan.damage);
  std::string file = log.file;
  file[log.ends[18] + 20] ^= 1;  // in the last record, where the last segment would be torn
  CHECK(scan(log, file, log.ends[19]).scan.damage);
}

TEST_CASE("records of another segment, or from another place in it, are not read") {
  const Image log = image(20, 1);
  std::string moved = log.file;
  moved.replace(log.ends[4], log.ends[5] - log.ends[4], log.file, log.ends[14],
                log.ends[5] - log.ends[4]);
  CHECK(scan(log, moved).records == 5);
  Image other = log;
  other.header.number = 4;
  CHECK(scan(other, log.file).records == 0);
}

TEST_CASE("damage in what a segment opened with is never taken for a torn tail") {
  Image log = image(20, 20);
  log.header.opening_end = log.ends[19];
  RecordCodec codec;
  std::vector<LogRecord> records;
  for (Sequence i = 1; i <= 20; ++i) records.push_back(commit(i));
  log.file = opening_bytes(log.header, records, codec);
  log.file.resize(log.header.size);
  REQUIRE(scan(log, log.file).records == 20);
  log.file[log.ends[18] + 20] ^= 1;
  CHECK(scan(log, log.file).scan.damage);
}

TEST_CASE("every flipped byte of a header is noticed") {
  const SegmentHeader header{kLedger, 5, 4, 1234, 99, 4096};
  std::string bytes = encode(header);
  REQUIRE(bytes.size() == kHeaderBytes);
  REQUIRE(std::get<SegmentHeader>(decode_header(bytes)) == header);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] ^= 4;
    CHECK(std::holds_alternative<std::string>(decode_header(bytes)));
    bytes[at] ^= 4;
  }
  CHECK(std::holds_alternative<std::string>(decode_header(bytes.substr(0, 79))));
  CHECK(segment_name(42) == "000000000000002a.log");
  CHECK(segment_number("000000000000002a.log") == 42);
  CHECK(segment_number("000000000000002A.log") == 0);
  CHECK(segment_number("spare") == 0);
}
