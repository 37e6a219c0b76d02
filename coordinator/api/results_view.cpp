#include "coordinator/api/results_view.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "coordinator/api/json_writer.hpp"
#include "protocol/assent.pb.h"

namespace assent {
namespace {

enum class Shape { text, number, boolean };

Shape shape_of(std::string_view type) {
  constexpr std::array<std::string_view, 4> kNumbers = {"int4", "float8", "int2", "float4"};
  if (type == "bool") return Shape::boolean;
  return std::find(kNumbers.begin(), kNumbers.end(), type) != kNumbers.end() ? Shape::number
                                                                             : Shape::text;
}

void append_cell(std::string& out, const wire::Value& cell, Shape shape) {
  const std::string& text = cell.text();
  if (cell.kind_case() != wire::Value::kText)
    out += "null";
  else if (shape == Shape::number && is_json_number(text))
    out += text;
  else if (shape == Shape::boolean && (text == "t" || text == "f"))
    out += text == "t" ? "true" : "false";
  else
    append_json_string(out, text);
}

void append_rows(std::string& out, const wire::StatementResult& result) {
  std::vector<Shape> shapes;
  for (const wire::Column& column : result.columns()) shapes.push_back(shape_of(column.type()));
  JsonArray rows(out);
  if (shapes.empty()) return;
  const auto width = static_cast<int>(shapes.size());
  for (int first = 0; first + width <= result.cells_size(); first += width) {
    JsonArray row(rows.element());
    for (int i = 0; i < width; ++i)
      append_cell(row.element(), result.cells(first + i), shapes[static_cast<std::size_t>(i)]);
  }
}

void append_result(std::string& out, const wire::StatementResult& result) {
  JsonObject object(out);
  object.text("command", result.command());
  object.number("rows_affected", result.rows_affected());
  {
    JsonArray columns(object.field("columns"));
    for (const wire::Column& column : result.columns()) {
      JsonObject each(columns.element());
      each.text("name", column.name());
      each.text("type", column.type());
    }
  }
  append_rows(object.field("rows"), result);
}

}  // namespace

void append_results(std::string& out, const Results& results) {
  wire::Results decoded;
  if (!decoded.ParseFromString(results.bytes)) {
    out += "null";
    return;
  }
  JsonArray array(out);
  for (const wire::StatementResult& result : decoded.statements())
    append_result(array.element(), result);
}

}  // namespace assent
