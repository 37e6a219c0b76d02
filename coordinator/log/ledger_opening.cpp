#include "coordinator/log/ledger_opening.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "coordinator/log/group_commit.hpp"
#include "coordinator/log/ledger_reader.hpp"

namespace assent {
namespace {

// Far above any epoch that starts unknown to this copy of the ledger can have reached.
constexpr Epoch kRestoredLeap = 1 << 20;

std::optional<LogError> lock(Files& files) {
  std::string holder;
  const auto error = files.lock(holder);
  if (error == std::errc::operation_would_block ||
      error == std::errc::resource_unavailable_try_again)
    return LogError{"the ledger in " + files.path({}) + " is in use by process " +
                    (holder.empty() ? "(unknown)" : holder) +
                    ": one coordinator at a time; stop that one first"};
  if (error) return log_error("lock", files.path("LOCK"), error);
  return {};
}

// Writes the segment from nothing to its name.
std::optional<LogError> write_segment(Files& files, LogWriter& writer, OpenSegment segment,
                                      std::uint64_t size) {
  LogProgress progress;
  if (auto error = writer.perform(MakeSpare{size}, progress)) return error;
  while (writer.spare() == LogWriter::Spare::filling)
    if (auto error = writer.fill_spare(progress)) return error;
  if (writer.spare() == LogWriter::Spare::no_room)
    return LogError{"no room in " + files.path({}) + " for a segment of " + std::to_string(size) +
                    " bytes: free some space and start again"};
  return writer.perform(std::move(segment), progress);
}

// So much of a log is repeated at a start at most, beyond what must be: a long one stays where it
// is.
constexpr std::uint64_t kMaxRepeated = 8 << 20;
// A start waits for zeros on disk, so it asks for few; later segments grow to what is configured.
constexpr std::uint64_t kMaxFirstSegment = 16 << 20;

// What an earlier start had to be careful about, this one must be too.
EpochRecord start_after(const EpochRecord& last, const Recovered& recovered,
                        const LedgerOpening& opening, Place place) {
  EpochRecord start;
  start.epoch = last.epoch + 1 + (opening.restored ? kRestoredLeap : 0);
  start.life = opening.life;
  start.place = std::move(place);
  start.wall_ms = opening.wall_ms;
  start.careful_below = last.careful_below;
  start.contradicted_below = last.contradicted_below;
  start.forgotten_wall_ms = last.forgotten_wall_ms;
  start.forgotten_key_ms = last.forgotten_key_ms;
  if (recovered.tail == Tail::torn || !recovered.same_place || recovered.restored)
    start.careful_below = start.epoch;
  return start;
}

// What of the old log the new segment takes over. Always what was perhaps never synced: a process
// that dies of a failed sync leaves pages in memory that look like the disk and are not. Beyond
// that, whole segments while they are small, lest many starts leave many files.
struct Takeover {
  std::size_t keep = 0;            // the first so many segments stay as they are …
  std::uint64_t previous_end = 0;  // … the last of them up to here
  std::size_t first_record = 0;    // from this on, records are repeated
};

Takeover plan_takeover(const LedgerContents& contents, std::uint64_t limit) {
  const LedgerSegment& last = contents.chain.back();
  if (last.end > limit && last.durable > kHeaderBytes)
    return {contents.chain.size(), last.durable, last.first_doubtful};
  Takeover plan{contents.chain.size(), 0, contents.records.size()};
  std::uint64_t total = 0;
  while (plan.keep > 0) {
    const LedgerSegment& segment = contents.chain[plan.keep - 1];
    total += segment.end;
    if (plan.keep < contents.chain.size() && total > limit) break;
    plan.first_record = segment.first_record;
    --plan.keep;
  }
  if (plan.keep > 0) plan.previous_end = contents.chain[plan.keep - 1].end;
  return plan;
}

}  // namespace

LogResult<LedgerId> init_ledger(Files& files, LedgerId id, std::uint64_t segment_bytes) {
  std::vector<std::string> names;
  if (const auto error = files.list(names)) return log_error("list", files.path({}), error);
  // What an init leaves that found no room.
  std::erase_if(names, [](const std::string& name) { return name == "LOCK" || name == "spare"; });
  if (!names.empty())
    return LogError{files.path({}) + " is not empty (" + names.front() +
                    "): a ledger is made in an empty folder only; name another one, or start with "
                    "the ledger that is there"};
  if (auto error = lock(files)) return *std::move(error);
  SegmentHeader header;
  header.ledger = id;
  header.number = 1;
  header.size = segment_bytes;
  RecordCodec codec;
  std::string bytes = opening_bytes(header, {}, codec);
  LogWriter writer(files, {});
  if (auto error =
          write_segment(files, writer, OpenSegment{1, std::move(bytes), 0, 0}, header.size))
    return *std::move(error);
  return id;
}

LogResult<OpenedLedger> open_ledger(Files& files, const LedgerOpening& opening) {
  std::vector<std::string> names;
  if (const auto error = files.list(names))
    return LogError{log_error("open the ledger's folder", files.path({}), error).message +
                    "; make a ledger with 'assent-coordinator init', or correct the folder"};
  const auto is_segment = [](const std::string& name) { return segment_number(name) != 0; };
  const bool any = std::any_of(names.begin(), names.end(), is_segment);
  if (any)  // else read_ledger says so, and no LOCK is left in a folder that is not ours
    if (auto error = lock(files)) return *std::move(error);
  std::optional<EpochRecord> last;
  const auto hear = [&](const std::string&, std::uint64_t, const LogRecord& record) {
    const auto* epoch = std::get_if<EpochRecord>(&record);
    if (epoch && (!last || epoch->epoch >= last->epoch)) last = *epoch;
    if (opening.take) opening.take(record);
  };
  const std::uint64_t repeated_bytes = std::min(opening.segment_bytes / 2, kMaxRepeated);
  auto read = read_ledger(files, hear, repeated_bytes);
  if (!read) return read.error();
  LedgerContents& contents = *read;

  OpenedLedger opened;
  Recovered& recovered = opened.recovered;
  Place place = files.place();
  recovered.ledger = contents.ledger;
  recovered.tail = contents.tail;
  recovered.restored = opening.restored;
  // A machine without a name cannot be told from another one.
  recovered.same_place = !last || (last->place == place && !place.machine_id.empty());
  opened.start = start_after(last ? *last : EpochRecord{}, recovered, opening, std::move(place));

  const Takeover takeover = plan_takeover(contents, repeated_bytes);
  std::vector<LogRecord> repeated = std::move(contents.records);
  repeated.erase(repeated.begin(),
                 repeated.begin() + static_cast<std::ptrdiff_t>(takeover.first_record));
  repeated.push_back(opened.start);
  SegmentHeader& header = opened.current;
  header.ledger = contents.ledger;
  header.number = contents.chain.back().header.number + 1;
  if (takeover.keep > 0) header.previous = contents.chain[takeover.keep - 1].header.number;
  header.previous_end = takeover.previous_end;
  RecordCodec codec;
  SegmentHeader measured = header;
  header.size = segment_size(std::min(opening.segment_bytes, kMaxFirstSegment),
                             opening_bytes(measured, repeated, codec).size());
  std::string bytes = opening_bytes(header, repeated, codec);

  std::vector<std::string> segments;
  for (const LedgerSegment& segment : contents.chain)
    segments.push_back(segment_name(segment.header.number));
  segments.insert(segments.end(), contents.superseded.begin(), contents.superseded.end());
  opened.writer = std::make_unique<LogWriter>(files, std::move(segments));
  OpenSegment segment{header.number, std::move(bytes), 0, takeover.keep};
  if (auto error = write_segment(files, *opened.writer, std::move(segment), header.size))
    return *std::move(error);
  return opened;
}

}  // namespace assent
