#include "tests/lab/stage.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <stdexcept>

#include <boost/json.hpp>

#include "protocol/ids.hpp"
#include "protocol/runtime/http_client.hpp"

namespace assent::lab {

using test::Deployment;
using namespace std::chrono_literals;

namespace {

// "2026-11-21T14:55:11.123456Z"
std::optional<std::int64_t> wall_us_of(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!rest || *rest != '.') return std::nullopt;
  const double fraction = std::strtod(("0" + std::string(rest)).c_str(), nullptr);
  return static_cast<std::int64_t>(::timegm(&parts)) * 1'000'000 +
         static_cast<std::int64_t>(fraction * 1e6);
}

// What is killed here are processes: what they have written is in the page cache.
dev::ClusterOptions servers_of(const Scenario& scenario) {
  dev::ClusterOptions options;
  options.durable = false;
  options.settings = scenario.settings;
  return options;
}

}  // namespace

// A gid names a transaction of the API; which of the scenario's it is follows from the id, where
// its client has been told, and else from the time in the id: it is the latest that had begun.
struct Stage::Known {
  struct Entry {
    std::string name;
    std::int64_t begun_ms = 0;
  };
  mutable std::mutex mutex;
  std::map<TxId, std::string> by_id;
  std::vector<Entry> begun;

  std::string name_of(const TxId& tx) const {
    const std::lock_guard lock(mutex);
    if (const auto known = by_id.find(tx); known != by_id.end()) return known->second;
    const std::int64_t made_ms = uuid7_unix_ms(tx.uuid).value_or(0);
    std::string name;
    for (const Entry& each : begun)
      if (each.begun_ms <= made_ms) name = each.name;
    return name;
  }
};

Stage::Stage(const Scenario& scenario, const std::filesystem::path& folder, Timeline& timeline,
             const Addresses* existing)
    : folder_(folder), timeline_(timeline), known_(std::make_shared<Known>()) {
  if (existing)
    at_ = *existing;
  else
    make_own(scenario);
  for (const Addresses::Link& link : at_.links)
    proxies_[link.name] = std::make_unique<Proxy>(link.from, link.to);
  proxies_["client-coordinator"] = std::make_unique<Proxy>(Endpoint{}, at_.coordinator);
  alive_["coordinator"] = true;
  for (const Addresses::Participant& participant : at_.participants) {
    const std::string& name = participant.name;
    dev::query(conninfo(name),
               "set lock_timeout = '10s'; drop table if exists lab_mark;"
               "create table lab_mark (name text not null);"
               "grant select, insert on lab_mark to public");
    if (const auto wanted = scenario.standbys.find(name); wanted != scenario.standbys.end())
      standbys_[name] = std::make_unique<Standby>(own().cluster(index_of(name)),
                                                  servers_of(scenario), wanted->second);
    alive_[name] = alive_[name + ".db"] = true;
  }
  watch();
}

Stage::~Stage() {
  watcher_.reset();
  listener_.reset();
  second_.reset();
  if (deployment_) {
    for (const auto& [name, alive] : alive_)
      if (!name.ends_with(".db")) signal(name, SIGKILL);
  }
  transactions_.clear();
  sessions_.clear();
  if (!deployment_) leave_existing();
  proxies_.clear();
}

void Stage::make_own(const Scenario& scenario) {
  test::DeploymentOptions options;
  options.participants = scenario.databases.size();
  options.cluster = servers_of(scenario);
  options.folder = folder_;
  options.faults = true;
  options.route = [this](const std::string& link, std::uint16_t port) {
    auto& made = proxies_[link];
    if (!made) made = std::make_unique<Proxy>(port);
    return made->port();
  };
  if (scenario.small_ledger) disk_ = std::make_unique<LedgerDisk>(folder_ / "ledger");
  options.coordinator_env = preloads(scenario, "coordinator");
  if (disk_) options.coordinator_env.emplace_back("ASSENT_SEGMENT_BYTES", "64KiB");
  options.participant_env = [this, &scenario](const std::string& name) {
    return preloads(scenario, name);
  };
  deployment_ = std::make_unique<Deployment>(std::move(options));
  at_.coordinator.port = deployment_->port();
  at_.coordinator_admin.port = deployment_->coordinator_admin_port();
  for (std::size_t i = 0; i < deployment_->size(); ++i)
    at_.participants.push_back(
        {Deployment::name(i), {"127.0.0.1", deployment_->participant_admin_port(i)}, {}});
}

void Stage::watch() {
  std::vector<Watcher::Database> databases;
  for (const std::string& name : at_.names()) databases.push_back({name, conninfo(name)});
  watcher_ =
      std::make_unique<Watcher>(std::move(databases), timeline_,
                                [known = known_](const TxId& tx) { return known->name_of(tx); });
  listener_ = std::make_unique<Listener>(at_.coordinator);
}

Deployment& Stage::own() const {
  if (!deployment_)
    throw std::runtime_error("this can be done only to a deployment that the lab has started");
  return *deployment_;
}

HttpAnswer Stage::ask(const std::string& target) const {
  HttpCall call;
  call.target = target;
  const auto answer = HttpClient("http://" + to_string(at_.coordinator)).call(call);
  const auto* got = std::get_if<HttpAnswer>(&answer);
  return got ? *got : HttpAnswer{};
}

std::string Stage::name_of(const TxId& tx) const {
  return known_->name_of(tx);
}

std::size_t Stage::index_of(const std::string& database) const {
  const std::string name = database.substr(0, database.find('.'));
  for (std::size_t i = 0; i < at_.participants.size(); ++i)
    if (at_.participants[i].name == name) return i;
  throw std::runtime_error("there is no participant " + name);
}

const Endpoint& Stage::admin_of(const std::string& daemon) const {
  return daemon == "coordinator" ? at_.coordinator_admin
                                 : at_.participants.at(index_of(daemon)).admin;
}

Proxy& Stage::proxy(const std::string& link) {
  if (link.ends_with("-standby")) return standbys_.at(link.substr(0, link.find('-')))->link();
  const auto found = proxies_.find(link);
  if (found != proxies_.end()) return *found->second;
  throw std::runtime_error(link + " does not go through the lab: give it a line `link " + link +
                           " from ADDRESS to ADDRESS`, and let the deployment dial the first");
}

ClientTransaction& Stage::transaction(const std::string& name) const {
  const auto found = transactions_.find(name);
  if (found == transactions_.end()) throw std::runtime_error("there is no transaction " + name);
  return *found->second;
}

ClientTransaction& Stage::add_transaction(const std::string& name) {
  const std::string url =
      "http://127.0.0.1:" + std::to_string(proxies_.at("client-coordinator")->port());
  auto made = std::make_unique<ClientTransaction>(name, url, [this](const std::string& what) {
    timeline_.mark("client", MarkKind::answer, what);
  });
  const std::lock_guard lock(known_->mutex);
  known_->begun.push_back({name, made->begun_ms()});
  return *(transactions_[name] = std::move(made));
}

void Stage::begin_unnamed() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::lock_guard lock(known_->mutex);
  known_->begun.push_back({"", std::chrono::duration_cast<std::chrono::milliseconds>(now).count()});
}

std::vector<std::string> Stage::prepared_at(const std::string& name) {
  {
    const std::lock_guard lock(known_->mutex);
    for (const auto& [each, client] : transactions_)
      if (const auto id = parse_uuid(client->id())) known_->by_id[TxId{*id}] = each;
  }
  std::vector<std::string> databases;
  for (const std::string& database : at_.names()) {
    if (!running(database + ".db")) continue;
    for (const dev::Row& row :
         dev::query(conninfo(database),
                    "select gid from pg_prepared_xacts where database = current_database()")) {
      const auto gid = parse_gid(row[0].value_or(""));
      if (gid && name_of(gid->tx) == name) databases.push_back(database);
    }
  }
  return databases;
}

void Stage::notice_deaths() {
  for (auto& [name, alive] : alive_) {
    const bool now = running(name);
    timeline_.going_on(SpanKind::down, name,
                       now ? std::vector<std::string>{} : std::vector<std::string>{"down"});
    if (alive && !now) timeline_.mark(name, MarkKind::death, death_of(name));
    alive = now;
  }
}

std::string Stage::death_of(const std::string& process) {
  if (!deployment_ || process.ends_with(".db")) return process + " is dead";
  const dev::Process& daemon = process == "coordinator"
                                   ? deployment_->coordinator()
                                   : deployment_->participant(index_of(process));
  const std::string log = daemon.logged();
  constexpr std::string_view before = "crash point ";
  const auto end = log.rfind(": killed by order");
  const auto begin = end == log.npos ? end : log.rfind(before, end);
  if (begin == log.npos) return process + " is dead";
  const auto point = begin + before.size();
  return process + " dies at crash point " + log.substr(point, end - point);
}

void Stage::collect_messages() {
  namespace json = boost::json;
  std::map<std::string, double> asked;  // for the record of the decision, by transaction
  for (const std::string& event : listener_->heard()) {
    boost::system::error_code failed;
    const json::value document = json::parse(event, failed);
    if (failed || !document.is_object()) continue;
    const auto text = [&](const char* field) {
      const json::value* value = document.as_object().if_contains(field);
      return value && value->is_string() ? std::string(value->as_string()) : std::string();
    };
    const auto at_wall = wall_us_of(text("at"));
    const double at = at_wall ? timeline_.at_wall(*at_wall) : -1;
    if (at < timeline_.begin_ms() || at > timeline_.now_ms()) continue;  // or by a moved clock
    const auto tx = parse_uuid(text("transaction"));
    const std::string name = tx ? name_of(TxId{*tx}) : std::string();
    if (tx && name.empty()) continue;  // none of the scenario's
    const std::string kind = text("kind");
    if (kind == "record_asked") asked[name] = at;
    if (kind == "decided" && asked.contains(name))
      timeline_.span({asked[name], at, "coordinator", SpanKind::sync, name + ": commit record"});
    std::string what = name + (name.empty() ? "" : " ") + kind;
    if (const std::string detail = text("detail"); !detail.empty() && detail != kind)
      what += " " + detail;
    const std::string who = text("participant");
    timeline_.mark_at(at, who.empty() ? "coordinator" : who, MarkKind::message, what);
  }
}

}  // namespace assent::lab
