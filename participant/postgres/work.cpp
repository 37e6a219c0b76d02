#include "participant/postgres/work.hpp"

#include <algorithm>
#include <unordered_set>

#include <libpq-fe.h>

#include "participant/postgres/sql_guard.hpp"
#include "participant/postgres/sqlstate.hpp"
#include "protocol/assent.pb.h"

namespace assent {
namespace {

constexpr std::size_t most_params = 65535;  // of the protocol

Failure failure(Problem problem, std::int32_t statement, std::string message) {
  Failure made;
  made.problem = problem;
  made.statement = statement;
  made.message = std::move(message);
  return made;
}

// The BEGIN of an isolation level; nullptr for one that does not exist.
const char* begin_of(const std::string& isolation, bool read_only) {
  if (isolation.empty()) return read_only ? "begin read only" : "begin";
  if (isolation == "read_committed")
    return read_only ? "begin isolation level read committed read only"
                     : "begin isolation level read committed";
  if (isolation == "repeatable_read")
    return read_only ? "begin isolation level repeatable read read only"
                     : "begin isolation level repeatable read";
  if (isolation == "serializable")
    return read_only ? "begin isolation level serializable read only"
                     : "begin isolation level serializable";
  return nullptr;
}

// Taking a text apart costs more than remembering that it may be sent.
std::optional<std::string> refuse_unknown_sql(const std::string& sql) {
  constexpr std::size_t most = 1000;
  constexpr std::size_t longest = 4096;
  thread_local std::unordered_set<std::string> allowed;
  if (allowed.contains(sql)) return std::nullopt;
  auto refusal = refuse_sql(sql);
  if (refusal || sql.size() > longest) return refusal;
  if (allowed.size() == most) allowed.clear();
  allowed.insert(sql);
  return std::nullopt;
}

std::optional<Failure> refuse(const wire::Statement& statement, std::int32_t index) {
  if (auto refusal = refuse_unknown_sql(statement.sql()))
    return failure(Problem::statement_refused, index, *refusal);
  if (static_cast<std::size_t>(statement.params_size()) > most_params)
    return failure(Problem::statement_refused, index, "More than 65535 parameters.");
  for (const wire::Value& param : statement.params())
    if (param.text().find('\0') != std::string::npos)
      return failure(Problem::statement_refused, index,
                     "A parameter contains a NUL byte, which PostgreSQL's text cannot hold.");
  return std::nullopt;
}

}  // namespace

class Statements::Sink : public RowSink {
 public:
  Sink(wire::StatementResult& out, std::size_t& bytes_left) : out_(out), bytes_left_(bytes_left) {}

  void take(const pg_result& result) override {
    if (full) return;
    const int width = PQnfields(&result);
    if (out_.columns_size() == 0) add_columns(result, width);
    for (int row = 0; row < PQntuples(&result) && !full; ++row)
      for (int column = 0; column < width; ++column) add_cell(result, row, column);
  }

  bool full = false;  // the limit was reached: what came after it is not there

 private:
  bool spend(std::size_t bytes) {
    full = full || bytes > bytes_left_;
    if (full) return false;
    bytes_left_ -= bytes;
    return true;
  }

  void add_columns(const pg_result& result, int width) {
    for (int i = 0; i < width; ++i) {
      wire::Column& column = *out_.add_columns();
      column.set_name(PQfname(&result, i));
      column.set_type_oid(PQftype(&result, i));
    }
  }

  void add_cell(const pg_result& result, int row, int column) {
    const auto length = static_cast<std::size_t>(PQgetlength(&result, row, column));
    if (!spend(length + 4)) return;  // a cell's own bytes, and about what stands around it
    wire::Value& cell = *out_.add_cells();
    if (PQgetisnull(&result, row, column) != 0)
      cell.set_null(true);
    else
      cell.set_text(PQgetvalue(&result, row, column), length);
  }

  wire::StatementResult& out_;
  std::size_t& bytes_left_;
};

Statements::Statements()
    : work_(std::make_unique<wire::Work>()), results_(std::make_unique<wire::Results>()) {}
Statements::~Statements() = default;

std::variant<std::unique_ptr<Statements>, Failure> Statements::decode(const Work& work,
                                                                      std::size_t result_bytes) {
  std::unique_ptr<Statements> made(new Statements());
  wire::Work& decoded = *made->work_;
  if (!decoded.ParseFromString(work.bytes))
    return failure(Problem::invalid_request, -1, "The work is not readable.");
  if (begin_of(decoded.isolation(), false) == nullptr)
    return failure(Problem::invalid_request, -1,
                   "Unknown isolation '" + decoded.isolation() +
                       "': read_committed, repeatable_read or serializable.");
  for (int i = 0; i < decoded.statements_size(); ++i)
    if (auto refusal = refuse(decoded.statements(i), i)) return *refusal;

  made->limit_ = result_bytes;
  if (decoded.max_result_bytes() != 0)
    made->limit_ = std::min<std::size_t>(result_bytes, decoded.max_result_bytes());
  if (decoded.lock_timeout_ms() != 0)
    made->lock_timeout_ = std::to_string(decoded.lock_timeout_ms());
  made->begin_anew();
  return made;
}

void Statements::begin_anew() {
  bytes_left_ = limit_;
  results_->Clear();
  sinks_.clear();
  for (int i = 0; i < work_->statements_size(); ++i)
    sinks_.push_back(std::make_unique<Sink>(*results_->add_statements(), bytes_left_));
}

const char* Statements::begin_sql() const {
  return begin_of(work_->isolation(), work_->read_only());
}

bool Statements::read_only() const {
  return work_->read_only();
}

const std::string& Statements::sql(std::int32_t index) const {
  return work_->statements(index).sql();
}

void Statements::append_to(std::vector<Command>& commands, bool keep) {
  for (int i = 0; i < work_->statements_size(); ++i) {
    const wire::Statement& statement = work_->statements(i);
    Command& command = commands.emplace_back();
    command.sql = statement.sql().c_str();
    command.keep = keep;
    command.sink = sinks_[static_cast<std::size_t>(i)].get();
    command.params.reserve(static_cast<std::size_t>(statement.params_size()));
    for (const wire::Value& param : statement.params())
      command.params.push_back(param.null() ? nullptr : param.text().c_str());
  }
}

std::optional<Failure> Statements::first_failure(const std::vector<Reply>& replies,
                                                 std::size_t first) const {
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    const Reply& reply = replies[first + i];
    const auto index = static_cast<std::int32_t>(i);
    if (reply.kind == Reply::Kind::error)
      return failure_of(reply.error, problem_of(reply.error.sqlstate, Stage::statement), index);
    if (!reply.ok())
      return failure(Problem::participant_unavailable, index,
                     "The connection to the database was lost.");
    if (is_transaction_control(reply.tag))
      return failure(Problem::statement_refused, index,
                     "The statement was answered " + reply.tag +
                         ": it ended the transaction, which is the coordinator's to end.");
    if (sinks_[i]->full)
      return failure(Problem::result_too_large, index,
                     "The results are larger than " + std::to_string(limit_) + " bytes.");
    const wire::Statement& statement = work_->statements(index);
    if (statement.has_expect_rows() && statement.expect_rows() != reply.rows)
      return failure(Problem::expectation_failed, index,
                     "Expected " + std::to_string(statement.expect_rows()) + " row(s), but " +
                         std::to_string(reply.rows) + " were affected or returned.");
  }
  return std::nullopt;
}

std::vector<std::uint32_t> Statements::unknown_types(const TypeNames& types) const {
  std::vector<std::uint32_t> unknown;
  for (const wire::StatementResult& result : results_->statements())
    for (const wire::Column& column : result.columns())
      if (!types.contains(column.type_oid())) unknown.push_back(column.type_oid());
  return unknown;
}

Results Statements::results(const std::vector<Reply>& replies, std::size_t first,
                            const TypeNames& types) {
  for (int i = 0; i < results_->statements_size(); ++i) {
    wire::StatementResult& result = *results_->mutable_statements(i);
    const Reply& reply = replies[first + static_cast<std::size_t>(i)];
    result.set_command(reply.tag);
    result.set_rows_affected(reply.rows);
    for (wire::Column& column : *result.mutable_columns())
      if (const auto name = types.find(column.type_oid()); name != types.end())
        column.set_type(name->second);
  }
  return {results_->SerializeAsString()};
}

Failure failure_of(const SqlError& error, Problem problem, std::int32_t statement) {
  Failure made = failure(problem, statement, error.message);
  made.sqlstate = error.sqlstate;
  made.detail = error.detail;
  made.hint = error.hint;
  made.schema = error.schema;
  made.table = error.table;
  made.column = error.column;
  made.constraint = error.constraint;
  made.position = error.position;
  return made;
}

}  // namespace assent
