#include "coordinator/log/log_writer.hpp"

#include <algorithm>
#include <utility>

#include "coordinator/log/segment.hpp"

namespace assent {
namespace {

// The next segment until it gets its name: not a segment's name, so that no reader takes it for
// one.
const std::string kSpareName = "spare";
constexpr std::uint64_t kSliceBytes = 256 * 1024;

}  // namespace

LogWriter::LogWriter(Files& files, std::vector<std::string> segments)
    : files_(files), segments_(std::move(segments)) {}

LogWriter::~LogWriter() {
  if (current_ >= 0) files_.close(current_);
  if (spare_handle_ >= 0) files_.close(spare_handle_);
}

std::optional<LogError> LogWriter::perform(const LogJob& job, LogProgress& progress) {
  if (const auto* batch = std::get_if<WriteBatch>(&job)) return write_batch(*batch, progress);
  if (const auto* opening = std::get_if<OpenSegment>(&job)) return open_segment(*opening, progress);
  return make_spare(std::get<MakeSpare>(job));
}

std::optional<LogError> LogWriter::write_batch(const WriteBatch& batch, LogProgress& progress) {
  if (auto error = write_and_sync(current_, segments_.back(), batch.offset, batch.bytes))
    return error;
  progress.up_to = std::max(progress.up_to, batch.up_to);
  progress.segment = batch.segment;
  progress.end = batch.offset + batch.bytes.size();
  return {};
}

// The order matters. Content before name: a segment that has its name is whole up to its opening's
// end. Name before deletion: at every moment one whole log is in the folder.
std::optional<LogError> LogWriter::open_segment(const OpenSegment& opening, LogProgress& progress) {
  if (auto error = write_and_sync(spare_handle_, kSpareName, 0, opening.bytes)) return error;
  const std::string name = segment_name(opening.segment);
  if (const auto error = files_.rename(kSpareName, name))
    return log_error("rename the spare segment to", files_.path(name), error);
  if (const auto error = files_.sync_folder()) return log_error("sync", files_.path({}), error);
  if (current_ >= 0) files_.close(current_);
  current_ = std::exchange(spare_handle_, -1);
  spare_ = Spare::none;
  if (auto error = delete_older(opening.keep)) return error;
  segments_.push_back(name);
  progress.up_to = std::max(progress.up_to, opening.up_to);
  progress.segment = opening.segment;
  progress.end = opening.bytes.size();
  return {};
}

std::optional<LogError> LogWriter::make_spare(const MakeSpare& wish) {
  if (auto error = drop_spare()) return error;
  spare_size_ = wish.size;
  spare_ = Spare::filling;
  return {};
}

std::optional<LogError> LogWriter::write_and_sync(Files::Handle handle, const std::string& name,
                                                  std::uint64_t offset, std::string_view bytes) {
  if (const auto error = files_.pwrite(handle, offset, bytes))
    return log_error("write", files_.path(name), error);
  if (const auto error = files_.fdatasync(handle))
    return log_error("sync", files_.path(name), error);
  return {};
}

std::optional<LogError> LogWriter::delete_older(std::size_t keep) {
  if (segments_.size() <= keep) return {};
  for (std::size_t i = keep; i < segments_.size(); ++i) {
    const auto error = files_.unlink(segments_[i]);
    if (error && error != std::errc::no_such_file_or_directory)
      return log_error("delete", files_.path(segments_[i]), error);
  }
  segments_.resize(keep);
  if (const auto error = files_.sync_folder()) return log_error("sync", files_.path({}), error);
  return {};
}

std::optional<LogError> LogWriter::drop_spare() {
  if (spare_handle_ >= 0) files_.close(std::exchange(spare_handle_, -1));
  spare_filled_ = 0;
  const auto error = files_.unlink(kSpareName);
  if (error && error != std::errc::no_such_file_or_directory)
    return log_error("delete", files_.path(kSpareName), error);
  return {};
}

std::optional<LogError> LogWriter::fill_spare(LogProgress& progress) {
  static const std::string kZeros(kSliceBytes, '\0');
  const std::uint64_t size = std::min(kSliceBytes, spare_size_ - spare_filled_);
  std::error_code error;
  if (spare_handle_ < 0) error = files_.create(kSpareName, spare_handle_);
  if (!error)
    error = files_.pwrite(spare_handle_, spare_filled_, std::string_view(kZeros).substr(0, size));
  if (!error) error = files_.fdatasync(spare_handle_);
  // Nothing of value is in the spare: where only room is lacking it can be given up, and another be
  // tried later.
  if (is_no_room(error)) {
    spare_ = Spare::no_room;
    return drop_spare();
  }
  if (error) return log_error("write zeros ahead into", files_.path(kSpareName), error);
  spare_filled_ += size;
  spare_ = spare_filled_ < spare_size_ ? Spare::filling : Spare::ready;
  if (spare_ == Spare::ready) progress.spare = spare_size_;
  return {};
}

}  // namespace assent
