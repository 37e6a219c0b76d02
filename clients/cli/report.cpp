#include "clients/cli/report.hpp"

#include <ostream>

#include <boost/json.hpp>

#include "clients/cli/table.hpp"
#include "clients/cpp/json.hpp"

namespace assent::cli {
namespace {

namespace json = boost::json;
using client::Fate;
using client::text_of;

Colour colour_of(std::string_view state) {
  if (state == "committed" || state == "applied" || state == "read_only" || state == "ready")
    return Colour::green;
  if (state == "heuristic" || state == "unproven" || state == "refused" || state == "away")
    return Colour::red;
  if (state == "in_doubt" || state == "prepared" || state == "pending" || state == "committing" ||
      state == "deciding" || state == "greeting" || state == "welcomed" || state == "not_prepared")
    return Colour::yellow;
  return Colour::none;
}

std::string cell_text(const client::Value& value) {
  struct {
    std::string operator()(std::nullptr_t) const { return "NULL"; }
    std::string operator()(bool truth) const { return truth ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return client::plain_text(number); }
    std::string operator()(const std::string& text) const { return text; }
  } as_text;
  return std::visit(as_text, value);
}

bool is_number(std::string_view type) {
  return type.starts_with("int") || type.starts_with("float") || type == "numeric";
}

// "UPDATE 1", "SELECT 3", "CREATE TABLE"
std::string summary(const client::StatementResult& result) {
  const bool counts = result.command == "INSERT" || result.command == "UPDATE" ||
                      result.command == "DELETE" || result.command == "SELECT" ||
                      result.command == "MERGE";
  return counts ? result.command + " " + std::to_string(result.rows_affected) : result.command;
}

std::string summary(const std::vector<client::StatementResult>& results) {
  std::string text;
  for (const auto& result : results) text += (text.empty() ? "" : ", ") + summary(result);
  return text;
}

void print_rows(const Terminal& terminal, const client::StatementResult& result) {
  std::vector<Table::Column> columns;
  for (const auto& [name, type] : result.columns) columns.push_back({name, is_number(type)});
  Table table(std::move(columns));
  for (const auto& row : result.rows) {
    std::vector<Table::Cell> cells;
    for (const client::Value& value : row)
      cells.emplace_back(cell_text(value), std::holds_alternative<std::nullptr_t>(value)
                                               ? Colour::dim
                                               : Colour::none);
    table.add(std::move(cells));
  }
  terminal.out << table.text(terminal, "  ");
}

// The text of a list of objects: [{"participant":"orders"},…] → "orders, stock".
std::string joined(const json::object& fields, std::string_view list, std::string_view name) {
  std::string text;
  if (const json::array* entries = client::array_of(fields, list))
    for (const json::value& entry : *entries)
      if (const json::object* object = entry.if_object())
        text += (text.empty() ? "" : ", ") + text_of(*object, name);
  return text;
}

json::object parse_fields(const std::string& text) {
  boost::system::error_code error;
  json::value document = json::parse(text, error);
  return document.is_object() ? std::move(document.get_object()) : json::object();
}

// Why a transaction was aborted, from its "failure" field.
void print_failure(const Terminal& terminal, const json::object& fields) {
  const json::object* failure = client::object_of(fields, "failure");
  if (!failure) return;
  terminal.out << "because: " << printable(text_of(*failure, "detail")) << " ("
               << printable(text_of(*failure, "code"));
  if (const json::object* branch = client::object_of(*failure, "branch"))
    if (const std::string at = text_of(*branch, "participant"); !at.empty())
      terminal.out << " at " << printable(at);
  terminal.out << ")\n";
}

// What an operator has decided or seen; and what only one can do.
void print_decisions(const Terminal& terminal, const json::object& fields) {
  const std::string id = printable(text_of(fields, "id"));
  const auto line = [&](const char* what, const json::object& by) {
    terminal.out << what << printable(text_of(by, "by")) << " at " << printable(text_of(by, "at"))
                 << ": " << printable(text_of(by, "reason")) << '\n';
  };
  if (const json::object* resolution = client::object_of(fields, "resolution"))
    line("decided by ", *resolution);
  if (const json::array* all = client::array_of(fields, "acknowledgements"))
    for (const json::value& each : *all)
      if (const json::object* seen = each.if_object()) line("damage acknowledged by ", *seen);
  if (text_of(fields, "damaged") == "true" && text_of(fields, "acknowledged") != "true")
    terminal.out << "damaged: the databases may differ; when that is mended: assent acknowledge "
                 << id << " --reason TEXT\n";
  if (text_of(fields, "state") == "in_doubt")
    terminal.out << "in doubt: " << printable(text_of(fields, "why"))
                 << "; an operator decides: assent resolve " << id
                 << " --abort --preview, or --commit --preview, shows what it would do\n";
}

std::string fate_sentence(Fate fate) {
  switch (fate) {
    case Fate::none:
      return "none: this request changed nothing";
    case Fate::aborted:
      return "aborted: nothing of it was applied anywhere";
    case Fate::committed:
      return "committed: all of it is or will be applied";
    case Fate::unknown:
      return "not known: it may have been committed or not";
  }
  return "?";
}

void print_branch(const Terminal& terminal, const client::Problem& problem) {
  if (problem.participant.empty() && problem.sqlstate.empty()) return;
  std::string where = problem.participant;
  if (problem.statement >= 0)
    where +=
        (where.empty() ? "statement " : ", statement ") + std::to_string(problem.statement + 1);
  terminal.err << "  where: " << printable(where) << '\n';
  const auto field = [&](const char* name, const std::string& text) {
    if (!text.empty()) terminal.err << "  " << name << ": " << printable(text) << '\n';
  };
  field("SQLSTATE", problem.sqlstate);
  if (problem.message != problem.detail) field("message", problem.message);
  field("detail", problem.branch_detail);
  field("hint", problem.hint);
  field("constraint", problem.constraint);
}

std::string remedy_of(const client::Trouble& trouble, const std::string& again) {
  switch (trouble.kind) {
    case client::Trouble::Kind::unreachable:
      return "Start the coordinator, or give its address with --url or ASSENT_URL. To try Assent: "
             "assent dev";
    case client::Trouble::Kind::unsettled:
      if (trouble.problem && trouble.problem->code == "history-expired") break;  // no answer comes
      return again.empty() ? "Ask again later; nothing can be concluded from this."
                           : "Repeat the command exactly so; it cannot happen twice:\n    " + again;
    case client::Trouble::Kind::refused:
      break;
  }
  return trouble.problem ? trouble.problem->remedy : std::string();
}

// What the application has to run, and what comes after.
void print_prepare(const Terminal& terminal, const client::Transaction& transaction) {
  bool any = false;
  for (const client::BranchOutcome& branch : transaction.branches) {
    if (branch.prepare.empty()) continue;
    any = true;
    terminal.out << "\nAt " << printable(branch.participant)
                 << ", at the end of your work there and in its transaction:\n";
    for (const std::string& sql : branch.prepare) terminal.out << "  " << printable(sql) << ";\n";
  }
  if (any) terminal.out << "\nThen: assent commit " << printable(transaction.id) << '\n';
}

}  // namespace

void print_transaction(const Terminal& terminal, const client::Transaction& transaction) {
  terminal.out << terminal.paint(printable(transaction.state), colour_of(transaction.state)) << "  "
               << printable(transaction.id) << '\n';
  const json::object fields = parse_fields(transaction.json);
  print_failure(terminal, fields);
  print_decisions(terminal, fields);
  if (transaction.branches.empty()) return;
  Table table({{"BRANCH"}, {"STATE"}, {"RESULT"}});
  for (const client::BranchOutcome& branch : transaction.branches)
    table.add({branch.participant + (branch.group.empty() ? "" : " (" + branch.group + ")"),
               {branch.state, colour_of(branch.state)},
               summary(branch.results)});
  terminal.out << table.text(terminal);
  for (const client::BranchOutcome& branch : transaction.branches)
    for (std::size_t i = 0; i < branch.results.size(); ++i) {
      if (branch.results[i].columns.empty()) continue;
      terminal.out << '\n' << printable(branch.participant) << ", statement " << i + 1 << ":\n";
      print_rows(terminal, branch.results[i]);
    }
  print_prepare(terminal, transaction);
}

void print_results(const Terminal& terminal, const std::vector<client::StatementResult>& results) {
  for (const client::StatementResult& result : results) {
    if (!result.columns.empty()) print_rows(terminal, result);
    terminal.out << printable(summary(result)) << '\n';
  }
}

void print_transactions(const Terminal& terminal, const std::string& text) {
  const json::object fields = parse_fields(text);
  Table table({{"TRANSACTION"}, {"STATE"}, {"BEGUN"}, {"BRANCHES"}});
  if (const json::array* entries = client::array_of(fields, "transactions"))
    for (const json::value& entry : *entries)
      if (const json::object* transaction = entry.if_object()) {
        std::string state = text_of(*transaction, "state");
        const bool damaged = text_of(*transaction, "damaged") == "true";
        const bool alarms = damaged && text_of(*transaction, "acknowledged") != "true";
        const Colour colour = alarms ? Colour::red : colour_of(state);
        const bool seen = text_of(*transaction, "acknowledged") == "true";
        if (damaged) state += seen ? " (damaged, acknowledged)" : " (damaged)";
        if (client::object_of(*transaction, "resolution")) state += " (by an operator)";
        table.add({text_of(*transaction, "id"),
                   {state, colour},
                   text_of(*transaction, "begun_at"),
                   joined(*transaction, "branches", "participant")});
      }
  if (table.empty())
    terminal.out << "No transactions.\n";
  else
    terminal.out << table.text(terminal);
  if (const std::string token = text_of(fields, "next_page_token"); !token.empty())
    terminal.out << "There may be more: --page " << printable(token) << '\n';
}

void print_participants(const Terminal& terminal, const std::string& text) {
  const json::object fields = parse_fields(text);
  Table table({{"PARTICIPANT"},
               {"STATE"},
               {"DATABASE"},
               {"SYSTEM IDENTIFIER"},
               {"TIMELINE", true},
               {"PREPARED", true}});
  if (const json::array* entries = client::array_of(fields, "participants"))
    for (const json::value& entry : *entries)
      if (const json::object* participant = entry.if_object()) {
        const std::string state = text_of(*participant, "state");
        const std::string unanswered = text_of(*participant, "unanswered_requests");
        const json::object* server = client::object_of(*participant, "server");
        const json::object unknown;
        const json::object& known = server ? *server : unknown;
        table.add({text_of(*participant, "name"),
                   {unanswered.empty() ? state : state + ", " + unanswered + " unanswered",
                    unanswered.empty() ? colour_of(state) : Colour::yellow},
                   text_of(known, "database"),
                   text_of(known, "system_identifier"),
                   text_of(known, "timeline"),
                   text_of(*participant, "prepared_count")});
      }
  if (table.empty())
    terminal.out << "No participant has ever connected to this coordinator.\n";
  else
    terminal.out << table.text(terminal);
}

int print_trouble(const Terminal& terminal, const client::Trouble& trouble,
                  const std::string& again) {
  using Kind = client::Trouble::Kind;
  terminal.err << terminal.paint("error:", Colour::red) << ' ' << printable(trouble.reason);
  if (trouble.problem && !trouble.problem->code.empty())
    terminal.err << " (" << printable(trouble.problem->code) << ')';
  terminal.err << '\n';
  if (trouble.problem) {
    const client::Problem& problem = *trouble.problem;
    if (!problem.detail.empty() && problem.detail != problem.title)
      terminal.err << "  " << printable(problem.detail) << '\n';
    print_branch(terminal, problem);
    if (!problem.transaction.empty())
      terminal.err << "  transaction: " << printable(problem.transaction) << '\n';
  }
  terminal.err << "  outcome: " << fate_sentence(trouble.fate) << '\n';
  if (const std::string remedy = remedy_of(trouble, again); !remedy.empty())
    terminal.err << "  what to do: " << remedy << '\n';
  if (trouble.kind == Kind::unreachable) return kUnreachable;
  return trouble.kind == Kind::refused ? kRefused : kUnsettled;
}

int exit_code(const client::Transaction& transaction) {
  if (transaction.state == "aborted" || transaction.state == "aborting") return kRefused;
  return transaction.state == "committed" && !transaction.pending ? kDone : kUnsettled;
}

}  // namespace assent::cli
