#include <algorithm>
#include <vector>

#include "coordinator/api/admission.hpp"
#include "coordinator/api/api.hpp"
#include "coordinator/api/endpoints.hpp"
#include "coordinator/api/json_writer.hpp"
#include "coordinator/api/nearest.hpp"
#include "coordinator/api/problem_document.hpp"
#include "coordinator/engine.hpp"

namespace assent {
namespace {

enum class Query { none, some };

struct Route {
  std::string_view method;
  std::string_view path;
  void (*handle)(Call call);
  Demand demand;
  Query query = Query::none;  // some: the handler reads the query parameters itself
};

constexpr Route kRoutes[] = {
    {"POST", "/v1/transactions", create_transaction, Demand::run},
    {"GET", "/v1/transactions", list_transactions, Demand::own, Query::some},
    {"GET", "/v1/transactions/{id}", show_transaction, Demand::own, Query::some},
    {"POST", "/v1/transactions/{id}/statements", run_statements, Demand::run},
    {"POST", "/v1/transactions/{id}/commit", commit_transaction, Demand::run},
    {"POST", "/v1/transactions/{id}/rollback", rollback_transaction, Demand::run},
    {"POST", "/v1/transactions/{id}/resolve", resolve_transaction, Demand::operate},
    {"POST", "/v1/transactions/{id}/acknowledge", acknowledge_transaction, Demand::operate},
    {"GET", "/v1/transactions/{id}/events", show_timeline, Demand::own},
    {"GET", "/v1/events", follow_events, Demand::all, Query::some},
    {"GET", "/v1/blocking", show_blocking, Demand::all},
    {"GET", "/v1/blocking/history", show_blocking_history, Demand::all},
    {"GET", "/v1/overview", show_overview, Demand::all},
    {"GET", "/v1/participants", list_participants, Demand::all},
    {"GET", "/v1/participants/{name}", show_participant, Demand::all},
    {"GET", "/v1/groups", list_groups, Demand::own},
    {"GET", "/v1/errors", show_errors, Demand::nothing},
    {"GET", "/v1/openapi.json", show_description, Demand::nothing},
    {"GET", "/v1/version", show_version, Demand::nothing},
};

// Whether the path is one of the pattern; what stands in its braces goes to `name`.
bool matches(std::string_view pattern, std::string_view path, std::string_view& name) {
  const std::size_t open = pattern.find('{');
  if (open == pattern.npos) return pattern == path;
  const std::string_view before = pattern.substr(0, open);
  const std::string_view after = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= before.size() + after.size()) return false;
  if (!path.starts_with(before) || !path.ends_with(after)) return false;
  name = path.substr(before.size(), path.size() - before.size() - after.size());
  return name.find('/') == name.npos;
}

Failure no_such_path(std::string_view path) {
  std::vector<std::string_view> known;
  for (const Route& route : kRoutes) known.push_back(route.path);
  std::string detail = "There is nothing at " + shortened(path);
  if (const std::string_view best = nearest(path, known); !best.empty())
    detail += "; did you mean " + std::string(best) + "?";
  return failure_of(Problem::path_not_found, detail);
}

void refuse_method(const Call& call, const std::vector<std::string_view>& allowed) {
  std::string allow;
  for (const std::string_view method : allowed)
    allow += (allow.empty() ? "" : ", ") + std::string(method);
  ProblemContext context;
  const std::string trace_id = trace_id_of(call.request);
  context.trace_id = trace_id;
  HttpResponse response = problem_response(
      failure_of(Problem::method_not_allowed,
                 shortened(call.request.method) + " is not possible here; use " + allow),
      context);
  response.headers.emplace_back("Allow", allow);
  call.respond(std::move(response));
}

bool is_json(std::string_view content_type) {
  constexpr std::string_view kJson = "application/json";
  if (content_type.size() < kJson.size()) return false;
  const bool same =
      std::equal(kJson.begin(), kJson.end(), content_type.begin(),
                 [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
  return same &&
         content_type.find_first_not_of(' ', kJson.size()) == content_type.find(';', kJson.size());
}

// What is wrong with a request for this route before anyone looks into its body.
Failure objection(const Route& route, const HttpRequest& request) {
  if (route.query == Query::none && !request.query.empty()) {
    return failure_of(
        Problem::invalid_request,
        shortened(request.query.front().first) + ": unknown query parameter; none is taken here");
  }
  if (route.method == "POST" && !request.body.empty() &&
      !is_json(request.header("content-type").value_or("")))
    return failure_of(Problem::unsupported_media_type,
                      "The body must come with Content-Type: application/json");
  return {};
}

}  // namespace

Failure not_your_own() {
  return failure_of(Problem::permission_denied, "The transaction is another caller's.");
}

void Call::refuse(const Failure& failure, unsigned status) const {
  ProblemContext context;
  context.status = status;
  const std::string trace_id = trace_id_of(request);
  context.trace_id = trace_id;
  respond(problem_response(failure, context));
}

void Call::refuse_unknown(const TxId& tx) const {
  ProblemContext context;
  context.fate = engine.machine().fate_of_unknown(tx, engine.now());
  const std::string trace_id = trace_id_of(request);
  context.trace_id = trace_id;
  respond(problem_response(engine.machine().failure_of_unknown(tx, engine.now()), context));
}

std::optional<TxId> Call::transaction_id() const {
  if (const auto uuid = parse_uuid(name)) return TxId{*uuid};
  refuse(
      failure_of(Problem::transaction_not_found, shortened(name) + " is not a transaction's id"));
  return std::nullopt;
}

std::optional<TxId> Call::own_transaction_id() const {
  const auto id = transaction_id();
  const Transaction* tx = id ? engine.machine().find(*id) : nullptr;
  if (tx == nullptr || may_see(*caller, *tx)) return id;
  refuse(not_your_own());
  return std::nullopt;
}

void Call::answer(std::string document) const {
  HttpResponse response;
  response.body = std::move(document);
  respond(std::move(response));
}

std::vector<Api::RouteName> Api::routes() {
  std::vector<RouteName> out;
  for (const Route& route : kRoutes) out.push_back({route.method, route.path});
  return out;
}

void Api::handle(HttpRequest request, HttpServer::Respond respond) {
  std::vector<std::string_view> allowed;
  for (const Route& route : kRoutes) {
    std::string_view name;
    if (!matches(route.path, request.path, name)) continue;
    if (route.method != request.method) {
      allowed.push_back(route.method);
      continue;
    }
    Call call{engine_, blocking_, admission_, groups_, {}, std::string(name), std::move(respond)};
    call.request = std::move(request);
    auto admitted = admission_.admit(call.request, route.demand, engine_.now().steady);
    if (!admitted.caller) return call.refuse(admitted.failure);
    call.caller = std::move(admitted.caller);
    const Failure failure = objection(route, call.request);
    if (failure.problem != Problem::none) return call.refuse(failure);
    return route.handle(std::move(call));
  }
  const Call call{engine_, blocking_,         admission_, groups_, std::move(request),
                  {},      std::move(respond)};
  if (!allowed.empty()) return refuse_method(call, allowed);
  call.refuse(no_such_path(call.request.path));
}

}  // namespace assent
