#include "clients/dev/cluster.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <libpq-fe.h>
#include <sys/shm.h>
#include <unistd.h>

namespace assent::dev {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr std::string_view kParticipantRole = "assent_participant";

constexpr seconds kStartLimit{60};  // crash recovery included
constexpr seconds kStopLimit{60};

// Linux allows 107 bytes for a socket's path; the server appends "/.s.PGSQL.12345".
constexpr std::size_t kLongestSocketFolder = 107 - 16;

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

Connection connect(const std::string& conninfo) {
  Connection connection(PQconnectdb(conninfo.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK)
    throw std::runtime_error("cannot connect (" + conninfo +
                             "): " + PQerrorMessage(connection.get()));
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  return connection;
}

std::string quoted(std::string_view text, char quote) {
  std::string result(1, quote);
  for (const char c : text) result.append(c == quote ? 2 : 1, c);
  return result + quote;
}

void give_to(const fs::path& path, const std::optional<Account>& account) {
  if (account && ::chown(path.c_str(), account->uid, account->gid) != 0)
    throw std::runtime_error("cannot give " + path.string() + " to " + account->name + ": " +
                             std::strerror(errno));
}

// One of PostgreSQL's client programs: beside the server, where a link may have led us, or in PATH.
std::string client_program(const char* name) {
  std::error_code ignored;
  const fs::path server = fs::canonical(postgres_tools().bin / "postgres", ignored);
  const fs::path beside = server.parent_path() / name;
  return fs::exists(beside) ? beside.string() : name;
}

// The parent of each process, from /proc. Ended ones that nobody has waited for are left out.
std::vector<std::pair<pid_t, pid_t>> process_parents() {
  std::vector<std::pair<pid_t, pid_t>> result;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{}) continue;
    std::ifstream file(entry.path() / "stat");
    std::string text;
    std::getline(file, text);
    // "pid (name) state ppid …", where the name may hold anything.
    std::istringstream rest(text.substr(std::min(text.rfind(')') + 1, text.size())));
    char state = 0;
    pid_t parent = 0;
    if (rest >> state >> parent && state != 'Z' && state != 'X') result.emplace_back(pid, parent);
  }
  return result;
}

}  // namespace

std::vector<Row> query(const std::string& conninfo, const std::string& sql) {
  const Connection connection = connect(conninfo);
  const Result result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error(conninfo + ": " + PQerrorMessage(connection.get()) + "in: " + sql);
  std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result.get())));
  for (int r = 0; r < PQntuples(result.get()); ++r)
    for (int c = 0; c < PQnfields(result.get()); ++c)
      if (PQgetisnull(result.get(), r, c))
        rows[static_cast<std::size_t>(r)].emplace_back();
      else
        rows[static_cast<std::size_t>(r)].emplace_back(PQgetvalue(result.get(), r, c));
  return rows;
}

std::string value(const std::string& conninfo, const std::string& sql) {
  const std::vector<Row> rows = query(conninfo, sql);
  if (rows.size() != 1 || rows.front().empty())
    throw std::runtime_error(conninfo + ": not one row: " + sql);
  return rows.front().front().value_or("");
}

Cluster::Cluster(ClusterOptions options)
    : options_(std::move(options)), account_(server_account()) {
  if (options_.folder.empty()) {
    temporary_ = std::make_unique<TemporaryFolder>("assent-" + options_.name);
    folder_ = temporary_->path();
  } else {
    folder_ = fs::absolute(options_.folder);
    fs::create_directories(folder_);
  }
  data_ = folder_ / "data";
  log_ = folder_ / "postgres.log";
  socket_folder_ = folder_ / "socket";
  if (socket_folder_.string().size() > kLongestSocketFolder) {
    temporary_socket_ = std::make_unique<TemporaryFolder>("assent-socket");
    socket_folder_ = temporary_socket_->path();
  }
  port_ = options_.port != 0 ? options_.port : free_port();
  fs::create_directories(socket_folder_);
  give_to(socket_folder_, account_);
  if (!fs::exists(data_ / "PG_VERSION")) initialize();
  start();
}

Cluster::~Cluster() {
  try {
    if (running()) stop(options_.keep ? StopMode::fast : StopMode::immediate);
    if (!options_.keep) {
      remove_shared_memory();
      fs::remove_all(folder_);
    }
  } catch (const std::exception&) {
    // The process is killed with its Process object; a folder left behind harms nobody.
  }
}

void Cluster::make_data(const fs::path& folder) const {
  fs::create_directories(folder);
  give_to(folder, account_);
  fs::permissions(folder, fs::perms::owner_all);
}

void Cluster::initialize() {
  make_data(data_);
  if (!options_.primary.empty()) return base_backup(options_.primary, data_, true);
  const Finished made = run(
      {.argv = {postgres_tools().bin / "initdb", "--pgdata", data_, "--username=postgres",
                "--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"},
       .directory = "/",
       .account = account_});
  if (!made.status.ok())
    throw std::runtime_error(
        "initdb in " + data_.string() + " " + to_string(made.status) + ":\n" + made.output +
        (account_
             ? "(it ran as user '" + account_->name + "', who must be able to enter that folder)"
             : ""));
  std::ofstream(data_ / "postgresql.conf", std::ios::app) << "\ninclude 'assent.conf'\n";
}

void Cluster::write_settings() const {
  const char* sync = options_.durable ? "on" : "off";
  std::vector<std::pair<std::string, std::string>> all = {
      {"listen_addresses", "127.0.0.1"},
      {"port", std::to_string(port_)},
      {"unix_socket_directories", socket_folder_.string()},
      {"max_connections", std::to_string(options_.max_connections)},
      {"max_prepared_transactions", std::to_string(options_.max_prepared_transactions)},
      {"fsync", sync},
      {"synchronous_commit", sync},
      {"full_page_writes", sync},
      {"shared_buffers", "32MB"},
      {"min_wal_size", "32MB"},
      {"jit", "off"},
      {"timezone", "UTC"},
      {"log_timezone", "UTC"},
      {"log_line_prefix", "%m [%p] %q%a "}};
  all.insert(all.end(), options_.settings.begin(), options_.settings.end());
  std::ofstream file(data_ / "assent.conf");
  for (const auto& [name, value] : all) file << name << " = " << quoted(value, '\'') << '\n';
}

void Cluster::start() {
  if (running()) return;
  write_settings();
  give_to(data_ / "assent.conf", account_);
  const auto launch = [this] {
    // SIGQUIT is PostgreSQL's immediate shutdown: should we die, it takes its backends with it.
    server_.emplace(ProcessOptions{.name = options_.name,
                                   .argv = {postgres_tools().bin / "postgres", "-D", data_},
                                   .env = {{"LC_ALL", "C"}},
                                   .directory = "/",
                                   .log = log_,
                                   .account = account_,
                                   .death_signal = SIGQUIT});
  };
  const std::string address = conninfo();
  // After a kill of the postmaster the last backends may still hold its shared memory, and the
  // server then refuses to start: that, and only that, is tried again.
  const bool started = poll_until(
      [&] {
        launch();
        if (server_->wait_until([&] { return PQping(address.c_str()) == PQPING_OK; }, kStartLimit))
          return true;
        return server_->logged().find("shared memory") == std::string::npos;
      },
      seconds(20));
  if (started && running() && PQping(address.c_str()) == PQPING_OK) return;
  const std::string tail = server_->log_tail();
  server_.reset();
  throw std::runtime_error("the PostgreSQL server '" + options_.name + "' did not start:\n" + tail);
}

void Cluster::stop(StopMode mode) {
  if (!running()) return;
  resume();
  server_->stop(kStopLimit, mode == StopMode::fast ? SIGINT : SIGQUIT);
}

void Cluster::restart(StopMode mode) {
  stop(mode);
  start();
}

void Cluster::crash() {
  if (!running()) return;
  server_->signal(SIGSTOP);  // so that it starts no more of them meanwhile
  const std::vector<pid_t> all = processes();
  for (const pid_t pid : all) ::kill(pid, SIGKILL);
  server_->wait(kStopLimit);
  // Reaped by whoever inherits them: gone when /proc no longer has them running.
  poll_until(
      [&] {
        for (const auto& [pid, parent] : process_parents())
          for (const pid_t ours : all)
            if (pid == ours) return false;
        return true;
      },
      kStopLimit);
}

void Cluster::kill_postmaster() {
  if (!running()) return;
  server_->signal(SIGKILL);
  server_->wait(kStopLimit);
}

void Cluster::pause() {
  if (!running()) return;
  server_->signal(SIGSTOP);
  for (const pid_t pid : processes()) ::kill(pid, SIGSTOP);
}

void Cluster::resume() {
  if (!running()) return;
  for (const pid_t pid : processes()) ::kill(pid, SIGCONT);
}

void Cluster::base_backup(const std::string& from, const fs::path& into, bool as_standby) const {
  ProcessOptions process{
      .argv = {client_program("pg_basebackup"), "--dbname=" + from, "--pgdata=" + into.string(),
               "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--no-password"},
      .directory = "/",
      .account = account_};
  if (as_standby) process.argv.push_back("--write-recovery-conf");
  const Finished made = run(std::move(process));
  if (!made.status.ok())
    throw std::runtime_error("pg_basebackup of " + options_.name + " " + to_string(made.status) +
                             ":\n" + made.output);
}

void Cluster::back_up(const fs::path& folder) const {
  make_data(folder);
  base_backup(conninfo(), folder, false);
}

void Cluster::put_back(const fs::path& backup) {
  stop(StopMode::immediate);
  remove_shared_memory();
  fs::remove_all(data_);
  make_data(data_);
  ProcessOptions copy{.argv = {"cp", "-a", backup.string() + "/.", data_.string()},
                      .directory = "/"};
  const Finished done = run(std::move(copy));
  if (!done.status.ok()) throw std::runtime_error("cannot copy the backup:\n" + done.output);
  start();
}

bool Cluster::running() {
  return server_ && server_->running();
}

void Cluster::set(const std::string& name, const std::string& value) {
  options_.settings.emplace_back(name, value);
}

pid_t Cluster::postmaster_pid() const {
  return server_ ? server_->pid() : -1;
}

std::vector<pid_t> Cluster::processes() const {
  std::vector<pid_t> result{server_->pid()};
  for (const auto& [pid, parent] : process_parents())
    if (parent == server_->pid()) result.push_back(pid);
  return result;
}

// A server that was killed and never started again leaves a System V segment behind, whose id is on
// the last line of this form in postmaster.pid: "key id".
void Cluster::remove_shared_memory() const {
  std::ifstream file(data_ / "postmaster.pid");
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::istringstream parts(line);
    long key = 0;
    int id = 0;
    if (number == 7 && parts >> key >> id) ::shmctl(id, IPC_RMID, nullptr);
  }
}

std::string Cluster::conninfo(std::string_view database, std::string_view user) const {
  return "host=" + socket_folder_.string() + " port=" + std::to_string(port_) +
         " dbname=" + std::string(database) + " user=" + std::string(user);
}

std::string Cluster::tcp_conninfo(std::string_view database, std::string_view user) const {
  return "host=127.0.0.1 port=" + std::to_string(port_) + " dbname=" + std::string(database) +
         " user=" + std::string(user);
}

void Cluster::run_file(const fs::path& file, std::string_view database,
                       std::string_view clients) const {
  std::vector<std::string> argv = {client_program("psql"), "--no-psqlrc", "--quiet",
                                   "--set=ON_ERROR_STOP=1",
                                   "--set=role=" + std::string(kParticipantRole)};
  if (!clients.empty()) argv.push_back("--set=clients=" + std::string(clients));
  argv.insert(argv.end(), {"--file", file, conninfo(database)});
  const Finished done =
      run({.argv = std::move(argv), .env = {{"PGOPTIONS", "-c client_min_messages=warning"}}});
  if (!done.status.ok())
    throw std::runtime_error(options_.name + ": " + file.string() + " failed:\n" + done.output);
}

void Cluster::install_participant(std::string_view database, std::string_view clients) {
  if (query("select 1 from pg_database where datname = " + quoted(database, '\'')).empty())
    query("create database " + quoted(database, '"'));
  run_file(sql_folder() / "participant.sql", database, clients);
}

void Cluster::install_demo_bank(std::string_view database) {
  install_participant(database);
  run_file(sql_folder() / "demo_bank.sql", database);
}

}  // namespace assent::dev
