#include "tests/fuzz/sql_oracle.hpp"

#include <optional>

namespace assent::fuzz {
namespace {

using Kind = SqlPiece::Kind;
using End = std::optional<std::size_t>;  // of what begins at `at`; nullopt: it does not end

constexpr std::string_view kBlanks = " \t\n\r\f\v";
constexpr std::string_view kDigits = "0123456789";

bool in(std::string_view set, char c) {
  return set.find(c) != std::string_view::npos;
}
bool begins_name(char c) {
  const auto folded = static_cast<unsigned char>(c | 0x20);
  return (folded >= 'a' && folded <= 'z' && (c & 0x80) == 0) || c == '_' || (c & 0x80) != 0;
}
bool goes_on(char c) {
  return begins_name(c) || in(kDigits, c) || c == '$';
}
char at_or_zero(std::string_view sql, std::size_t at) {
  return at < sql.size() ? sql[at] : '\0';
}

std::size_t after_line(std::string_view sql, std::size_t at) {
  return std::min(sql.find_first_of("\n\r", at), sql.size());
}

End after_comment(std::string_view sql, std::size_t at) {
  std::size_t depth = 0;
  do {
    const std::size_t mark = sql.find_first_of("/*", at);
    if (mark == std::string_view::npos || mark + 1 >= sql.size()) return std::nullopt;
    const std::string_view two = sql.substr(mark, 2);
    depth += two == "/*" ? 1 : 0;
    depth -= two == "*/" ? 1 : 0;
    at = mark + (two == "/*" || two == "*/" ? 2 : 1);
  } while (depth > 0);
  return at;
}

// A text goes on where only blanks and line comments, with a line's end among them, stand between
// two quotes. Returns where the second quote stands.
End continuation(std::string_view sql, std::size_t at) {
  bool line_ended = false;
  while (at < sql.size()) {
    if (in(kBlanks, sql[at])) {
      line_ended = line_ended || sql[at] == '\n' || sql[at] == '\r';
      ++at;
    } else if (sql.substr(at, 2) == "--") {
      at = after_line(sql, at);
    } else {
      break;
    }
  }
  return line_ended && at_or_zero(sql, at) == '\'' ? End(at) : std::nullopt;
}

// `at` is behind the opening quote. Appends what the text means to `value`.
End after_text(std::string_view sql, std::size_t at, bool escapes, std::string& value) {
  while (at < sql.size()) {
    if (escapes && sql[at] == '\\') {
      if (at + 1 < sql.size()) value += sql[at + 1];
      at += 2;
    } else if (sql[at] != '\'') {
      value += sql[at++];
    } else if (at_or_zero(sql, at + 1) == '\'') {
      value += '\'';
      at += 2;
    } else if (const End next = continuation(sql, at + 1)) {
      at = *next + 1;
    } else {
      return at + 1;
    }
  }
  return std::nullopt;
}

End after_name(std::string_view sql, std::size_t at, std::string& value) {
  for (; at < sql.size(); ++at) {
    if (sql[at] == '"' && at_or_zero(sql, at + 1) != '"') return at + 1;
    if (sql[at] == '"') ++at;
    value += sql[at];
  }
  return std::nullopt;
}

// `tag` with its dollars, where a dollar-quoted text begins.
std::string_view dollar_tag(std::string_view sql, std::size_t at) {
  std::size_t end = at + 1;
  if (end < sql.size() && in(kDigits, sql[end])) return {};
  while (end < sql.size() && sql[end] != '$' && goes_on(sql[end])) ++end;
  return at_or_zero(sql, end) == '$' ? sql.substr(at, end + 1 - at) : std::string_view();
}

class Taker {
 public:
  explicit Taker(std::string_view sql) : sql_(sql) {}

  std::vector<SqlPiece> all() {
    while (at_ < sql_.size()) one();
    return std::move(pieces_);
  }

 private:
  void add(Kind kind, End end, std::string value = {}) {
    const std::size_t to = end.value_or(sql_.size());
    pieces_.push_back({end ? kind : Kind::broken, sql_.substr(at_, to - at_), std::move(value)});
    at_ = to;
  }

  void one() {
    const char c = sql_[at_];
    const std::string_view two = sql_.substr(at_, 2);
    std::string value;
    if (in(kBlanks, c)) return add(Kind::blank, at_ + 1);
    if (two == "--") return add(Kind::blank, after_line(sql_, at_));
    if (two == "/*") return add(Kind::blank, after_comment(sql_, at_));
    if (c == '\'' || two == "e'" || two == "E'") {
      const End end = after_text(sql_, at_ + (c == '\'' ? 1 : 2), c != '\'', value);
      return add(Kind::text, end, value);
    }
    if (c == '"') {
      const End end = after_name(sql_, at_ + 1, value);
      return add(Kind::name, end, value);
    }
    if (const auto tag = c == '$' ? dollar_tag(sql_, at_) : std::string_view(); !tag.empty()) {
      const std::size_t close = sql_.find(tag, at_ + tag.size());
      if (close == std::string_view::npos) return add(Kind::text, std::nullopt);
      const std::size_t begin = at_ + tag.size();
      return add(Kind::text, close + tag.size(), std::string(sql_.substr(begin, close - begin)));
    }
    if (begins_name(c)) return word();
    if (in(kDigits, c)) return number();
    add(Kind::symbol, at_ + 1, std::string(1, c));
  }

  void word() {
    std::size_t end = at_;
    std::string value;
    for (; end < sql_.size() && goes_on(sql_[end]); ++end) {
      const char c = sql_[end];
      value += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
    add(Kind::word, end, value);
  }

  // With whatever letters follow at once: PostgreSQL refuses those as junk.
  void number() {
    std::size_t end = at_;
    while (end < sql_.size() && (goes_on(sql_[end]) || sql_[end] == '.') && sql_[end] != '$') ++end;
    add(Kind::number, end);
  }

  std::string_view sql_;
  std::size_t at_ = 0;
  std::vector<SqlPiece> pieces_;
};

}  // namespace

std::vector<SqlPiece> take_apart(std::string_view sql) {
  return Taker(sql).all();
}

}  // namespace assent::fuzz
