#include "protocol/runtime/admin.hpp"

#include <boost/json.hpp>

#include "protocol/runtime/crash_points.hpp"
#include "protocol/runtime/metrics.hpp"

namespace assent {
namespace {

namespace json = boost::json;

HttpResponse answer(unsigned status, const json::value& body) {
  return {status, "application/json", {{"Cache-Control", "no-store"}}, json::serialize(body)};
}

HttpResponse problem(unsigned status, std::string_view what) {
  auto response = answer(status, {{"type", "about:blank"}, {"status", status}, {"detail", what}});
  response.content_type = "application/problem+json";
  return response;
}

HttpResponse readiness(const std::vector<std::string>& reasons) {
  return answer(reasons.empty() ? 200 : 503,
                {{"ready", reasons.empty()}, {"reasons", json::value_from(reasons)}});
}

constexpr std::string_view kFaults = "/v1/faults";

bool is_of_faults(std::string_view path) {
  return path == kFaults || (path.starts_with(kFaults) && path[kFaults.size()] == '/');
}

json::object form(const CrashPointState& point) {
  return {{"point", point.name},
          {"orders", point.orders},
          {"passages", point.passages},
          {"obeyed", point.obeyed}};
}

HttpResponse faults(const HttpRequest& request) {
  if (request.path == kFaults) {
    if (request.method != "GET")
      return problem(405, "Orders are given to one point: /v1/faults/{point}.");
    json::array points;
    for (const CrashPointState& point : crash_point_states()) points.push_back(form(point));
    return answer(200, {{"points", std::move(points)}});
  }
  const std::string name = request.path.substr(kFaults.size() + 1);
  if (request.method == "PUT" || request.method == "DELETE") {
    const std::string orders = request.method == "PUT" ? request.body : std::string();
    if (const auto wrong = order_at_crash_point(name, orders)) return problem(400, *wrong);
  } else if (request.method != "GET") {
    return problem(405, "GET, PUT or DELETE.");
  }
  for (const CrashPointState& point : crash_point_states())
    if (point.name == name) return answer(200, form(point));
  return problem(404, "There is no such crash point; /v1/faults lists them.");
}

HttpLimits admin_limits() {
  HttpLimits limits;
  limits.body_bytes = fault_injection_is_enabled() ? 1024 : 0;
  limits.connections = 64;
  return limits;
}

template <typename Handlers>
std::string known_paths(const Handlers& handlers) {
  std::string text = "/livez, /readyz, /metrics";
  for (const auto& [path, handler] : handlers) text += ", " + path;
  return text;
}

}  // namespace

AdminServer::AdminServer(boost::asio::io_context& io, Metrics& metrics,
                         std::function<std::vector<std::string>()> not_ready)
    : handlers_(std::make_shared<Handlers>()),
      pages_(std::make_shared<Pages>()),
      server_(std::make_unique<HttpServer>(
          io, admin_limits(),
          [&metrics, not_ready = std::move(not_ready), handlers = handlers_, pages = pages_](
              HttpRequest request, HttpServer::Respond respond) {
            if (fault_injection_is_enabled() && is_of_faults(request.path))
              return respond(faults(request));
            if (request.method != "GET") {
              auto refused = problem(405, "This can only be read: GET or HEAD.");
              refused.headers.emplace_back("Allow", "GET, HEAD");
              return respond(std::move(refused));
            }
            if (request.path == "/livez") return respond(answer(200, {{"alive", true}}));
            if (request.path == "/readyz") return respond(readiness(not_ready()));
            if (request.path == "/metrics") {
              return respond({200, "text/plain; version=0.0.4", {}, metrics.text()});
            }
            if (const auto found = handlers->find(request.path); found != handlers->end())
              return found->second([respond = std::move(respond)](std::string json) {
                respond(
                    {200, "application/json", {{"Cache-Control", "no-store"}}, std::move(json)});
              });
            if (auto page = *pages ? (*pages)(request) : std::nullopt)
              return respond(std::move(*page));
            respond(problem(404, "There are " + known_paths(*handlers) + " here."));
          },
          problem)) {}

AdminServer::~AdminServer() = default;

void AdminServer::on_get(std::string path, std::function<void(Answer)> handler) {
  (*handlers_)[std::move(path)] = std::move(handler);
}

void AdminServer::pages(Pages pages) {
  *pages_ = std::move(pages);
}

std::uint16_t AdminServer::listen(const std::string& address, std::uint16_t port) {
  return server_->listen(address, port);
}

}  // namespace assent
