#include "tests/lab/points.hpp"

#include <sstream>
#include <stdexcept>
#include <variant>

#include <boost/json.hpp>

#include "clients/dev/process.hpp"
#include "protocol/runtime/http_client.hpp"

namespace assent::lab {
namespace {

namespace json = boost::json;

std::vector<std::string> list_points(const char* program) {
  dev::ProcessOptions options;
  options.argv = {(dev::executable_folder() / program).string(), "--list-crash-points"};
  options.without_env = "ASSENT_";
  const dev::Finished listed = dev::run(options);
  if (!listed.status.ok()) throw std::runtime_error(std::string(program) + ": " + listed.output);
  std::istringstream lines(listed.output);
  std::vector<std::string> points;
  for (std::string line; std::getline(lines, line);) points.push_back(line);
  return points;
}

std::variant<HttpAnswer, HttpFailure> call(const std::string& admin, HttpCall request) {
  request.timeout = std::chrono::seconds(5);
  return HttpClient("http://" + admin).call(request);
}

}  // namespace

const std::vector<std::string>& coordinator_points() {
  static const std::vector<std::string> points = list_points("assent-coordinator");
  return points;
}

const std::vector<std::string>& participant_points() {
  static const std::vector<std::string> points = list_points("assent-participant");
  return points;
}

void order_at(const std::string& admin, const std::string& point, const std::string& orders) {
  HttpCall request;
  request.method = orders.empty() ? "DELETE" : "PUT";
  request.target = "/v1/faults/" + point;
  request.body = orders;
  const std::string where = " (" + request.target + " at " + admin + ")";
  const auto answer = call(admin, std::move(request));
  if (const auto* failure = std::get_if<HttpFailure>(&answer))
    throw std::runtime_error(failure->message + where);
  const HttpAnswer& got = std::get<HttpAnswer>(answer);
  if (got.status != 200) throw std::runtime_error(got.body + where);
}

std::vector<PointCount> count_points(const std::string& admin) {
  HttpCall request;
  request.target = "/v1/faults";
  const auto answer = call(admin, std::move(request));
  const auto* got = std::get_if<HttpAnswer>(&answer);
  if (!got || got->status != 200) return {};
  std::vector<PointCount> counts;
  const json::value document = json::parse(got->body);
  for (const json::value& entry : document.at("points").as_array())
    counts.push_back({std::string(entry.at("point").as_string()),
                      entry.at("passages").to_number<std::uint64_t>(),
                      entry.at("obeyed").to_number<std::uint64_t>()});
  return counts;
}

}  // namespace assent::lab
