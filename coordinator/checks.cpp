#include "coordinator/checks.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "coordinator/configuration.hpp"
#include "coordinator/log/inspection.hpp"
#include "coordinator/log/sync_speed.hpp"
#include "protocol/runtime/config_check.hpp"
#include "protocol/runtime/listening.hpp"

namespace assent {
namespace {

using enum Finding::Severity;

// Above this, the disk is what limits how fast a single transaction commits.
constexpr std::chrono::milliseconds kSlowSync{20};

// The inodes of the sockets of a process; empty where this user may not see them.
std::set<std::string> sockets_of(const std::string& pid) {
  std::set<std::string> inodes;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc/" + pid + "/fd", error), end;
       !error && at != end; at.increment(error)) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(at->path(), gone).string();
    if (!gone && target.starts_with("socket:[")) inodes.insert(target.substr(8, target.size() - 9));
  }
  return inodes;
}

// From the kernel's list: "0: 0100007F:1CE8 00000000:0000 0A … inode"; 0A is a listening socket.
bool listens(const std::set<std::string>& sockets, std::uint16_t port) {
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string slot, local, remote, state, skipped, inode;
      words >> slot >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) words >> skipped;
      words >> inode;
      const auto colon = local.rfind(':');
      if (state != "0A" || colon == std::string::npos || !sockets.contains(inode)) continue;
      if (std::stoul(local.substr(colon + 1), nullptr, 16) == port) return true;
    }
  }
  return false;
}

void check_address(const Config& config, std::string_view key,
                   const std::optional<std::string>& running, Findings& found) {
  namespace net = boost::asio;
  const Address address = listen_address(config, key);
  const std::string where =
      std::string(key) + " (" + config.source(key) + "): " + to_string(address);
  net::io_context io;
  boost::system::error_code error;
  net::ip::tcp::resolver resolver(io);
  const auto ends = resolver.resolve(address.host, std::to_string(address.port), error);
  if (error) {
    found.push_back({Finding::Severity::error, where + " cannot be resolved: " + error.message(),
                     "Name an address of this machine."});
    return;
  }
  net::ip::tcp::acceptor acceptor(io);
  const auto end = ends.begin()->endpoint();
  acceptor.open(end.protocol(), error);
  if (!error) acceptor.set_option(net::ip::tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(end, error);
  if (!error) acceptor.listen(1, error);
  if (!error) {
    found.push_back({note, where + " can be listened on.", {}});
    return;
  }
  const auto sockets = running ? sockets_of(*running) : std::set<std::string>{};
  if (error == net::error::address_in_use && running && sockets.empty())
    found.push_back({note,
                     where + " is in use; whether by the running coordinator, only its user "
                             "can see.",
                     {}});
  else if (error == net::error::address_in_use && listens(sockets, address.port))
    found.push_back({note, where + " is the running coordinator's.", {}});
  else
    found.push_back({Finding::Severity::error, where + " cannot be listened on: " + error.message(),
                     "Choose another address, or stop what uses it (ss -ltnp)."});
}

void check_ledger(const std::string& folder, const std::optional<std::string>& running,
                  Findings& found) {
  const auto contents = verify_log(folder);
  if (!contents) {
    found.push_back({Finding::Severity::error, contents.error().message, {}});
    return;
  }
  found.push_back({note,
                   "The ledger " + to_string(contents->ledger) + " in " + folder +
                       " is whole and " +
                       (running ? "in use by process " + *running : "not in use") + ".",
                   {}});
}

}  // namespace

Findings check_coordinator(const Config& config) {
  Findings found;
  check_listening(config, {"listen", "admin.listen"}, found);
  look(found, [&] { groups_of(config); });
  return found;
}

void check_sync_speed(const std::string& ledger, Findings& found) {
  const auto speed = measure_sync(ledger);
  if (!speed) {
    found.push_back({Finding::Severity::error, speed.error().message,
                     "The coordinator's user must be able to write there."});
    return;
  }
  char text[160];
  std::snprintf(text, sizeof text,
                "A sync of the ledger's disk takes %.2f ms, the slowest of %d %.2f ms.",
                static_cast<double>(speed->median.count()) / 1000, speed->syncs,
                static_cast<double>(speed->slowest.count()) / 1000);
  if (speed->median > kSlowSync)
    found.push_back({warning, text,
                     "Give the ledger a disk of its own, with a write cache that outlives a power "
                     "failure.",
                     "Every commit waits for one."});
  else
    found.push_back({note, text, {}});
}

Findings check_coordinator_online(const Config& config) {
  Findings found;
  const std::string& folder = config.text("ledger");
  const auto running = user_of_ledger(folder);
  check_ledger(folder, running, found);
  for (const char* key : {"listen", "admin.listen"})
    look(found, [&] { check_address(config, key, running, found); });
  if (!has_error(found)) check_sync_speed(folder, found);
  return found;
}

}  // namespace assent
