#include "tests/simulation/ledger_files.hpp"

#include <algorithm>

#include "coordinator/log/segment.hpp"

namespace assent::simulation {
namespace {

std::uint32_t number_at(std::string_view file, std::uint64_t offset) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i)
    number |= static_cast<std::uint32_t>(static_cast<unsigned char>(file[offset + i])) << (8 * i);
  return number;
}

// Gives every frame after the good ones the checksum that it should have.
void mend_checksums(std::string& file) {
  const auto header = decode_header(file);
  if (!std::holds_alternative<SegmentHeader>(header)) return;
  const Framing framing(std::get<SegmentHeader>(header));
  std::uint64_t at = records_of(file).end;
  while (file.size() - at > kFrameBytes) {
    const std::uint32_t length = number_at(file, at + 4);
    if (length == 0 || length > file.size() - at - kFrameBytes) return;
    std::string frame;
    framing.append(frame, at, number_at(file, at + 8), static_cast<std::uint8_t>(file[at + 12]),
                   std::string_view(file).substr(at + kFrameBytes, length));
    file.replace(at, 4, frame, 0, 4);
    at += frame.size();
  }
}

}  // namespace

std::vector<std::string> segments_of(test::MemoryDisk& disk) {
  std::vector<std::string> names;
  test::MemoryFiles(disk).list(names);
  std::erase_if(names, [](const std::string& name) { return segment_number(name) == 0; });
  return names;
}

Records records_of(std::string_view file) {
  const auto header = decode_header(file);
  if (!std::holds_alternative<SegmentHeader>(header)) return {};
  const Framing framing(std::get<SegmentHeader>(header));
  Records records{kHeaderBytes, kHeaderBytes};
  while (const auto frame = framing.at(file, records.end)) {
    records.last = frame->offset;
    records.end = frame->end();
  }
  return records;
}

std::error_code LedgerFiles::read(const std::string& name, std::uint64_t limit,
                                  std::string& content, std::uint64_t& size) {
  const auto error = files_.read(name, limit, content, size);
  if (!error) content.resize(std::min(limit, size));
  if (plant_ == Plant::checksum_ignored) mend_checksums(content);
  if (plant_ == Plant::torn_tail_trusted && content.size() > kHeaderBytes) {
    const auto end = static_cast<std::ptrdiff_t>(records_of(content).end);
    std::fill(content.begin() + end, content.end(), '\0');
  }
  return error;
}

std::error_code LedgerFiles::pwrite(Handle handle, std::uint64_t offset, std::string_view bytes) {
  if (offset == 0) {
    const auto header = decode_header(bytes);
    const auto* opening = std::get_if<SegmentHeader>(&header);
    stands_alone_ = opening && opening->previous == 0;
  }
  return files_.pwrite(handle, offset, bytes);
}

std::error_code LedgerFiles::fdatasync(Handle handle) {
  if (plant_ == Plant::sync_skipped) return {};
  const auto error = files_.fdatasync(handle);
  if (error && plant_ == Plant::failed_sync_ignored) return {};
  if (error && plant_ == Plant::failed_sync_retried) return files_.fdatasync(handle);
  return error;
}

std::error_code LedgerFiles::rename(const std::string& from, const std::string& to) {
  if (plant_ == Plant::segments_deleted_early && stands_alone_) delete_all_segments();
  current_ = to;
  return files_.rename(from, to);
}

void LedgerFiles::delete_all_segments() {
  for (const std::string& name : segments_of(disk_)) files_.unlink(name);
  files_.sync_folder();
}

std::error_code LedgerFiles::sync_folder() {
  return plant_ == Plant::folder_sync_skipped ? std::error_code{} : files_.sync_folder();
}

Place LedgerFiles::place() {
  Place place = files_.place();
  if (plant_ == Plant::copy_trusted) place.inode = 0;
  return place;
}

}  // namespace assent::simulation
