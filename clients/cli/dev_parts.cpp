#include "clients/cli/dev_parts.hpp"

#include <stdexcept>

#include "clients/cli/command_line.hpp"
#include "protocol/runtime/http_client.hpp"

namespace assent::cli {
namespace {

constexpr std::chrono::seconds kStartLimit{30};

}  // namespace

bool is_ready(std::uint16_t admin_port) {
  HttpClient http("127.0.0.1:" + std::to_string(admin_port));
  const auto answer = http.call(
      {.target = "/readyz", .headers = {}, .body = {}, .timeout = std::chrono::milliseconds(1000)});
  const auto* got = std::get_if<HttpAnswer>(&answer);
  return got && got->status == 200;
}

DatabasePart::DatabasePart(std::string name, const std::filesystem::path& folder, bool keep,
                           std::uint16_t port)
    : cluster_({.name = std::move(name), .folder = folder, .keep = keep, .port = port}) {
  // Once only: the script would wait for rows that a prepared transaction of an earlier run locks.
  const bool has_database =
      !cluster_.query("select from pg_database where datname = '" + std::string(kDatabase) + "'")
           .empty();
  if (!has_database || cluster_.value("select to_regclass('account')", kDatabase).empty())
    cluster_.install_demo_bank(kDatabase);
}

std::string DatabasePart::psql() const {
  return "psql '" + cluster_.conninfo(kDatabase) + "'";
}

Part::Facts DatabasePart::facts() const {
  return {{"kind", "postgres"},
          {"conninfo", cluster_.conninfo(kDatabase)},
          {"tcp_conninfo", cluster_.tcp_conninfo(kDatabase)},
          {"socket", cluster_.socket_folder().string()},
          {"port", std::to_string(cluster_.port())},
          {"log", cluster_.log().string()}};
}

DaemonPart::DaemonPart(dev::ProcessOptions options, std::uint16_t port, std::uint16_t admin_port)
    : options_(std::move(options)), port_(port), admin_port_(admin_port) {}

void DaemonPart::start() {
  process_.emplace(options_);
  const bool listens = process_->wait_until(
      [this] { return dev::accepts(admin_port_) && (port_ == 0 || dev::accepts(port_)); },
      kStartLimit);
  if (listens && running()) return;
  const std::string how = running() ? "does not listen" : ended();
  const std::string tail = process_->log_tail();
  process_.reset();
  throw std::runtime_error(name() + " " + how + ":\n" + tail);
}

void DaemonPart::kill() {
  if (running()) process_->stop(std::chrono::milliseconds(0), SIGKILL);
}

void DaemonPart::stop(std::chrono::seconds grace) {
  if (running()) process_->stop(grace);
}

std::string DaemonPart::ended() {
  const auto status = process_ ? process_->exit_status() : std::nullopt;
  return status ? to_string(*status) : "has not started";
}

Part::Facts DaemonPart::facts() const {
  Facts facts{{"kind", "daemon"},
              {"admin_port", std::to_string(admin_port_)},
              {"log", options_.log.string()},
              {"command", command()}};
  if (port_ != 0) facts.emplace_back("port", std::to_string(port_));
  return facts;
}

std::string DaemonPart::command() const {
  std::string text;
  for (const std::string& argument : options_.argv)
    text += (text.empty() ? "" : " ") + shell_quoted(argument);
  return text;
}

}  // namespace assent::cli
