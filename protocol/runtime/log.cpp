#include "protocol/runtime/log.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <unistd.h>

#include "protocol/runtime/clock.hpp"

namespace assent::log {
namespace {

constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 4> kColumns = {"DEBUG  ", "INFO   ", "WARNING", "ERROR  "};

std::atomic<Format> format_in_use{Format::text};

// One write for each line, so that lines of several threads and processes stay whole.
class StderrChannel : public Poco::Channel {
 public:
  void log(const Poco::Message& message) override {
    std::string_view rest = message.getText();
    while (!rest.empty()) {
      const auto written = ::write(STDERR_FILENO, rest.data(), rest.size());
      if (written <= 0) return;  // nobody to complain to
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
};

Poco::Message::Priority priority(Level level) {
  switch (level) {
    case Level::debug:
      return Poco::Message::PRIO_DEBUG;
    case Level::info:
      return Poco::Message::PRIO_INFORMATION;
    case Level::warning:
      return Poco::Message::PRIO_WARNING;
    case Level::error:
      return Poco::Message::PRIO_ERROR;
  }
  return Poco::Message::PRIO_ERROR;
}

Poco::Logger& logger() {
  static Poco::Logger& instance = Poco::Logger::create(
      "assent", Poco::AutoPtr<Poco::Channel>(new StderrChannel), Poco::Message::PRIO_TRACE);
  return instance;
}

void append_escaped(std::string& out, std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) {
      return false;
    }
  }
  return true;
}

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

struct AppendValue {
  std::string& out;
  Format format;
  void operator()(std::string_view text) const {
    if (format == Format::text && is_plain(text)) {
      out += text;
    } else {
      append_quoted(out, text);
    }
  }
  void operator()(std::int64_t number) const { append_number(out, number); }
  void operator()(std::uint64_t number) const { append_number(out, number); }
  void operator()(double number) const {
    if (std::isfinite(number)) {
      append_number(out, number);
    } else {
      out += "null";  // JSON has no other word for it
    }
  }
  void operator()(bool truth) const { out += truth ? "true" : "false"; }
};

void append_time(std::string& out, std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  out.append(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &parts));
  const auto ms = static_cast<int>(wall_ms % 1000);
  out += static_cast<char>('0' + ms / 100);
  out += static_cast<char>('0' + ms / 10 % 10);
  out += static_cast<char>('0' + ms % 10);
  out += 'Z';
}

}  // namespace

std::string_view to_string(Level level) {
  return kLevels[static_cast<std::size_t>(level)];
}

std::optional<Level> parse_level(std::string_view text) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == text) return static_cast<Level>(i);
  }
  return std::nullopt;
}

void set_up(Format format, Level threshold) {
  format_in_use = format;
  detail::threshold = threshold;
}

void set_level(Level threshold) {
  detail::threshold = threshold;
}

std::string render(Format format, Level level, std::int64_t wall_ms, std::string_view message,
                   Fields fields) {
  std::string line;
  line.reserve(160);
  const bool json = format == Format::json;
  if (json) line += "{\"time\":\"";
  append_time(line, wall_ms);
  if (json) {
    line += "\",\"level\":\"";
    line += to_string(level);
    line += "\",\"message\":";
    append_quoted(line, message);
  } else {
    line += ' ';
    line += kColumns[static_cast<std::size_t>(level)];
    line += ' ';
    append_escaped(line, message);
  }
  for (const auto& field : fields) {
    line += json ? "," : " ";
    if (json) {
      append_quoted(line, field.key);
    } else {
      line += field.key;
    }
    line += json ? ':' : '=';
    std::visit(AppendValue{line, format}, field.value);
  }
  if (json) line += '}';
  return line;
}

void detail::write(Level level, std::string_view message, Fields fields) {
  std::string line = render(format_in_use, level, read_clock().wall_ms, message, fields);
  line += '\n';
  static const std::string source = "assent";
  logger().log(Poco::Message(source, line, priority(level)));
}

}  // namespace assent::log
