// The coordinator's REST API. docs/API.md describes it; routes.cpp lists it.
#pragma once

#include <string_view>
#include <vector>

#include "coordinator/api/groups.hpp"
#include "protocol/runtime/http_server.hpp"

namespace assent {

class Admission;
class BlockingBoard;
class Engine;

// Answers the requests of an HttpServer. Holds no state of its own: restart, retry and idempotency
// are the machine's business. All calls on the I/O thread; none blocks.
class Api {
 public:
  // The engine outlives this and every answer it owes, and so do the others. The groups may change
  // between two requests.
  Api(Engine& engine, const BlockingBoard& blocking, Admission& admission, const Groups& groups)
      : engine_(engine), blocking_(blocking), admission_(admission), groups_(groups) {}

  // An HttpServer::Handler. `respond` is called once, now or later.
  void handle(HttpRequest request, HttpServer::Respond respond);

  // What it answers: method and path, with {id} or {name} where one stands.
  struct RouteName {
    std::string_view method;
    std::string_view path;
  };
  static std::vector<RouteName> routes();

 private:
  Engine& engine_;
  const BlockingBoard& blocking_;
  Admission& admission_;
  const Groups& groups_;
};

}  // namespace assent
