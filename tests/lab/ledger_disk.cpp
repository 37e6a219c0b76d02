#include "tests/lab/ledger_disk.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace assent::lab {

namespace fs = std::filesystem;

// In a mount namespace of our own: nobody else sees it, and no death of ours leaves it behind.
LedgerDisk::LedgerDisk(fs::path ledger) : ledger_(std::move(ledger)) {
  fs::create_directories(ledger_);
  mounted_ =
      ::unshare(CLONE_NEWNS) == 0 &&
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
      ::mount("tmpfs", ledger_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0700") == 0;
}

LedgerDisk::~LedgerDisk() {
  std::error_code ignored;
  free();
  if (!mounted_) return;
  const fs::path copy = ledger_.string() + "-of-tmpfs";
  fs::copy(ledger_, copy, fs::copy_options::recursive, ignored);
  ::umount2(ledger_.c_str(), MNT_DETACH);
  fs::remove_all(ledger_, ignored);
  fs::rename(copy, ledger_, ignored);
}

std::string LedgerDisk::kind() const {
  return mounted_ ? "a tmpfs of 1 MiB" : "a library that refuses room for segments";
}

fs::path LedgerDisk::control() const {
  return ledger_.parent_path() / "disk-full";
}

void LedgerDisk::fill() {
  if (!mounted_) {
    std::ofstream(control()) << "full\n";
    return;
  }
  const int fd = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const std::array<char, 4096> page{};
  while (::write(fd, page.data(), page.size()) > 0) continue;
  const int why = errno;
  ::close(fd);
  if (why != ENOSPC)
    throw std::runtime_error("cannot fill " + ledger_.string() + ": " + std::strerror(why));
}

void LedgerDisk::free() {
  std::error_code ignored;
  fs::remove(mounted_ ? filler() : control(), ignored);
}

}  // namespace assent::lab
