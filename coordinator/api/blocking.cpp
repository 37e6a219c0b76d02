// What is blocked, in all databases, and what was.
#include "coordinator/blocking.hpp"

#include "coordinator/api/endpoints.hpp"
#include "coordinator/engine.hpp"

namespace assent {

void show_blocking(Call call) {
  const CoordinatorMachine& machine = call.engine.machine();
  const Instant now = call.engine.now().steady;
  if (wants_events(call.request)) return call.respond(call.blocking.follow(machine, now));
  HttpResponse response;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = call.blocking.document(machine, now);
  call.respond(std::move(response));
}

void show_blocking_history(Call call) {
  HttpResponse response;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = call.blocking.history();
  call.respond(std::move(response));
}

}  // namespace assent
