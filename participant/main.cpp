// assent-participant: beside one database, linked to the coordinator.
#include <string>

#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include "participant/agent.hpp"
#include "participant/agent_metrics.hpp"
#include "participant/blocking_monitor.hpp"
#include "participant/checking.hpp"
#include "participant/configuration.hpp"
#include "participant/postgres/check.hpp"
#include "protocol/runtime/admin.hpp"
#include "protocol/runtime/config_check.hpp"
#include "protocol/runtime/console.hpp"
#include "protocol/runtime/listening.hpp"
#include "protocol/runtime/log.hpp"
#include "protocol/runtime/metrics.hpp"
#include "protocol/runtime/reloading.hpp"
#include "protocol/runtime/sd_notify.hpp"

namespace {

using namespace assent;

// What may have changed since the start.
Findings check_again(const Config& config, const DatabaseOptions& options) {
  Findings found = check_database(options);
  check_expiry(config, {"tls.certificate", "tls.client_ca", "link.certificate", "link.ca"}, found);
  return found;
}

// At a start the findings are told and the process goes on: the database may be mended or come
// back, and branches that are in doubt need it to run.
void tell_findings(const DatabaseOptions& options) {
  for (const Finding& finding : check_database(options)) {
    if (finding.severity == Finding::Severity::error)
      log::error(finding.what, {{"remedy", finding.remedy}});
    else
      log::warning(finding.what, {{"remedy", finding.remedy}});
  }
}

std::vector<std::string> not_ready(const Agent& agent) {
  std::vector<std::string> reasons;
  if (!agent.machine().database_up()) reasons.push_back("the database is away");
  if (agent.machine().link() != ParticipantMachine::LinkState::ready)
    reasons.push_back("there is no working link to the coordinator");
  return reasons;
}

// Where a browser finds this participant, for those who learn of it from the coordinator.
std::string console_address(Address listening, bool tls) {
  const bool everywhere = listening.host == "0.0.0.0" || listening.host == "::";
  char host[256] = {};
  if (everywhere && gethostname(host, sizeof host - 1) == 0) listening.host = host;
  return (tls ? "https://" : "http://") + to_string(listening) + "/";
}

// Tokens and certificates, at the start and on SIGHUP. The link in use stays; the next one is made
// with what is new.
void add_reloads(Reloading& reloading, const Config& config, Access& access, AdminServer& admin,
                 Agent& agent) {
  reloading.add("callers", [&access, &admin] {
    access.reload();
    admin.close_streams();  // whoever follows asks again, and is looked at again
  });
  reloading.add("certificates", [&config, &admin] { admin.use_tls(listening_tls(config)); });
  reloading.add("link's credentials", [&config, &agent] {
    LinkSecurity link = link_security(config);
    agent.secure_link(std::move(link.tls), std::move(link.token));
  });
}

int serve(const DaemonRun& run) {
  const Config& config = run.config;
  const Address admin_listen = listen_address(config, "admin.listen");
  const TlsContext tls = listening_tls(config);
  Access access = access_of(config);
  LinkSecurity link = link_security(config);
  const DatabaseOptions options = database_options(config);
  tell_findings(options);

  boost::asio::io_context io(1);
  Agent agent(io, config.text("name"), participant_limits(config), options,
              config.list("coordinator"));
  agent.secure_link(std::move(link.tls), std::move(link.token));
  Metrics metrics;
  AgentMetrics agent_metrics(metrics);
  AdminServer admin(io, metrics, [&agent] { return not_ready(agent); });
  BlockingMonitor blocking(io, agent);
  metrics.before_scrape(
      [&] { agent_metrics.refresh(agent, blocking.slots(), blocking.blocked()); });
  admin.on_get("/v1/blocking",
               [&](AdminServer::Answer answer) { blocking.ask(std::move(answer)); });
  admin.on_follow("/v1/blocking", [&] { return blocking.follow(); });
  admin.on_get("/v1/blocking/history",
               [&](const AdminServer::Answer& answer) { answer(blocking.history()); });
  Checking checking(io, config.text("name"), [&] { return check_again(config, options); });
  admin.on_get("/v1/check", [&](AdminServer::Answer answer) { checking.ask(std::move(answer)); });
  admin.on_get("/v1/version", [&](const AdminServer::Answer& answer) {
    answer(R"({"version":")" ASSENT_VERSION R"(","api":"v1","participant":")" +
           config.text("name") + "\"}");
  });
  admin.pages(console_answer);
  admin.ask_callers(access);
  admin.use_tls(tls);
  Reloading reloading(io, config, run.reload);
  add_reloads(reloading, config, access, admin, agent);
  TerminationSignals signals(io, [&] {
    log::info("ending; what is prepared stays prepared");
    notify_service_manager("STOPPING=1");
    blocking.stop();
    agent.stop();
    io.stop();
  });
  const auto port = admin.listen(admin_listen.host, admin_listen.port);
  agent.start();
  blocking.start(console_address({admin_listen.host, port}, tls != nullptr));
  log::info("started", {{"name", config.text("name")},
                        {"admin", to_string(Address{admin_listen.host, port})}});
  notify_service_manager("READY=1");
  io.run();
  return ExitCode::ok;
}

}  // namespace

int main(int argc, char** argv) {
  assent::DaemonSpec spec = assent::participant_spec();
  spec.check_online = [](const assent::Config& config) {
    return assent::check_database(assent::database_options(config));
  };
  return assent::run_daemon(argc, argv, spec, serve);
}
