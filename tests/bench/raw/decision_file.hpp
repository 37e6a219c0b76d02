// A file of decision records, as small as it can be.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace assent::bench::raw {

class DecisionFile {
 public:
  explicit DecisionFile(const std::string& path)
      : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
    const std::string zeros(1 << 20, '\0');
    for (int i = 0; i < 64; ++i) put(i * static_cast<off_t>(zeros.size()), zeros);
    if (::fsync(file_) != 0) throw std::runtime_error("raw: cannot sync " + path);
  }
  ~DecisionFile() { ::close(file_); }
  DecisionFile(const DecisionFile&) = delete;
  DecisionFile& operator=(const DecisionFile&) = delete;

  void add(const std::string& gid) {
    batch_ += gid;
    batch_.append(64 - gid.size() % 64, '\n');
  }
  // What was added is on disk when this returns.
  void sync() {
    put(end_, batch_);
    end_ += static_cast<off_t>(batch_.size());
    batch_.clear();
    if (::fdatasync(file_) != 0) throw std::runtime_error("raw: a sync has failed");
  }

 private:
  void put(off_t offset, const std::string& bytes) const {
    if (::pwrite(file_, bytes.data(), bytes.size(), offset) != static_cast<ssize_t>(bytes.size()))
      throw std::runtime_error("raw: a write has failed");
  }

  int file_;
  off_t end_ = 0;
  std::string batch_;
};

}  // namespace assent::bench::raw
