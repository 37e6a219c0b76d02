#include "tests/integration/system/deployment.hpp"

#include <stdexcept>

#include "clients/dev/machine.hpp"
#include "tests/integration/system/recorded.hpp"

namespace assent::test {
namespace {

constexpr std::chrono::seconds kStart{20};

std::string address(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

std::string program(const char* name) {
  return (dev::executable_folder() / name).string();
}

}  // namespace

Deployment::Deployment(std::size_t participants, dev::ClusterOptions cluster)
    : Deployment(DeploymentOptions{participants, std::move(cluster), {}, false, {}, {}, {}, {}}) {}

Deployment::Deployment(DeploymentOptions options)
    : options_(std::move(options)), port_(dev::free_port()), admin_port_(dev::free_port()) {
  if (options_.folder.empty()) temporary_.emplace("assent-system");
  folder_ = temporary_ ? temporary_->path() : options_.folder;
  ledger_ = folder_ / "ledger";
  for (std::size_t i = 0; i < options_.participants; ++i) {
    Site site;
    dev::ClusterOptions cluster = options_.cluster;
    cluster.name = name(i);
    if (!temporary_) {
      cluster.folder = folder_ / name(i);
      cluster.keep = true;
    }
    site.cluster = std::make_unique<dev::Cluster>(cluster);
    site.cluster->install_demo_bank(name(i));
    site.admin_port = dev::free_port();
    sites_.push_back(std::move(site));
  }
  dev::ProcessOptions init;
  init.argv = {program("assent-coordinator"), "init", "--ledger", ledger_.string()};
  init.env = options_.coordinator_env;
  const auto made = dev::run(init);
  if (!made.status.ok()) throw std::runtime_error("assent-coordinator init: " + made.output);
  start_coordinator();
  for (std::size_t i = 0; i < size(); ++i) start_participant(i);
  await_ready();
}

Deployment::~Deployment() = default;

void Deployment::launch_coordinator(const Environment& env, std::vector<std::string> options) {
  dev::ProcessOptions process;
  process.argv = {program("assent-coordinator"),
                  "--ledger",
                  ledger_.string(),
                  "--listen",
                  address(port_),
                  "--admin-listen",
                  address(admin_port_),
                  "--log-format",
                  "text"};
  process.argv.insert(process.argv.end(), options.begin(), options.end());
  if (options_.faults) process.argv.push_back("--enable-fault-injection");
  process.env = options_.coordinator_env;
  process.env.insert(process.env.end(), env.begin(), env.end());
  process.log = folder_ / "coordinator.log";
  coordinator_ = std::make_unique<dev::Process>(process);
}

void Deployment::start_coordinator(const Environment& env, std::vector<std::string> options) {
  launch_coordinator(env, std::move(options));
  if (!coordinator_->wait_for_port(port_, kStart))
    throw std::runtime_error("the coordinator did not start:\n" + coordinator_->log_tail());
}

void Deployment::start_participant(std::size_t i, const Environment& env) {
  const dev::Cluster& cluster = *sites_[i].cluster;
  std::string database = cluster.participant_conninfo(name(i));
  if (options_.route)
    database =
        "host=127.0.0.1 port=" + std::to_string(route(name(i) + "-database", cluster.port())) +
        " dbname=" + name(i) + " user=assent_participant";
  dev::ProcessOptions process;
  process.argv = {program("assent-participant"),
                  "--name",
                  name(i),
                  "--database",
                  database,
                  "--coordinator",
                  address(route(name(i) + "-coordinator", port_)),
                  "--admin-listen",
                  address(sites_[i].admin_port),
                  "--log-format",
                  "text"};
  if (options_.faults) process.argv.push_back("--enable-fault-injection");
  if (options_.participant_env) process.env = options_.participant_env(name(i));
  process.env.insert(process.env.end(), env.begin(), env.end());
  process.log = folder_ / (name(i) + ".log");
  sites_[i].participant = std::make_unique<dev::Process>(process);
}

bool Deployment::ready() const {
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    const HttpAnswer answer = http("GET", "/v1/participants/" + name(i));
    if (answer.status != 200 || answer.body.find("\"state\":\"ready\"") == std::string::npos)
      return false;
  }
  return true;
}

void Deployment::await_ready() {
  if (!dev::poll_until([this] { return ready(); }, kStart))
    throw std::runtime_error("the participants did not become ready:\n" + logs());
}

void Deployment::kill_coordinator() {
  coordinator_->stop(std::chrono::seconds(5), SIGKILL);
}

void Deployment::kill_participant(std::size_t i) {
  sites_[i].participant->stop(std::chrono::seconds(5), SIGKILL);
}

client::Client Deployment::client(client::Patience patience) const {
  HttpClientOptions options;
  options.token = options_.tokens.client;
  return client::Client(transport_to(url(), options), patience);
}

HttpAnswer Deployment::http(const std::string& method, const std::string& target,
                            const std::string& body, const std::string& key) const {
  HttpCall call;
  call.method = method;
  call.target = target;
  call.body = body;
  if (!body.empty()) call.headers.emplace_back("Content-Type", "application/json");
  if (!key.empty()) call.headers.emplace_back("Idempotency-Key", key);
  HttpClientOptions options;
  options.token = method == "POST" ? options_.tokens.client : options_.tokens.viewer;
  const auto answer = transport_to(url(), options)->call(call);
  if (const auto* got = std::get_if<HttpAnswer>(&answer)) return *got;
  return HttpAnswer{};
}

std::size_t Deployment::prepared() {
  std::size_t count = 0;
  for (std::size_t i = 0; i < size(); ++i)
    count += std::stoul(cluster(i).value(
        "select count(*) from pg_prepared_xacts where gid like 'assent1:%'", name(i)));
  return count;
}

bool Deployment::settles(std::chrono::milliseconds within) {
  return dev::poll_until([this] { return prepared() == 0; }, within);
}

std::int64_t Deployment::total() {
  std::int64_t cents = 0;
  for (std::size_t i = 0; i < size(); ++i)
    cents +=
        std::stoll(cluster(i).value("select (sum(balance) * 100)::bigint from account", name(i)));
  return cents;
}

std::string Deployment::balance(std::size_t i, int account) {
  return cluster(i).value("select balance from account where id = " + std::to_string(account),
                          name(i));
}

std::string Deployment::logs() const {
  std::string text = "-- coordinator\n" + (coordinator_ ? coordinator_->log_tail(40) : "");
  for (std::size_t i = 0; i < sites_.size(); ++i)
    text += "\n-- " + name(i) + "\n" +
            (sites_[i].participant ? sites_[i].participant->log_tail(40) : "");
  return text;
}

client::OneShot transfer(const std::string& from, int from_account, const std::string& to,
                         int to_account, const std::string& amount) {
  client::OneShot shot;
  shot.branches = {{from,
                    {{"update account set balance = balance - $1 where id = $2 and balance >= $1",
                      {amount, std::int64_t{from_account}},
                      1}}},
                   {to,
                    {{"update account set balance = balance + $1 where id = $2",
                      {amount, std::int64_t{to_account}},
                      1}}}};
  return shot;
}

}  // namespace assent::test
