#include "clients/cli/table_copies.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

namespace assent::cli {
namespace {

using client::Result;
using client::Statement;
using client::StatementResult;

constexpr client::milliseconds kQuestionTimeout{120'000};
constexpr client::milliseconds kLockedFor{3'600'000};
constexpr client::milliseconds kLockedIdle{60'000};
constexpr std::size_t kParams = 900;  // of one statement; the API takes 1000

// What else decides how a value looks as text. The database's or the role's own may differ.
const Statement kSameText{
    "select set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true), "
    "set_config('IntervalStyle', 'postgres', true), set_config('extra_float_digits', '1', true), "
    "set_config('bytea_output', 'hex', true), set_config('lc_monetary', 'C', true), "
    "set_config('xmloption', 'content', true)"};

// Of a table by its name: its full name, and of each column name, type, and place in the key, or 0.
const std::string kDescribe =
    "select quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text, "
    "quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod), "
    "(select k.place::int4 from unnest(i.indkey::int2[]) with ordinality as k(number, place) "
    "where k.number = a.attnum and k.place <= i.indnkeyatts) "
    "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
    "join pg_catalog.pg_attribute a "
    "on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
    "left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary "
    "where c.oid = pg_catalog.to_regclass($1::text) order by a.attnum";

std::string text_of(const client::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return {};
}

std::string cell(const StatementResult& result, std::size_t row, std::size_t column) {
  const bool there = row < result.rows.size() && column < result.rows[row].size();
  return there ? text_of(result.rows[row][column]) : "";
}

Key key_in(const StatementResult& result, std::size_t row, std::size_t from, std::size_t columns) {
  Key key;
  for (std::size_t i = 0; i < columns; ++i) key.push_back(cell(result, row, from + i));
  return key;
}

template <class Make>
std::string joined(const std::vector<Column>& columns, Make make) {
  std::string out;
  for (const Column& column : columns) out += (out.empty() ? "" : ", ") + make(column);
  return out;
}

constexpr const char* kByBytes = "text collate \"C\"";

// "($1::bigint, $2::text)", with its parameters; of the columns' types, unless all have `type`.
std::string bound(const std::vector<Column>& columns, const Key& key, Statement& statement,
                  const char* type = nullptr) {
  std::string out;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    statement.params.emplace_back(key[i]);
    out += (out.empty() ? "($" : ", $") + std::to_string(statement.params.size()) +
           "::" + (type ? type : columns[i].type);
  }
  return out + ")";
}

class AskingAnew : public Asking {
 public:
  explicit AskingAnew(client::Client& client) : client_(client) {}

  Result<Answers> ask(std::vector<Question> questions) override {
    client::OneShot one_shot{.timeout = kQuestionTimeout, .isolation = "repeatable_read"};
    for (Question& question : questions) {
      question.statements.insert(question.statements.begin(), kSameText);
      one_shot.branches.push_back({.participant = question.participant,
                                   .statements = std::move(question.statements),
                                   .read_only = true});
    }
    auto done = client_.run(one_shot);
    if (!done) return done.error();
    Answers answers;
    for (client::BranchOutcome& branch : done->branches) {
      if (!branch.results.empty()) branch.results.erase(branch.results.begin());
      answers.push_back(std::move(branch.results));
    }
    return answers;
  }

 private:
  client::Client& client_;
};

// The answers to one statement at each; a participant that gave none has an empty one.
std::vector<StatementResult> firsts(Answers answers, std::size_t members) {
  std::vector<StatementResult> out(members);
  for (std::size_t i = 0; i < std::min(members, answers.size()); ++i)
    if (!answers[i].empty()) out[i] = std::move(answers[i].front());
  return out;
}

std::set<std::pair<std::string, std::string>> as_set(const std::vector<Column>& columns) {
  std::set<std::pair<std::string, std::string>> set;
  for (const Column& column : columns) set.emplace(column.name, column.type);
  return set;
}

TableShape shape_in(const StatementResult& result) {
  TableShape shape;
  shape.name = cell(result, 0, 0);
  std::map<int, Column> key;  // by the place in it
  for (std::size_t row = 0; row < result.rows.size(); ++row) {
    shape.columns.push_back({cell(result, row, 2), cell(result, row, 3)});
    const std::string place = cell(result, row, 4);
    if (!place.empty()) key.emplace(std::atoi(place.c_str()), shape.columns.back());
  }
  for (auto& [place, column] : key) shape.key.push_back(std::move(column));
  return shape;
}

std::string difference(const TableShape& one, const std::string& at_one, const TableShape& other,
                       const std::string& at_other) {
  const auto columns = as_set(one.columns);
  const auto others = as_set(other.columns);
  const auto only = [](const auto& these, const auto& those) {
    std::string out;
    for (const auto& each : these)
      if (!those.contains(each)) out += (out.empty() ? "" : ", ") + each.first + " " + each.second;
    return out;
  };
  const std::string here = only(columns, others);
  const std::string there = only(others, columns);
  std::string out;
  if (!here.empty()) out += "only " + at_one + " has " + here;
  if (!there.empty()) out += (out.empty() ? "only " : "; only ") + at_other + " has " + there;
  return out;
}

}  // namespace

std::unique_ptr<Asking> ask_anew(client::Client& client) {
  return std::make_unique<AskingAnew>(client);
}

Locked::~Locked() {
  if (!id_.empty()) (void)client_.rollback(id_);
}

std::optional<client::Trouble> Locked::lock(const std::vector<std::string>& participants,
                                            const std::vector<std::string>& tables,
                                            client::milliseconds lock_timeout) {
  const auto begun = client_.begin({.timeout = kLockedFor, .idle_timeout = kLockedIdle});
  if (!begun) return begun.error();
  id_ = begun->id;
  for (const std::string& participant : participants) {
    std::vector<Statement> statements{
        {"set local lock_timeout = " + std::to_string(lock_timeout.count())}};
    for (const std::string& table : tables)
      statements.push_back({"lock table " + table + " in share mode"});
    statements.push_back(kSameText);
    if (auto done = client_.execute(
            id_, ++seq_, {.participant = participant, .statements = std::move(statements)});
        !done)
      return done.error();
  }
  return std::nullopt;
}

Result<Answers> Locked::ask(std::vector<Question> questions) {
  Answers answers;
  for (Question& question : questions) {
    auto done = client_.execute(id_, ++seq_,
                                {.participant = std::move(question.participant),
                                 .statements = std::move(question.statements)});
    if (!done) return done.error();
    answers.push_back(std::move(done->results));
  }
  return answers;
}

Result<std::variant<TableShape, std::string>> describe_table(
    Asking& asking, const std::vector<std::string>& participants, const std::string& table) {
  using Said = std::variant<TableShape, std::string>;
  std::vector<Question> questions;
  for (const std::string& each : participants) questions.push_back({each, {{kDescribe, {table}}}});
  auto answers = asking.ask(std::move(questions));
  if (!answers) return answers.error();
  const auto results = firsts(std::move(*answers), participants.size());
  std::vector<TableShape> shapes;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].rows.empty())
      return Said("there is no table " + table + " at " + participants[i]);
    const std::string kind = cell(results[i], 0, 1);
    if (kind != "r" && kind != "p") return Said(table + " at " + participants[i] + " is no table");
    shapes.push_back(shape_in(results[i]));
    const TableShape& first = shapes.front();
    const TableShape& here = shapes.back();
    if (here.key.empty())
      return Said("the table " + here.name + " at " + participants[i] +
                  " has no primary key, by which its rows could be told apart");
    if (here.name != first.name)
      return Said(table + " is " + first.name + " at " + participants[0] + " and " + here.name +
                  " at " + participants[i] + "; give its schema");
    if (as_set(here.columns) != as_set(first.columns))
      return Said("the columns of " + here.name + " are not the same: " +
                  difference(first, participants[0], here, participants[i]));
    if (here.key != first.key)
      return Said("the primary keys of " + here.name + " at " + participants[0] + " and " +
                  participants[i] + " are not the same");
  }
  return Said(std::move(shapes.front()));
}

TableCopies::TableCopies(Asking& asking, std::vector<std::string> participants, TableShape shape,
                         std::function<void()> wait)
    : asking_(asking),
      participants_(std::move(participants)),
      shape_(std::move(shape)),
      wait_(std::move(wait)) {
  const auto name = [](const Column& column) { return "t." + column.name; };
  key_ = joined(shape_.key, name);
  key_texts_ =
      joined(shape_.key, [](const Column& column) { return "t." + column.name + "::text"; });
  // A row's text tells NULL from an empty text, and where one column ends.
  hash_ = "sha256(convert_to(row(" + joined(shape_.columns, name) + ")::text, 'UTF8'))";
}

// The order of a primary key is that of its type and collation, which may be others elsewhere; that
// of bytes is one. No index helps it.
bool TableCopies::sort_alike() {
  if (by_text_) return false;
  by_text_ = true;
  key_ =
      joined(shape_.key, [](const Column& column) { return "t." + column.name + "::" + kByBytes; });
  return true;
}

// " where …", with its parameters; nothing where the range is everything.
std::string TableCopies::where(const Range& range, Statement& statement) const {
  const char* const type = by_text_ ? kByBytes : nullptr;
  std::string out;
  if (range.after)
    out += " where (" + key_ + ") > " + bound(shape_.key, *range.after, statement, type);
  if (range.up_to)
    out += (out.empty() ? " where (" : " and (") + key_ +
           ") <= " + bound(shape_.key, *range.up_to, statement, type);
  return out;
}

Result<Answers> TableCopies::ask_all(const Statement& statement) {
  std::vector<Question> questions;
  for (const std::string& each : participants_) questions.push_back({each, {statement}});
  return asking_.ask(std::move(questions));
}

// The sum of the rows' hashes is the same in every order of the rows.
Result<std::vector<Sum>> TableCopies::sums(const Range& range) {
  Statement statement;
  const auto half = [](int from) {
    return "sum(('x' || encode(substr(h, " + std::to_string(from) +
           ", 8), 'hex'))::bit(64)::bigint)";
  };
  statement.sql = "select count(*), concat(" + half(1) + ", ' ', " + half(9) + ") from (select " +
                  hash_ + " as h from " + shape_.name + " t" + where(range, statement) + ") hashed";
  auto answers = ask_all(statement);
  if (!answers) return answers.error();
  std::vector<Sum> sums;
  for (const StatementResult& result : firsts(std::move(*answers), members()))
    sums.push_back({std::strtoull(cell(result, 0, 0).c_str(), nullptr, 10), cell(result, 0, 1)});
  return sums;
}

Result<std::optional<Key>> TableCopies::key_of(std::size_t member, const Range& range,
                                               std::uint64_t row) {
  Statement statement;
  statement.sql = "select " + key_texts_ + " from " + shape_.name + " t" + where(range, statement) +
                  " order by " + key_ + " offset $";
  statement.params.emplace_back(std::to_string(row - 1));
  statement.sql += std::to_string(statement.params.size()) + "::bigint limit 1";
  auto answers = asking_.ask({{participants_[member], {statement}}});
  if (!answers) return answers.error();
  const StatementResult result = std::move(firsts(std::move(*answers), 1).front());
  if (result.rows.empty()) return std::optional<Key>();
  return std::optional(key_in(result, 0, 0, shape_.key.size()));
}

Result<std::vector<std::vector<Row>>> TableCopies::rows(const Range& range, std::size_t most) {
  Statement statement;
  statement.sql = "select encode(" + hash_ + ", 'hex'), " + key_texts_ + " from " + shape_.name +
                  " t" + where(range, statement) + " order by " + key_ + " limit " +
                  std::to_string(most);
  auto answers = ask_all(statement);
  if (!answers) return answers.error();
  std::vector<std::vector<Row>> out;
  for (const StatementResult& result : firsts(std::move(*answers), members())) {
    auto& list = out.emplace_back();
    for (std::size_t row = 0; row < result.rows.size(); ++row)
      list.push_back({key_in(result, row, 1, shape_.key.size()), cell(result, row, 0)});
  }
  return out;
}

Result<std::vector<std::vector<std::string>>> TableCopies::checksums(const std::vector<Key>& keys) {
  std::vector<std::vector<std::string>> out(members(), std::vector<std::string>(keys.size()));
  const std::size_t at_once = std::max<std::size_t>(1, kParams / (shape_.key.size() + 1));
  for (std::size_t from = 0; from < keys.size(); from += at_once) {
    Statement statement;
    std::string wanted;
    for (std::size_t i = from; i < std::min(from + at_once, keys.size()); ++i) {
      // Each is bound by its own place, for a key may be written differently where it is found.
      const std::string row = bound(shape_.key, keys[i], statement);
      wanted += (wanted.empty() ? "(" : ", (") + std::to_string(i) + ", " + row.substr(1);
    }
    std::string equal;
    std::string names = "place";
    for (std::size_t i = 0; i < shape_.key.size(); ++i) {
      const std::string column = "k" + std::to_string(i);
      names += ", " + column;
      equal += (equal.empty() ? "t." : " and t.") + shape_.key[i].name + " = wanted." + column;
    }
    statement.sql = "select wanted.place::text, encode(" + hash_ + ", 'hex') from (values " +
                    wanted + ") as wanted(" + names + ") join " + shape_.name + " t on " + equal;
    auto answers = ask_all(statement);
    if (!answers) return answers.error();
    const auto results = firsts(std::move(*answers), members());
    for (std::size_t member = 0; member < members(); ++member)
      for (std::size_t row = 0; row < results[member].rows.size(); ++row) {
        const std::size_t place = std::strtoull(cell(results[member], row, 0).c_str(), nullptr, 10);
        if (place < keys.size()) out[member][place] = cell(results[member], row, 1);
      }
  }
  return out;
}

}  // namespace assent::cli
