#include "coordinator/api/results_view.hpp"

#include "protocol/assent.pb.h"
#include "tests/support/catch.hpp"

namespace assent {
namespace {

std::string rendered(const wire::Results& results) {
  std::string out;
  append_results(out, {results.SerializeAsString()});
  return out;
}

// One row of one column; nullptr is NULL.
std::string cell(const char* type, const char* text) {
  wire::Results results;
  wire::StatementResult& result = *results.add_statements();
  result.add_columns()->set_type(type);
  if (text == nullptr)
    result.add_cells()->set_null(true);
  else
    result.add_cells()->set_text(text);
  const std::string out = rendered(results);
  const std::string before = "\"rows\":[[";
  const std::size_t begin = out.find(before) + before.size();
  return out.substr(begin, out.rfind("]]}]") - begin);
}

}  // namespace

TEST_CASE("each type has its form in JSON") {
  struct Case {
    const char *type, *text, *json;
  };
  const Case cases[] = {
      {"int2", "-7", "-7"},
      {"int4", "2147483647", "2147483647"},
      {"bool", "t", "true"},
      {"bool", "f", "false"},
      {"bool", "x", "\"x\""},
      {"float4", "1.5", "1.5"},
      {"float8", "1e+20", "1e+20"},
      {"float8", "-1e-05", "-1e-05"},
      {"float8", "NaN", "\"NaN\""},
      {"float8", "Infinity", "\"Infinity\""},
      {"float4", "-Infinity", "\"-Infinity\""},
      {"int8", "9007199254740993", "\"9007199254740993\""},
      {"numeric", "12.50", "\"12.50\""},
      {"text", "12", "\"12\""},
      {"text", "a\"b\né", "\"a\\\"b\\né\""},
      {"text", "", "\"\""},
      {"json", "{\"a\": 1}", "\"{\\\"a\\\": 1}\""},
      {"timestamptz", "2026-07-01 12:00:00+00", "\"2026-07-01 12:00:00+00\""},
      {"int4", nullptr, "null"},
      {"text", nullptr, "null"},
      {"int4", "1,2", "\"1,2\""},  // whatever comes, what goes out is JSON
  };
  for (const Case& each : cases) {
    INFO(each.type << ' ' << (each.text == nullptr ? "NULL" : each.text));
    CHECK(cell(each.type, each.text) == each.json);
  }
}

TEST_CASE("results are statements, columns and rows") {
  wire::Results results;
  wire::StatementResult& insert = *results.add_statements();
  insert.set_command("INSERT");
  insert.set_rows_affected(2);
  wire::StatementResult& select = *results.add_statements();
  select.set_command("SELECT");
  select.set_rows_affected(2);
  for (const char* name : {"id", "n"}) {
    wire::Column& column = *select.add_columns();
    column.set_name(name);
    column.set_type(std::string(name) == "id" ? "text" : "int4");
  }
  for (const char* text : {"a", "1", "b", "2"}) select.add_cells()->set_text(text);
  CHECK(rendered(results) ==
        R"([{"command":"INSERT","rows_affected":2,"columns":[],"rows":[]},)"
        R"({"command":"SELECT","rows_affected":2,"columns":[{"name":"id","type":"text"},)"
        R"({"name":"n","type":"int4"}],"rows":[["a",1],["b",2]]}])");
  CHECK(rendered({}) == "[]");
}

TEST_CASE("bytes that are not results become null") {
  std::string out;
  append_results(out, {"\xff\xff"});
  CHECK(out == "null");
}

}  // namespace assent
