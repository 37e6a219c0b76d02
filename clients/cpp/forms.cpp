#include "clients/cpp/forms.hpp"

#include <boost/json.hpp>

#include "clients/cpp/json.hpp"

namespace assent::client {
namespace {

namespace json = boost::json;

json::value form(const Value& value) {
  return std::visit([](const auto& held) { return json::value(held); }, value);
}

json::array form(const std::vector<Statement>& statements) {
  json::array result;
  for (const Statement& statement : statements) {
    json::object fields{{"sql", statement.sql}};
    if (!statement.params.empty()) {
      json::array& params = fields["params"].emplace_array();
      for (const Value& value : statement.params) params.push_back(form(value));
    }
    if (statement.expect_rows) fields["expect"] = {{"rows", *statement.expect_rows}};
    result.push_back(std::move(fields));
  }
  return result;
}

json::object form(const Branch& branch) {
  const bool one = branch.group.empty();
  json::object fields{{one ? "participant" : "group", one ? branch.participant : branch.group},
                      {"statements", form(branch.statements)}};
  if (branch.read_only) fields["read_only"] = true;
  return fields;
}

void put(json::object& fields, std::string_view name, const std::optional<milliseconds>& time) {
  if (time) fields[name] = time->count();
}

void put_labels(json::object& fields,
                const std::vector<std::pair<std::string, std::string>>& labels) {
  if (labels.empty()) return;
  json::object& into = fields["labels"].emplace_object();
  for (const auto& [name, text] : labels) into[name] = text;
}

Value parse_value(const json::value& value) {
  if (value.is_null()) return nullptr;
  if (const bool* truth = value.if_bool()) return *truth;
  if (const std::int64_t* number = value.if_int64()) return *number;
  if (const double* number = value.if_double()) return *number;
  return plain_text(value);
}

StatementResult parse_result(const json::object& fields) {
  StatementResult result;
  result.command = text_of(fields, "command");
  result.rows_affected = integer_of(fields, "rows_affected").value_or(0);
  if (const json::array* columns = array_of(fields, "columns"))
    for (const json::value& column : *columns)
      if (const json::object* named = column.if_object())
        result.columns.emplace_back(text_of(*named, "name"), text_of(*named, "type"));
  if (const json::array* rows = array_of(fields, "rows"))
    for (const json::value& row : *rows) {
      std::vector<Value>& cells = result.rows.emplace_back();
      if (const json::array* values = row.if_array())
        for (const json::value& value : *values) cells.push_back(parse_value(value));
    }
  return result;
}

std::vector<StatementResult> parse_result_list(const json::object& fields) {
  std::vector<StatementResult> results;
  if (const json::array* list = array_of(fields, "results"))
    for (const json::value& entry : *list)
      if (const json::object* result = entry.if_object()) results.push_back(parse_result(*result));
  return results;
}

std::vector<std::string> parse_texts(const json::object& fields, std::string_view name) {
  std::vector<std::string> texts;
  if (const json::array* list = array_of(fields, name))
    for (const json::value& entry : *list) texts.push_back(plain_text(entry));
  return texts;
}

std::optional<json::value> parse_object(const std::string& text) {
  boost::system::error_code error;
  json::value document = json::parse(text, error);
  if (error || !document.is_object()) return std::nullopt;
  return document;
}

}  // namespace

std::string to_json(const OneShot& transaction) {
  json::object fields;
  put(fields, "timeout_ms", transaction.timeout);
  put(fields, "lock_timeout_ms", transaction.lock_timeout);
  if (!transaction.isolation.empty()) fields["isolation"] = transaction.isolation;
  if (transaction.wait_for == WaitFor::decided) fields["wait_for"] = "decided";
  put_labels(fields, transaction.labels);
  json::array& branches = fields["branches"].emplace_array();
  for (const Branch& branch : transaction.branches) branches.push_back(form(branch));
  return json::serialize(fields);
}

std::string to_json(const Interactive& transaction) {
  json::object fields{{"mode", "interactive"}};
  put(fields, "timeout_ms", transaction.timeout);
  put(fields, "idle_timeout_ms", transaction.idle_timeout);
  put_labels(fields, transaction.labels);
  return json::serialize(fields);
}

std::string to_json(const External& transaction) {
  json::object fields{{"mode", "external"}};
  put(fields, "timeout_ms", transaction.timeout);
  put_labels(fields, transaction.labels);
  json::array& branches = fields["branches"].emplace_array();
  for (const std::string& participant : transaction.participants)
    branches.push_back(json::object{{"participant", participant}});
  return json::serialize(fields);
}

std::string to_json(std::int64_t seq, const Branch& branch) {
  json::object fields = form(branch);
  fields["seq"] = seq;
  return json::serialize(fields);
}

std::string to_json(WaitFor wait_for) {
  return wait_for == WaitFor::decided ? R"({"wait_for":"decided"})" : R"({"wait_for":"applied"})";
}

std::string preview_json(const std::string& outcome) {
  return json::serialize(json::object{{"outcome", outcome}, {"preview", true}});
}

std::string resolve_json(const std::string& outcome, const std::string& reason,
                         const std::string& seen) {
  json::object body{{"outcome", outcome}, {"reason", reason}};
  if (!seen.empty()) body["seen"] = seen;
  return json::serialize(body);
}

std::string acknowledge_json(const std::string& reason) {
  return json::serialize(json::object{{"reason", reason}});
}

std::optional<Transaction> parse_transaction(const std::string& text) {
  const std::optional<json::value> document = parse_object(text);
  if (!document) return std::nullopt;
  const json::object& fields = document->get_object();
  Transaction transaction;
  transaction.id = text_of(fields, "id");
  transaction.state = text_of(fields, "state");
  if (transaction.id.empty() || transaction.state.empty()) return std::nullopt;
  transaction.next_seq = integer_of(fields, "next_seq").value_or(0);
  if (const json::array* branches = array_of(fields, "branches"))
    for (const json::value& entry : *branches)
      if (const json::object* branch = entry.if_object())
        transaction.branches.push_back({text_of(*branch, "participant"), text_of(*branch, "group"),
                                        text_of(*branch, "state"), parse_result_list(*branch),
                                        parse_texts(*branch, "prepare")});
  transaction.json = text;
  return transaction;
}

std::optional<std::vector<StatementResult>> parse_results(const std::string& text) {
  const std::optional<json::value> document = parse_object(text);
  if (!document || !array_of(document->get_object(), "results")) return std::nullopt;
  return parse_result_list(document->get_object());
}

}  // namespace assent::client
