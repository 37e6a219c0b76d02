#include "coordinator/service.hpp"

#include <utility>

#include "coordinator/api/problem_document.hpp"
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
      hub_([this](CoordinatorEvent event) { engine_.post(std::move(event)); }),
      engine_(io_, std::move(machine), log, engine_metrics_, world()),
      server_(io_, http_limits(config), handler(), server_problem),
      draining_(io_, engine_, server_, config.duration("drain"), [this] { end(ExitCode::ok); }),
      admin_(io_, metrics_, [this] { return draining_.reasons(); }) {
  hub_.on_report([this](const std::string& participant, std::string report) {
    if (!blocking_.received(participant, std::move(report), engine_.now().steady))
      log::warning("a report of what is blocked cannot be read", {{"participant", participant}});
  });
  server_.on_upgrade([this](const HttpRequest& request, Upgrade upgrade) {
    if (request.path != "/v1/link") return false;
    hub_.accept(std::move(upgrade));
    return true;
  });
  metrics_.before_scrape([this] { engine_metrics_.refresh(engine_.machine(), engine_.now()); });
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

int CoordinatorService::run() {
  TerminationSignals signals(io_, [this] { draining_.begin(); });
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
