#include "coordinator/log/group_commit.hpp"

#include <algorithm>
#include <utility>

namespace assent {
namespace {

constexpr std::uint64_t kBlock = 4096;

}  // namespace

std::uint64_t segment_size(std::uint64_t configured, std::uint64_t opening) {
  if (opening <= configured / 2) return configured;
  const std::uint64_t wanted = configured + 2 * opening;
  return std::min((wanted + kBlock - 1) / kBlock * kBlock, kMaxSegmentBytes);
}

std::string opening_bytes(SegmentHeader& header, const std::vector<LogRecord>& records,
                          RecordCodec& codec) {
  std::vector<std::string> payloads(records.size());
  header.opening_end = kHeaderBytes;
  for (std::size_t i = 0; i < records.size(); ++i) {
    codec.encode(records[i], payloads[i]);
    header.opening_end += kFrameBytes + payloads[i].size();
  }
  header.size = std::max(header.size, header.opening_end);
  std::string bytes = encode(header);
  bytes.reserve(header.opening_end);
  const Framing framing(header);
  for (std::size_t i = 0; i < records.size(); ++i)
    framing.append(bytes, bytes.size(), 0, static_cast<std::uint8_t>(kind_of(records[i])),
                   payloads[i]);
  return bytes;
}

GroupCommit::GroupCommit(const SegmentHeader& current, std::uint64_t configured_size)
    : configured_size_(configured_size),
      current_(current),
      framing_(current),
      end_(current.opening_end),
      durable_(current.opening_end) {}

void GroupCommit::begin(std::deque<LogJob>& queue) const {
  queue.emplace_back(MakeSpare{next_size(0)});
}

std::uint64_t GroupCommit::next_size(std::uint64_t opening) const {
  return segment_size(std::min(configured_size_, 4 * current_.size), opening);
}

bool GroupCommit::append(RecordNumber number, const LogRecord& record) {
  payload_.clear();
  codec_.encode(record, payload_);
  const std::uint64_t size = kFrameBytes + payload_.size();
  if (payload_.size() > kMaxPayloadBytes || size > current_.size - end_) return false;
  framing_.append(batch_, end_, durable_, static_cast<std::uint8_t>(kind_of(record)), payload_);
  end_ += size;
  last_ = number;
  return true;
}

void GroupCommit::flush(std::deque<LogJob>& queue, const Snapshot& snapshot) {
  if (!batch_.empty()) hand_over(queue);
  if (due() && spare_ != 0) open_next(queue, snapshot());
}

// Joins the batch that waits for its turn, where there is one: one write and one sync for both.
void GroupCommit::hand_over(std::deque<LogJob>& queue) {
  auto* waiting = queue.empty() ? nullptr : std::get_if<WriteBatch>(&queue.back());
  if (waiting && waiting->segment == current_.number) {
    waiting->bytes += batch_;
    waiting->up_to = last_;
  } else {
    queue.emplace_back(WriteBatch{current_.number, end_ - batch_.size(), batch_, last_});
  }
  batch_.clear();
}

void GroupCommit::open_next(std::deque<LogJob>& queue, const std::vector<LogRecord>& records) {
  SegmentHeader next;
  next.ledger = current_.ledger;
  next.number = current_.number + 1;
  next.size = std::exchange(spare_, 0);
  const std::uint64_t offered = next.size;
  std::string bytes = opening_bytes(next, records, codec_);
  const std::uint64_t needed = next_size(bytes.size());
  if (needed > offered) {  // this one stays in use until a larger spare is ready
    queue.emplace_back(MakeSpare{needed});
    return;
  }
  current_ = next;
  framing_ = Framing(current_);
  end_ = durable_ = bytes.size();
  queue.emplace_back(OpenSegment{current_.number, std::move(bytes), 0, 0});
  queue.emplace_back(MakeSpare{next_size(end_)});
}

void GroupCommit::done(const LogProgress& progress) {
  if (progress.segment == current_.number) durable_ = std::max(durable_, progress.end);
  if (progress.spare != 0) spare_ = progress.spare;
}

}  // namespace assent
