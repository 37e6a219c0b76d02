// What the machine we run on offers: ports, accounts, temporary folders. Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace assent::dev {

// A TCP port of 127.0.0.1 that nothing listens on, below the range from which the system takes the
// ports of outgoing connections; never the same twice from one process, nor from two while both
// live. Throws std::runtime_error when there is none.
std::uint16_t free_port();

// Whether something accepts connections on 127.0.0.1:port.
bool accepts(std::uint16_t port);

// The folder of the running executable: the daemons lie next to `assent`.
std::filesystem::path executable_folder();

// A user of the operating system.
struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

// Who servers run as that refuse to run as root: `postgres`, else `nobody`. nullopt when we are not
// root and need not change. Throws std::runtime_error when there is neither.
std::optional<Account> server_account();

// A private folder under $TMPDIR that others may pass through but not list; removed with the
// object.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(std::string_view prefix = "assent");
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace assent::dev
