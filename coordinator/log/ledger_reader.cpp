#include "coordinator/log/ledger_reader.hpp"

#include <algorithm>
#include <limits>
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
  Reader(Files& files, const RecordSeen& seen) : files_(files), seen_(seen) {}

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
      if (const auto error = files_.read(name, kHeaderBytes, bytes))
        return log_error("read", files_.path(name), error);
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
    std::string file;
    if (const auto error =
            files_.read(segment_name(number), std::numeric_limits<std::uint64_t>::max(), file))
      return log_error("read", path(number), error);

    segment.first_record = contents_.records.size();
    std::vector<std::uint64_t> offsets;
    Failure unknown;
    const auto take = [&](const Framing::Frame& frame) {
      auto record = codec_.decode(frame.kind, frame.payload);
      if (!record && !unknown)
        unknown = refused(number, frame.offset,
                          "this release does not know this record (kind " +
                              std::to_string(frame.kind) + "): start the release that wrote it");
      if (!record) return;
      if (seen_) seen_(path(number), frame.offset, *record);
      offsets.push_back(frame.offset);
      contents_.records.push_back(*std::move(record));
    };
    std::optional<std::uint64_t> sealed_at;
    if (!last) sealed_at = contents_.chain[index + 1].header.previous_end;
    const SegmentScan scan = scan_segment(file, segment.header, sealed_at, take);
    if (unknown) return unknown;
    if (scan.damage)
      return refused(number, scan.end, "a synced record is damaged: " + *scan.damage);

    segment.end = scan.end;
    segment.durable = scan.durable;
    const auto doubtful = std::lower_bound(offsets.begin(), offsets.end(), scan.durable);
    segment.first_doubtful =
        segment.first_record + static_cast<std::size_t>(doubtful - offsets.begin());
    if (last) contents_.tail = scan.tail;
    return {};
  }

  Files& files_;
  const RecordSeen& seen_;
  RecordCodec codec_;
  std::map<std::uint64_t, SegmentHeader> headers_;
  LedgerContents contents_;
};

}  // namespace

LogResult<LedgerContents> read_ledger(Files& files, const RecordSeen& seen) {
  return Reader(files, seen).read();
}

}  // namespace assent
