#include "tests/lab/addresses.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/lab/scenario.hpp"

namespace assent::lab {
namespace {

namespace fs = std::filesystem;

std::optional<Endpoint> parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  Endpoint endpoint{text.substr(0, colon), 0};
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, endpoint.port);
  if (read.ec != std::errc() || read.ptr != end || endpoint.port == 0) return std::nullopt;
  return endpoint;
}

class Reader {
 public:
  explicit Reader(std::string where) : where_(std::move(where)) {}

  void take(const std::string& line, Addresses& into) {
    words_ = std::istringstream(line);
    const std::string kind = word("coordinator, participant or link");
    if (kind == "coordinator") {
      into.coordinator = endpoint();
      literal("admin");
      into.coordinator_admin = endpoint();
    } else if (kind == "participant") {
      Addresses::Participant participant{word("its name"), {}, {}};
      literal("admin");
      participant.admin = endpoint();
      literal("database");
      std::getline(words_ >> std::ws, participant.conninfo);
      if (participant.conninfo.empty()) fail("what libpq takes", "the end of the line");
      into.participants.push_back(std::move(participant));
    } else if (kind == "link") {
      Addresses::Link link{word("its name"), {}, {}};
      literal("from");
      link.from = endpoint();
      literal("to");
      link.to = endpoint();
      into.links.push_back(std::move(link));
    } else {
      fail("coordinator, participant or link", kind);
    }
    if (std::string more; words_ >> more) fail("the end of the line", more);
  }

 private:
  [[noreturn]] void fail(const std::string& wanted, const std::string& got) const {
    throw ScenarioError(where_ + ": expected " + wanted + ", not \"" + got + "\"");
  }
  std::string word(const std::string& wanted) {
    std::string text;
    if (!(words_ >> text)) fail(wanted, "the end of the line");
    return text;
  }
  void literal(const std::string& wanted) {
    if (const std::string text = word(wanted); text != wanted) fail(wanted, text);
  }
  Endpoint endpoint() {
    const std::string text = word("an address such as 127.0.0.1:7400");
    const auto parsed = parse_endpoint(text);
    if (!parsed) fail("an address such as 127.0.0.1:7400", text);
    return *parsed;
  }

  std::string where_;
  std::istringstream words_;
};

// Of the sockets that listen on that port, by /proc/net/tcp and tcp6: "sl local rem st … inode".
std::set<std::string> listening_inodes(std::uint16_t port) {
  std::set<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream stream(line);
      const std::vector<std::string> fields{std::istream_iterator<std::string>(stream), {}};
      if (fields.size() < 10 || fields[3] != "0A") continue;  // listening
      const std::string hex = fields[1].substr(fields[1].rfind(':') + 1);
      if (std::stoul(hex, nullptr, 16) == port) inodes.insert("socket:[" + fields[9] + "]");
    }
  }
  return inodes;
}

bool holds_one(const fs::path& process, const std::set<std::string>& inodes) {
  std::error_code error;
  for (fs::directory_iterator at(process / "fd", error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    if (inodes.contains(fs::read_symlink(at->path(), gone).string())) return true;
  }
  return false;
}

}  // namespace

std::string to_string(const Endpoint& endpoint) {
  return endpoint.host + ":" + std::to_string(endpoint.port);
}

std::vector<std::string> Addresses::names() const {
  std::vector<std::string> all;
  for (const Participant& participant : participants) all.push_back(participant.name);
  return all;
}

Addresses parse_addresses(std::string_view text, const std::string& file) {
  Addresses addresses;
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const auto first = line.find_first_not_of(" \t");
    if (first == line.npos || line[first] == '#') continue;
    Reader(file + ":" + std::to_string(number)).take(line, addresses);
  }
  if (addresses.coordinator.port == 0) throw ScenarioError(file + ": there is no coordinator");
  if (addresses.participants.empty()) throw ScenarioError(file + ": there is no participant");
  return addresses;
}

Addresses read_addresses(const fs::path& file) {
  std::ifstream stream(file);
  if (!stream) throw ScenarioError(file.string() + ": cannot be read");
  std::ostringstream text;
  text << stream.rdbuf();
  return parse_addresses(text.str(), file.string());
}

pid_t listener(const Endpoint& endpoint, std::string_view program) {
  const bool here = endpoint.host.starts_with("127.") || endpoint.host == "localhost";
  const std::set<std::string> inodes = listening_inodes(endpoint.port);
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    if (!here || name.find_first_not_of("0123456789") != name.npos) continue;
    std::string command;  // cut to 15 characters
    std::getline(std::ifstream(entry.path() / "comm"), command);
    if (command == program.substr(0, 15) && holds_one(entry.path(), inodes))
      return static_cast<pid_t>(std::stol(name));
  }
  throw std::runtime_error("no " + std::string(program) + " of this machine listens on " +
                           to_string(endpoint));
}

bool reachable(const Endpoint& endpoint) {
  namespace net = boost::asio;
  net::io_context io;
  boost::system::error_code error;
  net::ip::tcp::resolver resolver(io);
  const auto found = resolver.resolve(endpoint.host, std::to_string(endpoint.port), error);
  if (error) return false;
  net::ip::tcp::socket socket(io);
  net::connect(socket, found, error);
  return !error;
}

}  // namespace assent::lab
