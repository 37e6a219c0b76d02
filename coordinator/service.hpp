// A running coordinator: engine, links, REST API and admin listener on one loop.
#pragma once

#include <boost/asio/io_context.hpp>

#include "coordinator/api/admission.hpp"
#include "coordinator/api/api.hpp"
#include "coordinator/api/groups.hpp"
#include "coordinator/blocking.hpp"
#include "coordinator/blocking_feed.hpp"
#include "coordinator/draining.hpp"
#include "coordinator/engine.hpp"
#include "coordinator/engine_metrics.hpp"
#include "coordinator/link_hub.hpp"
#include "protocol/runtime/admin.hpp"
#include "protocol/runtime/clock.hpp"
#include "protocol/runtime/daemon.hpp"
#include "protocol/runtime/http_server.hpp"
#include "protocol/runtime/metrics.hpp"
#include "protocol/runtime/reloading.hpp"

namespace assent {

class CoordinatorService {
 public:
  // `log` is open and outlives this. ConfigError: an address or a file that cannot be used.
  CoordinatorService(const Config& config, CoordinatorMachine machine, DecisionLog& log);
  // Serves until it is drained, or must end. `reload` reads the configuration again, for SIGHUP.
  // Returns the process's exit code.
  int run(std::function<Config()> reload);

 private:
  Engine::World world();
  HttpServer::Handler handler();
  void use_certificates();
  void refresh_metrics();
  void read_callers();
  void reload_by_key(Reloading& reloading);
  std::optional<HttpResponse> take_link(const HttpRequest& request, Upgrade& upgrade);
  void end(int exit_code);

  const Config& config_;
  boost::asio::io_context io_{1};
  int exit_code_ = ExitCode::ok;
  Metrics metrics_;
  EngineMetrics engine_metrics_{metrics_};
  Access access_;
  Admission admission_;
  LinkHub hub_;
  Engine engine_;
  BlockingBoard blocking_{read_clock().wall_ms};
  BlockingFeed feed_{io_, blocking_, engine_};
  Groups groups_;
  Api api_{engine_, blocking_, admission_, groups_};
  HttpServer server_;
  Draining draining_;
  AdminServer admin_;
};

}  // namespace assent
