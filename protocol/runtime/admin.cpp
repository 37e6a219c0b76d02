#include "protocol/runtime/admin.hpp"

#include <boost/json.hpp>

#include "protocol/runtime/access.hpp"
#include "protocol/runtime/crash_points.hpp"
#include "protocol/runtime/latest_feed.hpp"
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

}  // namespace

struct AdminServer::Site {
  Site(Metrics& counted, std::function<std::vector<std::string>()> reasons)
      : metrics(counted), not_ready(std::move(reasons)) {}

  void handle(const HttpRequest& request, HttpServer::Respond respond) const {
    const bool of_faults = fault_injection_is_enabled() && is_of_faults(request.path);
    if (request.method != "GET" && !of_faults) {
      auto refused = problem(405, "This can only be read: GET or HEAD.");
      refused.headers.emplace_back("Allow", "GET, HEAD");
      return respond(std::move(refused));
    }
    if (request.path == "/livez") return respond(answer(200, {{"alive", true}}));
    if (request.path == "/readyz") return respond(readiness(not_ready()));
    if (auto page = pages ? pages(request) : std::nullopt) return respond(std::move(*page));
    if (auto refused = refusal(request, of_faults)) return respond(std::move(*refused));
    if (of_faults) return respond(faults(request));
    if (request.path == "/metrics")
      return respond({200, "text/plain; version=0.0.4", {}, metrics.text()});
    if (const auto found = feeds.find(request.path); found != feeds.end() && wants_events(request))
      return respond(found->second());
    if (const auto found = handlers.find(request.path); found != handlers.end())
      return found->second([respond = std::move(respond)](std::string json) {
        respond({200, "application/json", {{"Cache-Control", "no-store"}}, std::move(json)});
      });
    respond(problem(404, "There are " + known_paths() + " here."));
  }

  // Where the caller may not have what is no page and no probe.
  std::optional<HttpResponse> refusal(const HttpRequest& request, bool of_faults) const {
    if (!access) return std::nullopt;
    const auto [caller, why] = access->identify(request);
    if (!caller) {
      auto refused = problem(401, why);
      refused.headers.emplace_back("WWW-Authenticate", "Bearer");
      return refused;
    }
    const bool sees = caller->role == Role::viewer && !of_faults;
    if (sees || caller->role == Role::operate || caller->role == Role::everybody)
      return std::nullopt;
    return problem(403, "This is not for a " + std::string(to_string(caller->role)) + ".");
  }

  std::string known_paths() const {
    std::string text = "/livez, /readyz, /metrics";
    for (const auto& [path, handler] : handlers) text += ", " + path;
    return text;
  }

  Metrics& metrics;
  std::function<std::vector<std::string>()> not_ready;
  std::map<std::string, std::function<void(Answer)>> handlers;
  std::map<std::string, std::function<HttpResponse()>> feeds;
  Pages pages;
  const Access* access = nullptr;
};

AdminServer::AdminServer(boost::asio::io_context& io, Metrics& metrics,
                         std::function<std::vector<std::string>()> not_ready)
    : site_(std::make_shared<Site>(metrics, std::move(not_ready))),
      server_(std::make_unique<HttpServer>(
          io, admin_limits(),
          [site = site_](HttpRequest request, HttpServer::Respond respond) {
            site->handle(request, std::move(respond));
          },
          problem)) {}

AdminServer::~AdminServer() = default;

void AdminServer::on_get(std::string path, std::function<void(Answer)> handler) {
  site_->handlers[std::move(path)] = std::move(handler);
}

void AdminServer::on_follow(std::string path, std::function<HttpResponse()> follow) {
  site_->feeds[std::move(path)] = std::move(follow);
}

void AdminServer::pages(Pages pages) {
  site_->pages = std::move(pages);
}

void AdminServer::ask_callers(const Access& access) {
  site_->access = &access;
}

void AdminServer::use_tls(TlsContext context) {
  server_->use_tls(std::move(context));
}

void AdminServer::close_streams() {
  server_->close_streams();
}

std::uint16_t AdminServer::listen(const std::string& address, std::uint16_t port) {
  return server_->listen(address, port);
}

}  // namespace assent
