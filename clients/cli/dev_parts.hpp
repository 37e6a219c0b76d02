// What an installation is made of: PostgreSQL servers and daemons that can be started, killed,
// stopped and shown alike.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clients/dev/cluster.hpp"
#include "clients/dev/process.hpp"

namespace assent::cli {

// Not thread-safe. start() throws std::runtime_error with the end of the log.
class Part {
 public:
  using Facts = std::vector<std::pair<std::string, std::string>>;

  virtual ~Part() = default;
  virtual const std::string& name() const = 0;
  virtual bool running() = 0;
  virtual pid_t pid() const = 0;
  virtual void start() = 0;  // returns when it can be used, as far as it can know
  virtual void kill() = 0;   // kill -9, the whole of it
  virtual void stop(std::chrono::seconds grace) = 0;  // in good order, then killed
  virtual std::string ended() = 0;                    // how, for a message
  virtual Facts facts() const = 0;                    // for state.json: addresses, log, command
};

// Whether a daemon says that it is ready, at its admin port.
bool is_ready(std::uint16_t admin_port);

class DatabasePart final : public Part {
 public:
  static constexpr const char* kDatabase = "bank";

  // Starts it and, where it is new, installs the demo bank.
  DatabasePart(std::string name, const std::filesystem::path& folder, bool keep,
               std::uint16_t port);
  const std::string& name() const override { return cluster_.name(); }
  bool running() override { return cluster_.running(); }
  pid_t pid() const override { return cluster_.postmaster_pid(); }
  void start() override { cluster_.start(); }
  void kill() override { cluster_.crash(); }
  void stop(std::chrono::seconds) override { cluster_.stop(); }
  std::string ended() override { return "the server has ended"; }
  Facts facts() const override;
  dev::Cluster& cluster() { return cluster_; }
  std::string psql() const;

 private:
  dev::Cluster cluster_;
};

class DaemonPart final : public Part {
 public:
  // `admin_port` is where it serves /readyz.
  DaemonPart(dev::ProcessOptions options, std::uint16_t port, std::uint16_t admin_port);
  const std::string& name() const override { return options_.name; }
  bool running() override { return process_ && process_->running(); }
  pid_t pid() const override { return process_ ? process_->pid() : -1; }
  // Waits until it listens; whether it is ready may depend on others: see is_ready().
  void start() override;
  void kill() override;
  void stop(std::chrono::seconds grace) override;
  std::string ended() override;
  Facts facts() const override;
  bool is_ready() const { return cli::is_ready(admin_port_); }
  std::string log_tail() const { return process_ ? process_->log_tail() : std::string(); }
  std::string command() const;

 private:
  dev::ProcessOptions options_;
  std::uint16_t port_;  // 0: none but the admin port
  std::uint16_t admin_port_;
  std::optional<dev::Process> process_;
};

}  // namespace assent::cli
