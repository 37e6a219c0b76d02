#include "coordinator/service.hpp"

#include <cmath>
#include <utility>

#include "coordinator/api/problem_document.hpp"
#include "coordinator/configuration.hpp"
#include "protocol/runtime/console.hpp"
#include "protocol/runtime/listening.hpp"
#include "protocol/runtime/log.hpp"
#include "protocol/runtime/sd_notify.hpp"
#include "protocol/runtime/upgrade.hpp"

namespace assent {
namespace {

HttpLimits http_limits(const Config& config) {
  HttpLimits limits;
  limits.body_bytes = config.size("limits.body");
  return limits;
}

}  // namespace

CoordinatorService::CoordinatorService(const Config& config, CoordinatorMachine machine,
                                       DecisionLog& log)
    : config_(config),
      access_(access_of(config)),
      admission_(access_, admission_limits(config)),
      hub_([this](CoordinatorEvent event) { engine_.post(std::move(event)); }),
      engine_(io_, std::move(machine), log, engine_metrics_, world()),
      groups_(groups_of(config)),
      server_(io_, http_limits(config), handler(), server_problem),
      draining_(io_, engine_, server_, config.duration("drain"), [this] { end(ExitCode::ok); }),
      admin_(io_, metrics_, [this] { return draining_.reasons(); }) {
  hub_.on_report([this](const std::string& participant, std::string report) {
    if (!blocking_.received(participant, std::move(report), engine_.now()))
      log::warning("a report of what is blocked cannot be read", {{"participant", participant}});
  });
  server_.on_upgrade(
      [this](const HttpRequest& request, Upgrade& up) { return take_link(request, up); });
  admin_.ask_callers(access_);
  metrics_.before_scrape([this] { refresh_metrics(); });
}

void CoordinatorService::refresh_metrics() {
  const Now now = engine_.now();
  engine_metrics_.refresh(engine_.machine(), now);
  for (const auto& [name, member] : engine_.machine().members()) {
    const auto blocked = blocking_.blocked_at(engine_.machine(), name, now.steady);
    metrics_
        .gauge("assent_blocked_sessions",
               "Sessions that wait for a branch in doubt or being applied; NaN: not known",
               {{"participant", name}})
        .Set(blocked ? static_cast<double>(*blocked) : std::nan(""));
  }
}

std::optional<HttpResponse> CoordinatorService::take_link(const HttpRequest& request,
                                                          Upgrade& upgrade) {
  if (request.path != "/v1/link")
    return server_problem(404, "There is no WebSocket at " + request.path + ".");
  auto admitted = admission_.admit(request, Demand::link, engine_.now().steady);
  if (!admitted.caller) {
    log::warning("link refused", {{"reason", admitted.failure.message}});
    return problem_response(admitted.failure);
  }
  hub_.accept(std::move(upgrade), std::move(admitted.caller));
  return std::nullopt;
}

void CoordinatorService::use_certificates() {
  const TlsContext tls = listening_tls(config_);
  server_.use_tls(tls);
  admin_.use_tls(tls);
}

void CoordinatorService::read_callers() {
  access_.reload();
  // Whoever follows asks again, and is looked at again.
  server_.close_streams();
  hub_.close_unless([this](const Caller& caller) { return access_.knows(caller); });
}

void CoordinatorService::reload_by_key(Reloading& reloading) {
  reloading.add("groups", {"groups"}, [this](const Config& now) { groups_ = groups_of(now); });
  reloading.add(
      "limits",
      {"limits.open_transactions", "limits.participant_branches", "limits.requests_per_second",
       "limits.transactions_per_caller"},
      [this](const Config& now) {
        const CoordinatorLimits limits = coordinator_limits(now);
        engine_.post(LimitsChanged{limits.open_transactions, limits.participant_branches});
        admission_.use(admission_limits(now));
      });
}

Engine::World CoordinatorService::world() {
  Engine::World world;
  world.send = [this](const std::string& to, const std::vector<ToParticipant>& messages) {
    hub_.send(to, messages);
  };
  world.disconnect = [this](const std::string& name, const std::string& why) {
    hub_.disconnect(name, why);
  };
  world.stop = [this](const std::string& reason) {
    log::error(reason +
               ". This coordinator ends. If its ledger was put back from a copy and no other "
               "coordinator runs, start it with --restored");
    end(ExitCode::configuration);
  };
  world.log_failed = [this](const std::string& what) {
    log::error("the decision log has failed; nothing is answered any more: " + what);
    end(ExitCode::internal);
  };
  return world;
}

HttpServer::Handler CoordinatorService::handler() {
  return [this](HttpRequest request, HttpServer::Respond respond) {
    if (auto page = console_answer(request)) return respond(std::move(*page));
    api_.handle(std::move(request), std::move(respond));
  };
}

void CoordinatorService::end(int exit_code) {
  exit_code_ = exit_code;
  io_.stop();
}

int CoordinatorService::run(std::function<Config()> reload) {
  TerminationSignals signals(io_, [this] { draining_.begin(); });
  Reloading reloading(io_, config_, std::move(reload));
  reloading.add("callers", [this] { read_callers(); });
  reloading.add("certificates", [this] { use_certificates(); });
  reload_by_key(reloading);
  use_certificates();
  feed_.start();
  const Address admin = listen_address(config_, "admin.listen");
  const Address api = listen_address(config_, "listen");
  const Address admin_bound{admin.host, admin_.listen(admin.host, admin.port)};
  const Address bound{api.host, server_.listen(api.host, api.port)};
  log::info("ready", {{"listen", to_string(bound)}, {"admin", to_string(admin_bound)}});
  notify_service_manager("READY=1");
  io_.run();
  hub_.close_all();
  return exit_code_;
}

}  // namespace assent
