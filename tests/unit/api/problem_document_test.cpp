#include "coordinator/api/problem_document.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "tests/support/catch.hpp"

namespace assent {
namespace {

boost::json::object document(const HttpResponse& response) {
  CHECK(response.content_type == "application/problem+json");
  return boost::json::parse(response.body).as_object();
}

std::string header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

std::string text(const boost::json::object& object, const char* key) {
  return std::string(object.at(key).as_string());
}

}  // namespace

TEST_CASE("every problem of the catalogue has its document") {
  const TxId tx{make_uuid7(1'782'907'200'000, {})};
  for (const ProblemInfo& row : all_problems()) {
    INFO(row.code);
    ProblemContext context;
    context.tx = tx;
    const HttpResponse response =
        problem_response(failure_of(row.problem, "what happened"), context);
    CHECK(response.status == row.status);
    CHECK(response.status >= 400);
    const boost::json::object problem = document(response);
    CHECK(text(problem, "type") == "/v1/errors#" + std::string(row.code));
    CHECK(text(problem, "title") == row.title);
    CHECK(problem.at("status").as_int64() == row.status);
    CHECK(text(problem, "code") == row.code);
    CHECK(text(problem, "detail") == "what happened");
    CHECK(text(problem, "outcome") == to_string(row.fate));
    CHECK(text(problem, "retry") == to_string(row.retry));
    CHECK(text(problem, "remedy") == row.remedy);
    CHECK(text(problem, "transaction") == to_string(tx));
    CHECK_FALSE(problem.contains("branch"));
    CHECK(text(problem, "trace_id").size() == 32);
    CHECK((header(response, "Retry-After") == "1") == (row.retry == Retry::after));
    CHECK(header(response, "Location") ==
          (row.fate == Fate::none ? "" : "/v1/transactions/" + to_string(tx)));
  }
}

TEST_CASE("a problem forwards PostgreSQL's own words") {
  Failure failure = failure_of(Problem::statement_failed, "duplicate key");
  failure.participant = "orders";
  failure.statement = 2;
  failure.sqlstate = "23505";
  failure.detail = "Key (id)=(1) already exists.";
  failure.hint = "h";
  failure.schema = "public";
  failure.table = "orders";
  failure.column = "id";
  failure.constraint = "orders_pkey";
  failure.position = "15";
  const boost::json::object problem = document(problem_response(failure));
  CHECK(boost::json::serialize(problem.at("branch")) ==
        R"({"participant":"orders","statement":2,"sqlstate":"23505","message":"duplicate key",)"
        R"("detail":"Key (id)=(1) already exists.","hint":"h","schema":"public","table":"orders",)"
        R"("column":"id","constraint":"orders_pkey","position":"15"})");
  std::string within;
  append_failure(within, failure);
  CHECK(within.starts_with(
      R"({"code":"statement-failed","detail":"duplicate key","retry":"never","branch":{"parti)"));
}

TEST_CASE("what is known better than the catalogue is said") {
  ProblemContext context;
  context.fate = Fate::committed;
  context.status = 499;
  context.branches = "[]";
  context.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  const HttpResponse response = problem_response(failure_of(Problem::deadlock, ""), context);
  const boost::json::object problem = document(response);
  CHECK(response.status == 499);
  CHECK(text(problem, "outcome") == "committed");
  CHECK(text(problem, "detail") == info(Problem::deadlock).title);
  CHECK(problem.at("branches").is_array());
  CHECK(text(problem, "trace_id") == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK_FALSE(problem.contains("transaction"));
}

TEST_CASE("trace ids come from a valid traceparent only") {
  const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
  const auto taken = [](const std::string& traceparent) {
    HttpRequest request;
    request.headers = {{"traceparent", traceparent}};
    return trace_id_of(request);
  };
  CHECK(taken("00-" + id + "-00f067aa0ba902b7-01") == id);
  CHECK(taken("01-" + id + "-00f067aa0ba902b7-01-more") == id);
  const std::string zeros(32, '0'), wrong(32, 'G');
  for (const std::string& bad :
       {std::string(), "00-" + id + "-00f067aa0ba902b7-01x", "00-" + id + "-00f067aa0ba902b7",
        "00-" + zeros + "-00f067aa0ba902b7-01", "00-" + wrong + "-00f067aa0ba902b7-01"}) {
    INFO(bad);
    const std::string made = taken(bad);
    CHECK(made.size() == 32);
    CHECK(made.find_first_not_of("0123456789abcdef") == made.npos);
    CHECK((made != id && made != zeros && made != taken(bad)));
  }
}

TEST_CASE("what the server answers itself looks the same") {
  struct Case {
    unsigned status;
    const char* code;
  };
  const Case cases[] = {{400, "invalid-request"},    {404, "path-not-found"},
                        {405, "method-not-allowed"}, {408, "request-timeout"},
                        {413, "payload-too-large"},  {431, "header-too-large"},
                        {500, "internal-error"},     {503, "overloaded"},
                        {429, "overloaded"},         {417, "invalid-request"}};
  for (const Case& each : cases) {
    const HttpResponse response = server_problem(each.status, "why \"so\"");
    CHECK(response.status == each.status);
    const boost::json::object problem = document(response);
    CHECK(text(problem, "code") == each.code);
    CHECK(problem.at("status").as_int64() == each.status);
    CHECK(text(problem, "detail") == "why \"so\"");
  }
}

TEST_CASE("the catalogue lists every problem") {
  const auto rows = boost::json::parse(render_catalogue()).at("errors").as_array();
  REQUIRE(rows.size() == all_problems().size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const boost::json::object& row = rows[i].as_object();
    CHECK(text(row, "code") == all_problems()[i].code);
    CHECK(row.at("status").as_int64() == all_problems()[i].status);
    CHECK(text(row, "remedy") == all_problems()[i].remedy);
  }
}

}  // namespace assent
