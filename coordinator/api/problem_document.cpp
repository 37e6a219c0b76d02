#include "coordinator/api/problem_document.hpp"

#include <algorithm>
#include <array>

#include "coordinator/api/json_writer.hpp"
#include "protocol/runtime/random.hpp"

namespace assent {
namespace {

constexpr std::size_t kTraceIdLength = 32;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// 00-<32 hex digits>-<16 hex digits>-<2 hex digits>; a later version may append more.
std::optional<std::string_view> received_trace_id(std::string_view traceparent) {
  constexpr std::size_t kLength = 55;
  if (traceparent.size() < kLength || traceparent[2] != '-' || traceparent[35] != '-' ||
      traceparent[52] != '-')
    return std::nullopt;
  if (traceparent.size() > kLength && traceparent[kLength] != '-') return std::nullopt;
  const std::string_view trace_id = traceparent.substr(3, kTraceIdLength);
  if (!is_hex(trace_id) || trace_id.find_first_not_of('0') == trace_id.npos) return std::nullopt;
  return trace_id;
}

std::string make_trace_id() {
  std::array<std::uint8_t, kTraceIdLength / 2> bytes{};
  random_bytes(bytes);
  return hex(bytes);
}

bool is_about_branch(const Failure& failure) {
  return !failure.participant.empty() || failure.statement >= 0 || !failure.sqlstate.empty();
}

void append_branch(std::string& out, const Failure& failure) {
  JsonObject branch(out);
  branch.text_unless_empty("participant", failure.participant);
  if (failure.statement >= 0)
    branch.number("statement", static_cast<std::uint64_t>(failure.statement));
  branch.text_unless_empty("sqlstate", failure.sqlstate);
  branch.text_unless_empty("message", failure.message);
  branch.text_unless_empty("detail", failure.detail);
  branch.text_unless_empty("hint", failure.hint);
  branch.text_unless_empty("schema", failure.schema);
  branch.text_unless_empty("table", failure.table);
  branch.text_unless_empty("column", failure.column);
  branch.text_unless_empty("constraint", failure.constraint);
  branch.text_unless_empty("position", failure.position);
}

// What a client needs to do next where only the outcome is missing: a place to ask.
void add_headers(HttpResponse& response, const ProblemInfo& row, const ProblemContext& context,
                 Fate fate) {
  if (row.retry == Retry::after) response.headers.emplace_back("Retry-After", "1");
  if (row.problem == Problem::unauthenticated)
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (row.problem == Problem::permission_denied)
    response.headers.emplace_back("WWW-Authenticate", "Bearer error=\"insufficient_scope\"");
  if (context.tx && fate != Fate::none)
    response.headers.emplace_back("Location", "/v1/transactions/" + to_string(*context.tx));
}

Problem problem_of(unsigned status) {
  switch (status) {
    case 404:
      return Problem::path_not_found;
    case 405:
      return Problem::method_not_allowed;
    case 408:
      return Problem::request_timeout;
    case 413:
      return Problem::payload_too_large;
    case 429:
    case 503:
      return Problem::overloaded;
    case 431:
      return Problem::header_too_large;
    default:
      return status < 500 ? Problem::invalid_request : Problem::internal_error;
  }
}

}  // namespace

Failure failure_of(Problem problem, std::string message) {
  Failure failure;
  failure.problem = problem;
  failure.message = std::move(message);
  return failure;
}

HttpResponse problem_response(const Failure& failure, const ProblemContext& context) {
  const ProblemInfo& row = info(failure.problem);
  const Fate fate = context.fate.value_or(row.fate);
  HttpResponse response;
  response.status = context.status != 0 ? context.status : row.status;
  response.content_type = "application/problem+json";
  add_headers(response, row, context, fate);
  {
    JsonObject document(response.body);
    document.text("type", "/v1/errors#" + std::string(row.code));
    document.text("title", row.title);
    document.number("status", response.status);
    document.text("code", row.code);
    document.text("detail", failure.message.empty() ? row.title : failure.message);
    document.text("outcome", to_string(fate));
    document.text("retry", to_string(row.retry));
    document.text("remedy", row.remedy);
    if (context.tx) document.text("transaction", to_string(*context.tx));
    if (is_about_branch(failure)) append_branch(document.field("branch"), failure);
    document.text("trace_id",
                  context.trace_id.empty() ? make_trace_id() : std::string(context.trace_id));
    if (!context.branches.empty()) document.field("branches") += context.branches;
  }
  return response;
}

void append_failure(std::string& out, const Failure& failure) {
  const ProblemInfo& row = info(failure.problem);
  JsonObject object(out);
  object.text("code", row.code);
  object.text("detail", failure.message.empty() ? row.title : failure.message);
  object.text("retry", to_string(row.retry));
  if (is_about_branch(failure)) append_branch(object.field("branch"), failure);
}

HttpResponse server_problem(unsigned status, std::string_view what) {
  ProblemContext context;
  context.status = status;
  return problem_response(failure_of(problem_of(status), std::string(what)), context);
}

std::string render_catalogue() {
  std::string out;
  {
    JsonObject document(out);
    JsonArray rows(document.field("errors"));
    for (const ProblemInfo& problem : all_problems()) {
      JsonObject row(rows.element());
      row.text("code", problem.code);
      row.number("status", problem.status);
      row.text("title", problem.title);
      row.text("outcome", to_string(problem.fate));
      row.text("retry", to_string(problem.retry));
      row.text("remedy", problem.remedy);
    }
  }
  return out;
}

std::string trace_id_of(const HttpRequest& request) {
  const auto received = received_trace_id(request.header("traceparent").value_or(""));
  return received ? std::string(*received) : make_trace_id();
}

}  // namespace assent
