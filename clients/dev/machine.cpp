#include "clients/dev/machine.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace assent::dev {
namespace {

namespace fs = std::filesystem;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Calls bind or connect on a fresh socket; true when it succeeds.
template <typename Call>
bool try_socket(Call call, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const sockaddr_in address = loopback(port);
  const bool done = call(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return done;
}

constexpr std::uint16_t kFirstPort = 15'000;
constexpr std::uint16_t kPortsInBlock = 50;
constexpr std::uint16_t kPortBlocks = 340;

// A port that is free now need not be so when a server that was told of it starts: another process
// may have been told the same. So ports come in blocks, and a block is one process' as long as it
// lives: it is held by a name in the abstract namespace of sockets, which goes with the process.
bool hold_block(std::uint16_t block) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = "assent-ports-" + std::to_string(block);
  std::copy(text.begin(), text.end(), name.sun_path + 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), size) == 0) return true;  // stays open
  ::close(fd);
  return false;
}

}  // namespace

bool accepts(std::uint16_t port) {
  return try_socket(::connect, port);
}

std::uint16_t free_port() {
  static std::mt19937 random{std::random_device{}()};
  static std::vector<std::uint16_t> mine;  // of the blocks of this process, not given out yet
  std::uniform_int_distribution<std::uint16_t> choose(0, kPortBlocks - 1);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    if (mine.empty()) {
      const std::uint16_t block = choose(random);
      if (!hold_block(block)) continue;
      for (std::uint16_t i = 0; i < kPortsInBlock; ++i)
        mine.push_back(static_cast<std::uint16_t>(kFirstPort + block * kPortsInBlock + i));
    }
    const std::uint16_t port = mine.back();
    mine.pop_back();
    if (try_socket(::bind, port)) return port;
  }
  throw std::runtime_error("no TCP port between 15000 and 32000 is free on 127.0.0.1");
}

fs::path executable_folder() {
  return fs::read_symlink("/proc/self/exe").parent_path();
}

std::optional<Account> server_account() {
  if (::geteuid() != 0) return std::nullopt;
  for (const char* name : {"postgres", "nobody"})
    if (const passwd* entry = ::getpwnam(name)) return Account{name, entry->pw_uid, entry->pw_gid};
  throw std::runtime_error(
      "PostgreSQL refuses to run as root and there is neither a user 'postgres' nor 'nobody': run "
      "this as another user");
}

TemporaryFolder::TemporaryFolder(std::string_view prefix) {
  std::string name = (fs::temp_directory_path() / prefix).string() + "-XXXXXX";
  if (!::mkdtemp(name.data()))
    throw std::runtime_error("cannot make the folder " + name + ": " + std::strerror(errno));
  path_ = name;
  ::chmod(name.c_str(), 0711);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace assent::dev
