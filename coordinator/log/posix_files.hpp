// The log's files on a local file system.
#pragma once

#include <string>

#include "coordinator/log/files.hpp"

namespace assent {

// A folder of the local file system. Safe for use by one thread at a time.
class PosixFiles final : public Files {
 public:
  explicit PosixFiles(std::string folder);
  ~PosixFiles() override;
  PosixFiles(const PosixFiles&) = delete;
  PosixFiles& operator=(const PosixFiles&) = delete;

  std::error_code lock(std::string& holder) override;
  std::error_code list(std::vector<std::string>& names) override;
  std::error_code read(const std::string& name, std::uint64_t limit, std::string& content,
                       std::uint64_t& size) override;
  std::error_code create(const std::string& name, Handle& handle) override;
  std::error_code pwrite(Handle handle, std::uint64_t offset, std::string_view bytes) override;
  std::error_code fdatasync(Handle handle) override;
  void close(Handle handle) override;
  std::error_code rename(const std::string& from, const std::string& to) override;
  std::error_code unlink(const std::string& name) override;
  std::error_code sync_folder() override;
  Place place() override;
  std::string path(const std::string& name) const override;

 private:
  std::string folder_;
  int folder_fd_ = -1;
  std::error_code folder_error_;  // why there is no folder_fd_; list() says it, and who lists first
                                  // needs no other call to
  int lock_fd_ = -1;
};

}  // namespace assent
