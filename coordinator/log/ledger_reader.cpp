#include "coordinator/log/ledger_reader.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "coordinator/log/scan.hpp"
#include "protocol/record_codec.hpp"

namespace assent {
namespace {

constexpr std::string_view kRemedy =
    "; nothing was changed: put back an undamaged copy of the whole folder and start with "
    "--restored";

class Reader {
 public:
  Reader(Files& files, const RecordSeen& seen, std::uint64_t keep_bytes)
      : files_(files), seen_(seen), keep_bytes_(keep_bytes) {}

  LogResult<LedgerContents> read() {
    if (auto error = read_headers()) return *std::move(error);
    if (auto error = follow_chain()) return *std::move(error);
    for (std::size_t i = 0; i < contents_.chain.size(); ++i)
      if (auto error = read_records(i)) return *std::move(error);
    return std::move(contents_);
  }

 private:
  using Failure = std::optional<LogError>;

  std::string path(std::uint64_t number) const { return files_.path(segment_name(number)); }

  LogError refused(std::uint64_t number, std::uint64_t offset, const std::string& why) const {
    return {path(number) + ", offset " + std::to_string(offset) + ": " + why +
            std::string(kRemedy)};
  }

  Failure read_headers() {
    std::vector<std::string> names;
    if (const auto error = files_.list(names)) return log_error("list", files_.path({}), error);
    for (const std::string& name : names) {
      const std::uint64_t number = segment_number(name);
      if (number == 0) continue;
      std::string bytes;
      std::uint64_t size = 0;
      if (const auto error = files_.read(name, kHeaderBytes, bytes, size))
        return log_error("read", files_.path(name), error);
      bytes.resize(std::min<std::uint64_t>(size, kHeaderBytes));
      auto header = decode_header(bytes);
      if (const auto* why = std::get_if<std::string>(&header)) return refused(number, 0, *why);
      headers_[number] = std::get<SegmentHeader>(header);
    }
    if (headers_.empty())
      return LogError{"no ledger in " + files_.path({}) +
                      ": make one with 'assent-coordinator init', or correct the folder"};
    contents_.ledger = headers_.rbegin()->second.ledger;
    for (const auto& [number, header] : headers_) {
      if (header.number != number)
        return refused(number, 32, "it is segment " + segment_name(header.number) + ", renamed");
      if (header.ledger != contents_.ledger)
        return refused(number, 16,
                       "it belongs to ledger " + to_string(header.ledger) +
                           ", the newest segment to " + to_string(contents_.ledger));
    }
    return {};
  }

  // From the newest back to the one that stands alone.
  Failure follow_chain() {
    std::uint64_t number = headers_.rbegin()->first;
    while (true) {
      const auto found = headers_.find(number);
      contents_.chain.push_back({found->second});
      const std::uint64_t previous = found->second.previous;
      headers_.erase(found);
      if (previous == 0) break;
      if (headers_.count(previous) == 0)
        return LogError{path(previous) + ": this segment is missing, " + segment_name(number) +
                        " continues it" + std::string(kRemedy)};
      number = previous;
    }
    std::reverse(contents_.chain.begin(), contents_.chain.end());
    for (const auto& [unneeded, header] : headers_)
      contents_.superseded.push_back(segment_name(unneeded));
    return {};
  }

  Failure read_records(std::size_t index) {
    LedgerSegment& segment = contents_.chain[index];
    const bool last = index + 1 == contents_.chain.size();
    const std::uint64_t number = segment.header.number;
    const std::string its_path = path(number);
    std::string file;
    std::uint64_t size = 0;
    constexpr auto kAll = std::numeric_limits<std::uint64_t>::max();
    if (const auto error = files_.read(segment_name(number), kAll, file, size))
      return log_error("read", its_path, error);
    // A record may end in zeros of its own.
    file.resize(std::min<std::uint64_t>(size, file.size() + kFrameBytes + kMaxPayloadBytes));

    Failure unknown;
    const auto take = [&](const Framing::Frame& frame) {
      const auto record = codec_.decode(frame.kind, frame.payload);
      if (!record && !unknown)
        unknown = refused(number, frame.offset,
                          "this release does not know this record (kind " +
                              std::to_string(frame.kind) + "): start the release that wrote it");
      if (record && seen_) seen_(its_path, frame.offset, *record);
    };
    std::optional<std::uint64_t> sealed_at;
    if (!last) sealed_at = contents_.chain[index + 1].header.previous_end;
    const SegmentScan scan = scan_segment(file, size, segment.header, sealed_at, take);
    if (unknown) return unknown;
    if (scan.damage)
      return refused(number, scan.end, "a synced record is damaged: " + *scan.damage);

    segment.end = scan.end;
    segment.durable = scan.durable;
    keep_records(segment, file);
    if (last) contents_.tail = scan.tail;
    return {};
  }

  // Decodes once more what may have to be repeated: little, compared with what was read. Where the
  // segment is too long to be repeated whole, what is certainly on disk can go, and all of the
  // segments before it.
  void keep_records(LedgerSegment& segment, std::string_view file) {
    auto& records = contents_.records;
    const bool whole = segment.end <= keep_bytes_;
    if (!whole) records.clear();
    segment.first_record = records.size();
    segment.first_doubtful = segment.first_record;
    const Framing framing(segment.header);
    for (std::uint64_t offset = kHeaderBytes; offset < segment.end;) {
      const auto frame = framing.at(file, offset);
      const bool doubtful = offset >= segment.durable;
      if (whole || doubtful) records.push_back(*codec_.decode(frame->kind, frame->payload));
      if (!doubtful) segment.first_doubtful = records.size();
      offset = frame->end();
    }
  }

  Files& files_;
  const RecordSeen& seen_;
  const std::uint64_t keep_bytes_;
  RecordCodec codec_;
  std::map<std::uint64_t, SegmentHeader> headers_;
  LedgerContents contents_;
};

}  // namespace

LogResult<LedgerContents> read_ledger(Files& files, const RecordSeen& seen,
                                      std::uint64_t keep_bytes) {
  return Reader(files, seen, keep_bytes).read();
}

}  // namespace assent
