#include "tests/simulation/explore_text.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>
#include <string_view>

namespace assent::explore {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

// After the part in braces, or the word or quoted text, that begins at `at`.
std::size_t after_value(std::string_view text, std::size_t at) {
  int depth = 0;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\')
        ++at;
      else if (c == '"')
        quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth < 0) return at;
    if ((c == ' ' || c == '\n') && depth == 0) return at;
  }
  return at;
}

class Rewriter {
 public:
  Rewriter(std::string_view text, Instant clock, const Names& names)
      : text_(text), clock_ms_(ms(clock)), names_(names) {
    is_listing_ = text.find("\n  listing\n") != text.npos;
    for (std::size_t at = text.find('@'); at != text.npos; at = text.find('@', at + 1)) {
      const auto instant = number_at(at + 1);
      if (instant <= clock_ms_) past_.insert(instant);
    }
  }

  std::string run() {
    while (at_ < text_.size()) {
      if (text_[at_] == '@') {
        instant();
      } else if (starts_word("attempts=") || starts_word("failure=") || starts_word("trouble=")) {
        at_ = after_value(text_, at_);
      } else if (starts_word("members ")) {
        member();
      } else if (starts_word("p") && name()) {
      } else {
        out_ += text_[at_++];
      }
    }
    return std::move(out_);
  }

 private:
  static std::int64_t ms(Instant instant) { return instant.time_since_epoch().count() / 1000; }
  std::int64_t number_at(std::size_t at) const {
    return std::strtoll(std::string(text_.substr(at, 20)).c_str(), nullptr, 10);
  }
  bool starts_word(std::string_view word) const {
    return text_.substr(at_, word.size()) == word && (at_ == 0 || !is_word(text_[at_ - 1]));
  }

  void instant() {
    constexpr std::int64_t kFar = 60'000;
    const auto at = number_at(at_ + 1);
    if (at <= clock_ms_ && is_listing_)
      out_ += "@past" + std::to_string(std::distance(past_.begin(), past_.find(at)));
    else if (at <= clock_ms_)
      out_ += "@past";
    else if (at - clock_ms_ > kFar)
      out_ += "@far";
    else
      out_ += "@+" + std::to_string(at - clock_ms_);
    ++at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
  }

  void member() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::size_t held = text_.substr(at_, end - at_).find(" held=");
    if (held == text_.npos) {
      out_ += text_[at_++];
      return;
    }
    const std::string without(text_.substr(at_, held));
    out_ += Rewriter(without, Instant(std::chrono::milliseconds(clock_ms_)), names_).run();
    at_ = after_value(text_, at_ + held + 1);
  }

  bool name() {
    const bool is_name = at_ + 1 < text_.size() && text_[at_ + 1] >= '1' && text_[at_ + 1] <= '9' &&
                         (at_ + 2 == text_.size() || !is_word(text_[at_ + 2]));
    if (!is_name) return false;
    const auto index = static_cast<std::size_t>(text_[at_ + 1] - '1');
    out_ += index < names_.size() ? names_[index] : std::string(text_.substr(at_, 2));
    at_ += 2;
    return true;
  }

  std::string_view text_;
  std::int64_t clock_ms_;
  const Names& names_;
  std::set<std::int64_t> past_;
  bool is_listing_ = false;
  std::size_t at_ = 0;
  std::string out_;
};

// Puts the entries of every list in order.
std::string ordered(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '[') {
      out += text[at++];
      continue;
    }
    const std::size_t end = after_value(text, at + 1) == text.size() ? text.size() : [&] {
      std::size_t each = at + 1;
      while (each < text.size() && text[each] != ']') {
        each = after_value(text, each);
        if (each < text.size() && text[each] == ' ') ++each;
      }
      return each;
    }();
    std::vector<std::string> entries;
    for (std::size_t each = at + 1; each < end;) {
      const std::size_t next = after_value(text, each);
      entries.push_back(ordered(text.substr(each, next - each)));
      each = next + 1;
    }
    std::sort(entries.begin(), entries.end());
    out += '[';
    for (const std::string& entry : entries) out += entry + ' ';
    out += ']';
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string key_of(const std::string& text, Instant clock, const Names& names) {
  std::string key = Rewriter(text, clock, names).run();
  if (names.empty()) return key;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at <= key.size();) {
    const std::size_t end = std::min(key.find('\n', at), key.size());
    lines.push_back(ordered(std::string_view(key).substr(at, end - at)));
    at = end + 1;
  }
  std::sort(lines.begin(), lines.end());
  std::string result;
  for (const std::string& line : lines) result += line + '\n';
  return result;
}

}  // namespace assent::explore
