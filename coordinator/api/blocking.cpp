// What is blocked, in all databases.
#include "coordinator/blocking.hpp"

#include "coordinator/api/endpoints.hpp"
#include "coordinator/engine.hpp"

namespace assent {

void show_blocking(Call call) {
  HttpResponse response;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = call.blocking.document(call.engine.machine(), call.engine.now().steady);
  call.respond(std::move(response));
}

}  // namespace assent
