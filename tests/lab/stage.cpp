#include "tests/lab/stage.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <stdexcept>

#include <boost/json.hpp>

#include "protocol/ids.hpp"

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

Stage::Stage(const Scenario& scenario, const std::filesystem::path& folder, Timeline& timeline)
    : folder_(folder), timeline_(timeline), known_(std::make_shared<Known>()) {
  test::DeploymentOptions options;
  options.participants = scenario.databases;
  // What is killed here are processes: what they have written is in the page cache.
  options.cluster.durable = false;
  options.cluster.settings = scenario.settings;
  options.folder = folder;
  options.faults = true;
  options.route = [this](const std::string& link, std::uint16_t port) {
    auto& made = proxies_[link];
    if (!made) made = std::make_unique<Proxy>(port);
    return made->port();
  };
  if (scenario.small_ledger) disk_ = std::make_unique<LedgerDisk>(folder / "ledger");
  options.coordinator_env = preloads(scenario, "coordinator");
  if (disk_) options.coordinator_env.emplace_back("ASSENT_SEGMENT_BYTES", "64KiB");
  options.participant_env = [this, &scenario](const std::string& name) {
    return preloads(scenario, name);
  };
  const dev::ClusterOptions servers = options.cluster;
  deployment_ = std::make_unique<Deployment>(std::move(options));
  proxies_["client-coordinator"] = std::make_unique<Proxy>(deployment_->port());
  std::vector<Watcher::Database> databases;
  for (std::size_t i = 0; i < deployment_->size(); ++i) {
    const std::string name = Deployment::name(i);
    deployment_->cluster(i).query(
        "create table lab_mark (name text not null);"
        "grant select, insert on lab_mark to assent_participant",
        name);
    if (const auto wanted = scenario.standbys.find(name); wanted != scenario.standbys.end())
      standbys_[name] = std::make_unique<Standby>(deployment_->cluster(i), servers, wanted->second);
    databases.push_back({name, conninfo(name)});
    alive_[name] = alive_[name + ".db"] = true;
  }
  alive_["coordinator"] = true;
  watcher_ =
      std::make_unique<Watcher>(std::move(databases), timeline_,
                                [known = known_](const TxId& tx) { return known->name_of(tx); });
}

Stage::~Stage() {
  watcher_.reset();
  second_.reset();
  if (deployment_) {
    for (const auto& [name, alive] : alive_)
      if (!name.ends_with(".db")) signal(name, SIGKILL);
  }
  proxies_.clear();
  transactions_.clear();
  sessions_.clear();
}

std::string Stage::name_of(const TxId& tx) const {
  return known_->name_of(tx);
}

std::size_t Stage::index_of(const std::string& database) const {
  return static_cast<std::size_t>(database.at(5) - 'a');
}

std::string Stage::admin_of(const std::string& daemon) const {
  return daemon == "coordinator" ? deployment_->coordinator_admin()
                                 : deployment_->participant_admin(index_of(daemon));
}

Proxy& Stage::proxy(const std::string& link) {
  if (link.ends_with("-standby")) return standbys_.at(link.substr(0, link.find('-')))->link();
  return *proxies_.at(link);
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

std::vector<std::string> Stage::prepared_at(const std::string& name) {
  {
    const std::lock_guard lock(known_->mutex);
    for (const auto& [each, client] : transactions_)
      if (const auto id = parse_uuid(client->id())) known_->by_id[TxId{*id}] = each;
  }
  std::vector<std::string> databases;
  for (std::size_t i = 0; i < deployment_->size(); ++i) {
    if (!deployment_->cluster(i).running()) continue;
    for (const dev::Row& row : deployment_->cluster(i).query(
             "select gid from pg_prepared_xacts where database = current_database()",
             Deployment::name(i))) {
      const auto gid = parse_gid(row[0].value_or(""));
      if (gid && name_of(gid->tx) == name) databases.push_back(Deployment::name(i));
    }
  }
  return databases;
}

void Stage::notice_deaths() {
  for (auto& [name, alive] : alive_) {
    const bool now = running(name);
    timeline_.going_on(SpanKind::down, name,
                       now ? std::vector<std::string>{} : std::vector<std::string>{"down"});
    if (alive && !now) timeline_.mark(name, MarkKind::death, name + " is dead");
    alive = now;
  }
}

void Stage::collect_messages() {
  namespace json = boost::json;
  for (const TxId& tx : watcher_->seen()) {
    const std::string name = name_of(tx);
    const HttpAnswer answer =
        deployment_->http("GET", "/v1/transactions/" + to_string(tx) + "/events");
    boost::system::error_code failed;
    const json::value document = json::parse(answer.body, failed);
    if (answer.status != 200 || failed || !document.is_object()) continue;
    const json::value* events = document.as_object().if_contains("events");
    if (!events || !events->is_array()) continue;
    for (const json::value& event : events->as_array()) {
      const json::object& fields = event.as_object();
      const auto text = [&](const char* field) {
        const json::value* value = fields.if_contains(field);
        return value && value->is_string() ? std::string(value->as_string()) : std::string();
      };
      const auto at = wall_us_of(text("at"));
      if (!at) continue;
      const std::string who = text("participant");
      timeline_.mark_at(timeline_.at_wall(*at), who.empty() ? "coordinator" : who,
                        MarkKind::message, name + " " + text("kind") + " " + text("detail"));
    }
  }
}

}  // namespace assent::lab
