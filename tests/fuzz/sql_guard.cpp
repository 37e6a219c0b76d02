// What the guard lets through, judged by another reading of PostgreSQL's lexical rules; and its
// verdict must not depend on blanks, comments, or what stands in quotes.
#include "participant/postgres/sql_guard.hpp"

#include <algorithm>
#include <array>

#include "tests/fuzz/sql_oracle.hpp"
#include "tests/fuzz/targets.hpp"

namespace assent::fuzz {
namespace {

using Kind = SqlPiece::Kind;
using Pieces = std::vector<SqlPiece>;

constexpr std::array kControl = {"begin",     "start",   "commit",  "end",     "abort",  "rollback",
                                 "savepoint", "release", "prepare", "execute", "listen", "copy"};

bool is(const SqlPiece& piece, Kind kind, std::string_view value) {
  return piece.kind == kind && piece.value == value;
}

void check_names(const Pieces& code) {
  for (std::size_t i = 0; i + 1 < code.size(); ++i) {
    if (code[i].kind != Kind::word && code[i].kind != Kind::name) continue;
    const std::string& name = code[i].value;
    demand(!name.starts_with("pg_advisory_lock") && !name.starts_with("pg_try_advisory_lock"),
           "no lock outlives the transaction");
    demand(name != "assent" || !is(code[i + 1], Kind::symbol, "."), "the schema assent is ours");
    if (name != "set_config" || !is(code[i + 1], Kind::symbol, "(") || i + 3 >= code.size())
      continue;
    demand(code[i + 2].kind == Kind::text && is(code[i + 3], Kind::symbol, ","),
           "set_config names its setting");
    std::string setting = code[i + 2].value;
    for (char& c : setting) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    demand(setting != "role" && setting != "session_authorization", "the role stays");
    demand(setting != "standard_conforming_strings" && setting != "client_encoding",
           "what is judged here is what is run there");
  }
}

void check_accepted(const Pieces& pieces) {
  Pieces code;
  for (const SqlPiece& piece : pieces)
    if (piece.kind != Kind::blank) code.push_back(piece);
  const auto outside = std::find_if(code.begin(), code.end(), [](const SqlPiece& piece) {
    return !is(piece, Kind::symbol, "(");
  });
  demand(outside != code.end(), "a statement is not empty");
  const auto controls = std::any_of(kControl.begin(), kControl.end(),
                                    [&](const char* word) { return outside->value == word; });
  demand(outside->kind == Kind::word && !controls, "no transaction control");
  if (is(*outside, Kind::word, "set"))
    demand(outside + 1 != code.end() &&
               (is(outside[1], Kind::word, "local") || outside[1].value == "constraints"),
           "what is set ends with the transaction");
  if (!is(*outside, Kind::word, "create")) {
    while (is(code.back(), Kind::symbol, ";")) code.pop_back();
    for (const SqlPiece& piece : code)
      demand(!is(piece, Kind::symbol, ";"), "one statement at a time");
  }
  check_names(code);
}

std::string_view without_content(std::string_view text) {
  if (text.starts_with('$')) return "$$$$";
  return text.starts_with('\'') ? "''" : "e''";
}

// The same statement with other blanks, and with empty texts but for the names of settings. A text
// is never followed by a line's end, where another text would continue it.
std::string respelt(const Pieces& pieces, std::string_view blank) {
  constexpr std::string_view kWithinLine = "/*;commit'*/";
  std::string sql(blank);
  bool setting = false;
  bool after_text = false;
  for (const SqlPiece& piece : pieces) {
    if (piece.kind == Kind::blank) {
      sql += after_text ? kWithinLine : blank;
      continue;
    }
    if (piece.kind == Kind::text && after_text) sql += kWithinLine;
    if (piece.kind == Kind::text && !setting)
      sql += without_content(piece.raw);
    else
      sql += piece.raw;
    after_text = piece.kind == Kind::text;
    const bool name = piece.kind == Kind::word || piece.kind == Kind::name;
    setting = name ? piece.value == "set_config" : setting && is(piece, Kind::symbol, "(");
  }
  return sql + std::string(kWithinLine);
}

}  // namespace

void sql_guard(std::string_view sql) {
  const auto refusal = refuse_sql(sql);
  if (refusal) demand(!refusal->empty(), "a refusal says why");
  const Pieces pieces = take_apart(sql);
  if (!pieces.empty() && pieces.back().kind == Kind::broken) return;
  if (!refusal) check_accepted(pieces);
  if (sql.find('\0') != sql.npos || sql.starts_with("\xEF\xBB\xBF")) return;
  for (const std::string_view blank : {"/*;commit'*/", " -- '\n "})
    demand(refuse_sql(respelt(pieces, blank)).has_value() == refusal.has_value(),
           "blanks and what stands in quotes change no verdict");
}

}  // namespace assent::fuzz
