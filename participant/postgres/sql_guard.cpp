#include "participant/postgres/sql_guard.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace assent {
namespace {

enum class Kind : std::uint8_t { end, word, quoted_word, text, symbol, broken };

struct Token {
  Kind kind = Kind::end;
  std::string value;  // a word in lower case; the content of a quoted word or text; the symbol
};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_word_start(c) || is_digit(c) || c == '$';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// PostgreSQL's lexical rules (src/backend/parser/scan.l), as far as telling tokens apart needs
// them.
class Lexer {
 public:
  explicit Lexer(std::string_view sql) : sql_(sql) {}

  Token next() {
    if (!skip_blanks()) return {Kind::broken, "a comment"};
    if (at_ == sql_.size()) return {};
    const char c = sql_[at_];
    if (c == '\'') return quoted('\'', Kind::text, false);
    if (c == '"') return quoted('"', Kind::quoted_word, false);
    if (c == '$' && at_ + 1 < sql_.size() && !is_digit(sql_[at_ + 1])) return dollar_quoted();
    if (is_word_start(c)) return word();
    if (is_digit(c)) {  // a dollar after it may begin a quoted string
      while (at_ < sql_.size() && sql_[at_] != '$' && (is_word(sql_[at_]) || sql_[at_] == '.'))
        ++at_;
      return {Kind::symbol, "number"};
    }
    ++at_;
    return {Kind::symbol, std::string(1, c)};
  }

 private:
  bool starts(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

  bool skip_blanks() {
    while (at_ < sql_.size()) {
      if (is_space(sql_[at_])) {
        ++at_;
      } else if (starts("--")) {
        while (at_ < sql_.size() && sql_[at_] != '\n' && sql_[at_] != '\r') ++at_;
      } else if (starts("/*")) {
        if (!skip_block_comment()) return false;
      } else {
        break;
      }
    }
    return true;
  }

  bool skip_block_comment() {  // they nest
    int depth = 0;
    while (at_ < sql_.size()) {
      if (starts("/*")) {
        ++depth;
        at_ += 2;
      } else if (starts("*/")) {
        at_ += 2;
        if (--depth == 0) return true;
      } else {
        ++at_;
      }
    }
    return false;
  }

  Token quoted(char quote, Kind kind, bool escapes) {
    Token token{kind, {}};
    for (++at_; at_ < sql_.size(); ++at_) {
      if (escapes && sql_[at_] == '\\' && at_ + 1 < sql_.size()) {
        token.value += sql_[++at_];
      } else if (sql_[at_] != quote) {
        token.value += sql_[at_];
      } else if (at_ + 1 < sql_.size() && sql_[at_ + 1] == quote) {
        token.value += sql_[++at_];
      } else if (const auto next = continuation(); next && quote == '\'') {
        at_ = *next;
      } else {
        ++at_;
        return token;
      }
    }
    return {Kind::broken, "a quoted string"};
  }

  // A string goes on, by the same rules, after a quote on a later line: where that one stands, if
  // nothing but blanks and line comments are between.
  std::optional<std::size_t> continuation() const {
    bool later_line = false;
    for (std::size_t at = at_ + 1; at < sql_.size(); ++at) {
      if (sql_.substr(at).starts_with("--"))
        at = std::min(sql_.find_first_of("\n\r", at), sql_.size());
      if (at == sql_.size() || !is_space(sql_[at]))
        return later_line && at < sql_.size() && sql_[at] == '\'' ? std::optional(at)
                                                                  : std::nullopt;
      later_line = later_line || sql_[at] == '\n' || sql_[at] == '\r';
    }
    return std::nullopt;
  }

  Token dollar_quoted() {
    std::size_t end = at_ + 1;
    while (end < sql_.size() && is_word(sql_[end]) && sql_[end] != '$') ++end;
    if (end == sql_.size() || sql_[end] != '$') {
      ++at_;
      return {Kind::symbol, "$"};
    }
    const std::string_view tag = sql_.substr(at_, end + 1 - at_);
    const std::size_t close = sql_.find(tag, end + 1);
    if (close == std::string_view::npos) return {Kind::broken, "a dollar-quoted string"};
    Token token{Kind::text, std::string(sql_.substr(end + 1, close - end - 1))};
    at_ = close + tag.size();
    return token;
  }

  Token word() {
    Token token{Kind::word, {}};
    while (at_ < sql_.size() && is_word(sql_[at_])) token.value += lower(sql_[at_++]);
    if (token.value == "e" && starts("'")) return quoted('\'', Kind::text, true);
    // Names and texts spelt in Unicode escapes would have to be decoded before they can be judged.
    if (token.value == "u" && (starts("&\"") || starts("&'")))
      return {Kind::broken, "a name or text written with U&"};
    return token;
  }

  std::string_view sql_;
  std::size_t at_ = 0;
};

constexpr std::array allowed = {
    "select",  "insert",  "update",  "delete", "merge",    "values",  "with",     "table",   "call",
    "do",      "create",  "alter",   "drop",   "truncate", "comment", "grant",    "revoke",  "lock",
    "analyze", "refresh", "explain", "show",   "set",      "import",  "security", "reassign"};

constexpr std::array control = {"begin",    "start",     "commit",  "end",    "abort",
                                "rollback", "savepoint", "release", "prepare"};

template <std::size_t n>
bool among(const std::array<const char*, n>& words, std::string_view word) {
  return std::any_of(words.begin(), words.end(), [&](const char* w) { return word == w; });
}

std::string shout(std::string_view word) {
  std::string text(word);
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::string why_not_allowed(const Token& first, const Token& second) {
  const std::string name = shout(first.value);
  if (among(control, first.value) && !(first.value == "prepare" && second.value != "transaction"))
    return name +
           " is not for a branch: the coordinator begins and ends the transaction. Leave it "
           "out, and commit or roll back through the API.";
  if (first.value == "prepare" || first.value == "execute" || first.value == "deallocate")
    return name +
           " works on prepared statements, which outlive the transaction in a connection "
           "others use. Send the statement itself, with parameters.";
  if (first.value == "listen" || first.value == "unlisten" || first.value == "notify")
    return name + " cannot be part of a prepared transaction. Notify after the commit.";
  if (first.value == "declare" || first.value == "fetch" || first.value == "move" ||
      first.value == "close")
    return name +
           " is refused: cursors need a connection of their own. Use LIMIT, or read outside "
           "the transaction.";
  if (first.value == "copy") return "COPY is refused. Use INSERT with several rows of VALUES.";
  if (first.value == "discard" || first.value == "reset" || first.value == "load")
    return name + " changes the connection, which others use after this branch. Leave it out.";
  if (first.kind != Kind::word) return "This does not begin with an SQL keyword.";
  return name.substr(0, 40) + " is not a statement that a branch may run.";
}

// Settings that change how PostgreSQL reads the text of later statements: what is judged here must
// be what is run there.
bool changes_reading(std::string_view setting) {
  return setting == "standard_conforming_strings" || setting == "client_encoding" ||
         setting == "names";
}
std::string refuse_reading(std::string_view setting) {
  return "The setting " + std::string(setting) +
         " is the participant's own: it changes how later statements are read.";
}

std::optional<std::string> refuse_set(const Token& second, const Token& third) {
  if (second.value == "constraints") return std::nullopt;
  if (second.value == "transaction" || second.value == "session" || second.value == "role")
    return "SET " + shout(second.value) +
           " is refused: isolation is a field of the request, and role and session are the "
           "participant's own.";
  if (second.value != "local" || second.kind != Kind::word)
    return "SET outlives the transaction in a connection others use. Use SET LOCAL.";
  if (changes_reading(third.value)) return refuse_reading(third.value);
  if (third.value == "role" || third.value == "session" || third.value == "session_authorization")
    return "SET LOCAL " + shout(third.value) +
           " is refused: the branch must be prepared by the participant's own role, or nobody "
           "could "
           "finish it.";
  return std::nullopt;
}

// Names that reach past the transaction, and how to go about it instead.
std::optional<std::string> refuse_names(const std::vector<Token>& tokens) {
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind != Kind::word && token.kind != Kind::quoted_word) continue;
    const std::string& after = tokens[i + 1].value;
    if (token.value.starts_with("pg_advisory_lock") ||
        token.value.starts_with("pg_try_advisory_lock"))
      return token.value + " locks for the session. Use pg_advisory_xact_lock.";
    if (token.value == "assent" && after == ".")
      return "The schema assent belongs to the participant itself.";
    if (token.value != "set_config" || after != "(" || i + 3 >= tokens.size()) continue;
    std::string name = tokens[i + 2].value;
    std::transform(name.begin(), name.end(), name.begin(), lower);
    const bool literal = tokens[i + 2].kind == Kind::text && tokens[i + 3].value == ",";
    if (changes_reading(name)) return refuse_reading(name);
    if (!literal || name == "role" || name == "session_authorization")
      return "set_config is allowed with the setting's name written as a literal, and not for the "
             "role.";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> refuse_sql(std::string_view sql) {
  if (sql.find('\0') != std::string_view::npos) return "The statement contains a NUL byte.";
  if (sql.starts_with("\xEF\xBB\xBF")) return "The statement begins with a byte order mark.";

  std::vector<Token> tokens;
  Lexer lexer(sql);
  for (Token token = lexer.next(); token.kind != Kind::end; token = lexer.next()) {
    if (token.kind == Kind::broken)
      return "The statement has " + token.value +
             (token.value.find("U&") == std::string::npos ? " that does not end." : ".");
    tokens.push_back(std::move(token));
  }
  while (!tokens.empty() && tokens.back().value == ";" && tokens.back().kind == Kind::symbol)
    tokens.pop_back();
  std::size_t at = 0;
  while (at < tokens.size() && tokens[at].kind == Kind::symbol && tokens[at].value == "(") ++at;
  if (at == tokens.size()) return "The statement is empty.";

  const Token none;
  const Token& first = tokens[at];
  const Token& second = at + 1 < tokens.size() ? tokens[at + 1] : none;
  const Token& third = at + 2 < tokens.size() ? tokens[at + 2] : none;
  if (first.kind != Kind::word || !among(allowed, first.value))
    return why_not_allowed(first, second);
  // A function's body may hold semicolons; PostgreSQL itself takes one statement only, as sent
  // here.
  const bool several =
      first.value != "create" && std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
        return token.kind == Kind::symbol && token.value == ";";
      });
  if (several) return "There is more than one statement. Send each as one of its own.";
  if (first.value == "set")
    if (auto refusal = refuse_set(second, third)) return refusal;
  return refuse_names(tokens);
}

bool is_transaction_control(std::string_view tag) {
  constexpr std::array tags = {
      "BEGIN",           "START TRANSACTION", "COMMIT",    "ROLLBACK", "PREPARE TRANSACTION",
      "COMMIT PREPARED", "ROLLBACK PREPARED", "SAVEPOINT", "RELEASE"};
  return among(tags, tag);
}

std::string quote_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

std::string quote_literal(std::string_view text) {
  if (text.find_first_of("'\\") == std::string_view::npos) {
    std::string plain;
    plain.reserve(text.size() + 2);
    return plain.append("'").append(text).append("'");
  }
  const bool escapes = text.find('\\') != std::string_view::npos;
  std::string quoted = escapes ? " E'" : "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

}  // namespace assent
