// Real databases, real participants and a real coordinator, for a test to break.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clients/cpp/client.hpp"
#include "clients/dev/cluster.hpp"
#include "clients/dev/process.hpp"

namespace assent::test {

using Environment = std::vector<std::pair<std::string, std::string>>;

struct DeploymentOptions {
  std::size_t participants = 2;
  dev::ClusterOptions cluster{};   // of each; name and folder are chosen here
  std::filesystem::path folder{};  // for everything; empty: a temporary one. Not removed
  bool faults = false;             // the daemons take orders over /v1/faults
  // Shown where callers are asked who they are: for what POST does, and for the rest.
  struct Tokens {
    std::string client{}, viewer{};
  } tokens{};
  Environment coordinator_env{};  // at each of its starts
  // Given, what it says of a participant holds at each start of it.
  std::function<Environment(const std::string& name)> participant_env{};
  // Given, links go where it says: it is told who dials whom ("bank_a-coordinator",
  // "bank_a-database") and the port that is meant, and answers the port to dial. Databases are then
  // reached over TCP.
  std::function<std::uint16_t(const std::string& link, std::uint16_t port)> route{};
};

// Databases bank_a, bank_b, … with 100 accounts of 1000.00 each, a participant beside each, one
// coordinator.
class Deployment {
 public:
  explicit Deployment(std::size_t participants = 2, dev::ClusterOptions cluster = {});
  explicit Deployment(DeploymentOptions options);
  ~Deployment();

  static std::string name(std::size_t i) {
    return std::string("bank_") + static_cast<char>('a' + i);
  }
  std::size_t size() const { return sites_.size(); }
  dev::Cluster& cluster(std::size_t i) { return *sites_[i].cluster; }
  // Another server takes its place, such as a standby. What dials it is not led there.
  void replace_cluster(std::size_t i, std::unique_ptr<dev::Cluster> cluster) {
    sites_[i].cluster = std::move(cluster);
  }
  dev::Process& participant(std::size_t i) { return *sites_[i].participant; }
  dev::Process& coordinator() { return *coordinator_; }
  const std::filesystem::path& ledger() const { return ledger_; }
  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::string coordinator_admin() const { return "127.0.0.1:" + std::to_string(admin_port_); }
  std::string participant_admin(std::size_t i) const {
    return "127.0.0.1:" + std::to_string(sites_[i].admin_port);
  }

  std::uint16_t coordinator_admin_port() const { return admin_port_; }
  std::uint16_t participant_admin_port(std::size_t i) const { return sites_[i].admin_port; }

  // Starts return when the process is up; await_ready() when every participant can be worked with.
  void start_coordinator(const Environment& env = {}, std::vector<std::string> options = {});
  void start_participant(std::size_t i, const Environment& env = {});
  // The same, not waiting until it listens.
  void launch_coordinator(const Environment& env = {}, std::vector<std::string> options = {});
  void await_ready();
  bool ready() const;  // now
  // kill -9, and gone when this returns.
  void kill_coordinator();
  void kill_participant(std::size_t i);

  client::Client client(client::Patience patience = {}) const;
  // One request as it is, whatever the answer.
  HttpAnswer http(const std::string& method, const std::string& target,
                  const std::string& body = {}, const std::string& key = {}) const;

  // Prepared transactions in all databases whose gid begins with assent1:
  std::size_t prepared();
  bool settles(std::chrono::milliseconds within = std::chrono::seconds(30));
  // Of all balances, over all databases, in cents.
  std::int64_t total();
  std::string balance(std::size_t i, int account);
  // What participants' admin listeners and coordinator's processes logged, for messages of failed
  // tests.
  std::string logs() const;

 private:
  struct Site {
    std::unique_ptr<dev::Cluster> cluster;
    std::unique_ptr<dev::Process> participant;
    std::uint16_t admin_port = 0;
  };

  std::uint16_t route(const std::string& link, std::uint16_t port) const {
    return options_.route ? options_.route(link, port) : port;
  }

  DeploymentOptions options_;
  std::optional<dev::TemporaryFolder> temporary_;
  std::filesystem::path folder_;
  std::filesystem::path ledger_;
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
  std::vector<Site> sites_;
  std::unique_ptr<dev::Process> coordinator_;
};

// `amount` (like "12.50") from an account of one bank to one of another; refused without funds.
client::OneShot transfer(const std::string& from, int from_account, const std::string& to,
                         int to_account, const std::string& amount);

}  // namespace assent::test
