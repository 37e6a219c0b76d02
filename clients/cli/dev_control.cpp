// The commands that act on an installation from outside, through its folder.
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ostream>
#include <system_error>

#include <unistd.h>

#include "clients/cli/dev.hpp"
#include "clients/cli/dev_installation.hpp"

namespace assent::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kControlLimit{60};
constexpr std::chrono::seconds kSettleLimit{20};

bool runs(const DevState& state) {
  return state.pid > 0 && (::kill(state.pid, 0) == 0 || errno == EPERM);
}

// The installations that run, from the temporary folders.
std::vector<DevState> running_installations() {
  std::vector<DevState> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::temp_directory_path(), ignored)) {
    if (!entry.path().filename().string().starts_with("assent-dev-")) continue;
    auto state = read_state(entry.path());
    if (state && runs(*state)) found.push_back(std::move(*state));
  }
  return found;
}

// The installation that is meant, or nullopt after saying why not.
std::optional<DevState> find_installation(const fs::path& folder, const Terminal& terminal) {
  if (!folder.empty()) {
    auto state = read_state(folder);
    if (state && runs(*state)) return state;
    terminal.err << "error: no `assent dev` runs in " << folder.string() << '\n';
    return std::nullopt;
  }
  std::vector<DevState> found = running_installations();
  if (found.size() == 1) return std::move(found.front());
  terminal.err << "error: " << (found.empty() ? "no" : "more than one")
               << " `assent dev` runs; name its folder with --dir or ASSENT_DEV\n";
  for (const DevState& state : found) terminal.err << "  " << state.folder.string() << '\n';
  return std::nullopt;
}

bool has_part(const DevState& state, const std::string& part, const Terminal& terminal) {
  if (state.parts.contains(part)) return true;
  terminal.err << "error: there is no part '" << printable(part) << "'; there are:";
  for (const auto& [name, ignored] : state.parts) terminal.err << ' ' << name;
  terminal.err << '\n';
  return false;
}

// Waits until `assent dev` says that the part is as it is wanted.
int wait_for_state(const DevState& installation, const std::string& part, const char* wanted,
                   const Terminal& terminal) {
  const fs::path mark = installation.folder / "down" / part;
  const bool up = std::strcmp(wanted, "running") == 0;
  bool failed = false;
  const bool reached = dev::poll_until(
      [&] {
        const auto state = read_state(installation.folder);
        const auto now = state ? state->parts.find(part) : installation.parts.end();
        if (state && now != state->parts.end() && now->second.state == wanted) return true;
        // A part that cannot be started is marked as down again.
        failed = !runs(installation) || (up && fs::exists(mark));
        return failed;
      },
      kControlLimit);
  if (reached && !failed) return kDone;
  terminal.err << "error: " << part << " is not " << wanted << "; see what `assent dev` says\n";
  return kBroken;
}

// Whether all that runs is ready; without the coordinator nothing can be, and nothing is awaited.
bool is_settled(const fs::path& folder) {
  const auto state = read_state(folder);
  if (!state || state->parts.at("coordinator").state != "running") return true;
  for (const auto& [name, part] : state->parts) {
    // A participant without its database waits for that.
    const auto database = state->parts.find(name + ".db");
    if (database != state->parts.end() && database->second.state != "running") continue;
    const auto port = part.facts.find("admin_port");
    if (part.state == "running" && port != part.facts.end() &&
        !is_ready(static_cast<std::uint16_t>(std::stoul(port->second))))
      return false;
  }
  return true;
}

}  // namespace

int dev_kill(const fs::path& folder, const std::string& part, const Terminal& terminal) {
  const auto state = find_installation(folder, terminal);
  if (!state || !has_part(*state, part, terminal)) return kUsage;
  std::ofstream(state->folder / "down" / part) << '\n';
  return wait_for_state(*state, part, "down", terminal);
}

int dev_start(const fs::path& folder, const std::string& part, const Terminal& terminal) {
  const auto state = find_installation(folder, terminal);
  if (!state || !has_part(*state, part, terminal)) return kUsage;
  fs::remove(state->folder / "down" / part);
  const int code = wait_for_state(*state, part, "running", terminal);
  if (code != kDone) return code;
  if (dev::poll_until([&] { return is_settled(state->folder); }, kSettleLimit)) return kDone;
  terminal.err << "error: " << part << " runs, but not everything is ready; see the logs in "
               << state->folder.string() << '\n';
  return kBroken;
}

std::vector<std::string> dev_participants(const std::string& url) {
  std::vector<std::string> addresses;
  std::vector<DevState> found = running_installations();
  // One that was started with --keep lies elsewhere.
  if (const char* folder = std::getenv("ASSENT_DEV"))
    if (auto state = read_state(folder); state && runs(*state)) found.push_back(std::move(*state));
  for (const DevState& state : found) {
    if (state.url != url) continue;
    for (const auto& [name, part] : state.parts) {
      const auto port = part.facts.find("admin_port");
      if (name == "coordinator" || port == part.facts.end()) continue;
      addresses.push_back("http://127.0.0.1:" + port->second);
    }
    break;
  }
  return addresses;
}

int dev_psql(const fs::path& folder, const std::string& part,
             const std::vector<std::string>& arguments, const Terminal& terminal) {
  const auto state = find_installation(folder, terminal);
  if (!state) return kUsage;
  const std::string database = part.ends_with(".db") ? part : part + ".db";
  if (!has_part(*state, database, terminal)) return kUsage;
  std::vector<std::string> words{"psql", state->parts.at(database).facts.at("conninfo")};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp("psql", argv.data());
  terminal.err << "error: psql cannot be run: " << std::strerror(errno) << '\n';
  return kBroken;
}

}  // namespace assent::cli
