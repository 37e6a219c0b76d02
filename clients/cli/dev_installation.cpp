#include "clients/cli/dev_installation.hpp"

#include <algorithm>
#include <fstream>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <boost/json.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace assent::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// The daemons refuse variables they do not know, and ASSENT_URL or ASSENT_DEV are not theirs.
constexpr const char* kOurVariables = "ASSENT_";

constexpr std::uint16_t kUsualPort = 7400;
constexpr std::chrono::seconds kOrderly{30};  // a coordinator drains for 20 s
constexpr std::chrono::seconds kHasty{3};

std::string participant_name(unsigned index) {
  return std::string("bank_") + static_cast<char>('a' + index);
}

// A folder is ours when it is empty or holds what `assent dev` left there.
void check_folder(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw std::runtime_error(folder.string() + " is not a folder");
  if (!fs::is_empty(folder) && !fs::exists(folder / "lock"))
    throw std::runtime_error(folder.string() +
                             " holds other things: name an empty folder, a new one, or one that "
                             "`assent dev --keep` has made");
}

int take_lock(const fs::path& folder) {
  const int fd = ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) throw std::runtime_error("cannot write to " + folder.string());
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  throw std::runtime_error("another `assent dev` runs in " + folder.string());
}

std::uint16_t choose_port(std::uint16_t asked) {
  if (asked != 0) {
    if (dev::accepts(asked))
      throw std::runtime_error("something listens on port " + std::to_string(asked) +
                               " already: choose another one with --port");
    return asked;
  }
  return dev::accepts(kUsualPort) ? dev::free_port() : kUsualPort;
}

}  // namespace

Installation::Installation(const DevOptions& options) : keep_(!options.folder.empty()) {
  if (keep_) {
    folder_ = fs::absolute(options.folder);
    fs::create_directories(folder_);
    check_folder(folder_);
  } else {
    temporary_.emplace("assent-dev");
    folder_ = temporary_->path();
  }
  lock_ = take_lock(folder_);
  // What is there already is started again, and more is made where more is asked for.
  unsigned count = 0;
  while (fs::exists(folder_ / participant_name(count))) ++count;
  count = std::max(count, options.participants);
  for (unsigned i = 0; i < count; ++i) names_.push_back(participant_name(i));
  if (const auto former = read_state(folder_))
    for (const auto& [part, state] : former->parts)
      for (const auto& [fact, text] : state.facts)
        if (fact.ends_with("port"))
          former_ports_[part + " " + fact] =
              static_cast<std::uint16_t>(std::strtoul(text.c_str(), nullptr, 10));
  port_ = choose_port(options.port);
  fs::remove_all(folder_ / "down");
  fs::create_directories(folder_ / "down");
}

Installation::~Installation() {
  // The coordinator first: it finishes what is decided, for which it needs the participants, as
  // these need the databases. Where all is thrown away, there is little to wait for.
  for (DaemonPart* daemon : daemons_) daemon->stop(keep_ ? kOrderly : kHasty);
  for (const auto& [name, database] : databases_)
    if (keep_) database->stop(kOrderly);
  try {
    if (keep_) write_state();
  } catch (const std::exception&) {
    // The state of a stopped installation is of no use to anybody but the next start.
  }
  parts_.clear();
  if (lock_ >= 0) ::close(lock_);
}

std::uint16_t Installation::port_of(const std::string& part, const char* fact) const {
  const auto former = former_ports_.find(part + " " + fact);
  if (former != former_ports_.end() && former->second != 0 && !dev::accepts(former->second))
    return former->second;
  return dev::free_port();
}

void Installation::add_database(const std::string& name) {
  const std::string part_name = name + ".db";
  auto part =
      std::make_unique<DatabasePart>(part_name, folder_ / name, keep_, port_of(part_name, "port"));
  databases_[name] = part.get();
  parts_.push_back(std::move(part));
}

void Installation::add_coordinator() {
  const std::string program = dev::executable_folder() / "assent-coordinator";
  const std::string ledger = folder_ / "ledger";
  if (!fs::exists(folder_ / "ledger")) {
    const dev::Finished made =
        dev::run({.argv = {program, "init", "--ledger", ledger}, .without_env = kOurVariables});
    if (!made.status.ok())
      throw std::runtime_error("assent-coordinator init " + to_string(made.status) + ":\n" +
                               made.output);
  }
  const std::uint16_t admin = port_of("coordinator", "admin_port");
  auto part = std::make_unique<DaemonPart>(
      dev::ProcessOptions{
          .name = "coordinator",
          .argv = {program, "--ledger", ledger, "--listen", "127.0.0.1:" + std::to_string(port_),
                   "--admin-listen", "127.0.0.1:" + std::to_string(admin)},
          .without_env = kOurVariables,
          .log = folder_ / "coordinator.log"},
      port_, admin);
  part->start();
  daemons_.push_back(part.get());
  parts_.push_back(std::move(part));
}

void Installation::add_participant(const std::string& name) {
  const std::uint16_t admin = port_of(name, "admin_port");
  const std::string database =
      databases_.at(name)->cluster().participant_conninfo(DatabasePart::kDatabase);
  auto part = std::make_unique<DaemonPart>(
      dev::ProcessOptions{
          .name = name,
          .argv = {dev::executable_folder() / "assent-participant", "--name", name, "--database",
                   database, "--coordinator", "127.0.0.1:" + std::to_string(port_),
                   "--admin-listen", "127.0.0.1:" + std::to_string(admin)},
          .without_env = kOurVariables,
          .log = folder_ / (name + ".log")},
      0, admin);
  part->start();
  daemons_.push_back(part.get());
  parts_.push_back(std::move(part));
}

bool Installation::start_next(const Terminal& terminal) {
  const std::size_t count = names_.size();
  const std::size_t step = parts_.size();
  if (step > 2 * count) return false;
  const auto tell = [&](const std::string& what) {
    terminal.err << "starting " << what << std::endl;
  };
  if (step < count) {
    tell("PostgreSQL for " + names_[step]);
    add_database(names_[step]);
  } else if (step == count) {
    tell("the coordinator");
    add_coordinator();
  } else {
    tell("participant " + names_[step - count - 1]);
    add_participant(names_[step - count - 1]);
  }
  write_state();
  return true;
}

bool Installation::wait_until_ready(const std::function<bool()>& interrupted) {
  constexpr std::chrono::seconds kLimit{30};
  bool stop = false;
  for (DaemonPart* daemon : daemons_) {
    const bool ready = dev::poll_until(
        [&] { return (stop = interrupted()) || !daemon->running() || daemon->is_ready(); }, kLimit);
    if (stop) return false;
    if (!ready || !daemon->running())
      throw std::runtime_error(daemon->name() + " does not become ready:\n" + daemon->log_tail());
  }
  return true;
}

std::string Installation::psql(const std::string& participant) const {
  return databases_.at(participant)->psql();
}

bool Installation::wanted_down(const Part& part) const {
  return fs::exists(folder_ / "down" / part.name());
}

void Installation::want_down(const Part& part) const {
  std::ofstream(folder_ / "down" / part.name()) << '\n';
}

void Installation::write_state() {
  json::object parts;
  for (const auto& part : parts_) {
    const bool running = part->running();
    json::object& fields = parts[part->name()].emplace_object();
    fields["state"] = running ? "running" : "down";
    if (running) fields["pid"] = part->pid();
    for (const auto& [name, text] : part->facts()) {
      if (name.ends_with("port"))
        fields[name] = std::strtoul(text.c_str(), nullptr, 10);
      else
        fields[name] = text;
    }
  }
  const json::object state{{"pid", ::getpid()},
                           {"folder", folder_.string()},
                           {"url", url()},
                           {"parts", std::move(parts)}};
  std::ofstream(folder_ / "state.json.new") << json::serialize(state) << '\n';
  fs::rename(folder_ / "state.json.new", folder_ / "state.json");
}

std::optional<DevState> read_state(const fs::path& folder) {
  std::ifstream file(folder / "state.json");
  std::ostringstream text;
  text << file.rdbuf();
  boost::system::error_code error;
  const json::value document = json::parse(text.str(), error);
  if (error || !document.is_object()) return std::nullopt;
  try {
    DevState state;
    state.folder = folder;
    state.pid = json::value_to<int>(document.at("pid"));
    state.url = json::value_to<std::string>(document.at("url"));
    for (const auto& [name, value] : document.at("parts").as_object()) {
      DevState::PartState& part = state.parts[std::string(name)];
      for (const auto& [fact, held] : value.as_object()) {
        const std::string plain =
            held.is_string() ? json::value_to<std::string>(held) : json::serialize(held);
        if (fact == "state")
          part.state = plain;
        else if (fact == "pid")
          part.pid = json::value_to<int>(held);
        else
          part.facts[std::string(fact)] = plain;
      }
    }
    return state;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace assent::cli
