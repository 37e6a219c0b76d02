// Failures as the client sees them: RFC 9457 problem documents, always saying what became of the
// transaction and what to do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"
#include "protocol/problem.hpp"
#include "protocol/runtime/http_server.hpp"

namespace assent {

Failure failure_of(Problem problem, std::string message);

// What surrounds a failure in its document.
struct ProblemContext {
  std::optional<TxId> tx;
  std::optional<Fate> fate;   // where it is not the problem's usual one
  unsigned status = 0;        // where it is not the problem's own
  std::string_view trace_id;  // of the request; empty: one is made
  std::string_view branches;  // the transaction's, as JSON text; empty: left out
};

HttpResponse problem_response(const Failure& failure, const ProblemContext& context = {});

// {"code","detail","retry","branch"}: the failure itself, within another document.
void append_failure(std::string& out, const Failure& failure);

// For HttpServer::ProblemBody: what the server answers itself, as documents of the same kind.
HttpResponse server_problem(unsigned status, std::string_view what);

// The body of GET /v1/errors.
std::string render_catalogue();

// The trace id in a request's traceparent (W3C Trace Context); a new one where there is none, or
// not a valid one.
std::string trace_id_of(const HttpRequest& request);

}  // namespace assent
