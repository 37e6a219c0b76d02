// The description of the API names what there is, and nothing else.
#include "coordinator/api/openapi.hpp"

#include <set>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "protocol/problem.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/api/fake_engine.hpp"

namespace assent {
namespace {

using Names = std::set<std::string>;

boost::json::object description() {
  return boost::json::parse(openapi_document()).as_object();
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

// Where a name stands without a value: a comma in YAML's {…} that was meant as part of a text.
void find_nameless(const boost::json::value& value, const std::string& at,
                   std::vector<std::string>& found) {
  if (value.is_null()) found.push_back(at);
  if (const auto* object = value.if_object())
    for (const auto& [name, each] : *object)
      find_nameless(each, at + "/" + std::string(name), found);
  if (const auto* array = value.if_array())
    for (const auto& each : *array) find_nameless(each, at + "/-", found);
}

}  // namespace

TEST_CASE("every name in the description has a value") {
  std::vector<std::string> found;
  find_nameless(description(), "", found);
  CHECK(found == std::vector<std::string>{});
}

TEST_CASE("the description has every route, and no other") {
  Names described;
  const boost::json::object document = description();
  for (const auto& [path, methods] : document.at("paths").as_object())
    for (const auto& [method, operation] : methods.as_object())
      if (method != "parameters") described.insert(upper(method) + " " + std::string(path));
  Names served;
  for (const Api::RouteName& route : Api::routes())
    served.insert(std::string(route.method) + " " + std::string(route.path));
  CHECK(described == served);
}

TEST_CASE("the description has every code of the catalogue, and no other") {
  Names described;
  const boost::json::object document = description();
  for (const auto& code :
       document.at("components").at("schemas").at("ProblemCode").at("enum").as_array())
    described.insert(std::string(code.as_string()));
  Names catalogue;
  for (const ProblemInfo& row : all_problems()) catalogue.insert(std::string(row.code));
  CHECK(described == catalogue);
}

TEST_CASE("every operation can end with a problem") {
  const boost::json::object document = description();
  for (const auto& [path, methods] : document.at("paths").as_object())
    for (const auto& [method, operation] : methods.as_object()) {
      if (method == "parameters") continue;
      INFO(std::string(method) << " " << std::string(path));
      for (const char* status : {"4XX", "5XX"})
        CHECK(operation.at("responses").at(status).at("$ref").as_string() ==
              "#/components/responses/Problem");
    }
}

TEST_CASE("the description is served, and is of this version") {
  FakeCoordinator coordinator;
  const HttpResponse response = coordinator.get("GET", "/v1/openapi.json");
  CHECK(response.status == 200);
  CHECK(response.content_type == "application/json");
  CHECK(response.body == openapi_document());
  const auto version = boost::json::parse(coordinator.get("GET", "/v1/version").body);
  CHECK(description().at("info").at("version") == version.at("version"));
}

}  // namespace assent
