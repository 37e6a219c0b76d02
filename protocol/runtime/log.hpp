// Structured logging to stderr: a message and its fields, as text for people or one JSON object a
// line for machines. May be called from any thread. Secrets and statement parameters are never
// logged.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace assent::log {

enum class Level : std::uint8_t { debug, info, warning, error };
enum class Format : std::uint8_t { text, json };

std::string_view to_string(Level level);
std::optional<Level> parse_level(std::string_view text);

// A field refers to its text; it lives as long as the call it is written in.
struct Field {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  template <std::convertible_to<std::string_view> T>
  Field(std::string_view name, const T& text) : key(name), value(std::string_view(text)) {}
  template <std::signed_integral T>
  Field(std::string_view name, T number) : key(name), value(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral T>
  Field(std::string_view name, T number) : key(name), value(static_cast<std::uint64_t>(number)) {}
  Field(std::string_view name, double number) : key(name), value(number) {}
  Field(std::string_view name, bool truth) : key(name), value(truth) {}

  std::string_view key;
  Value value;
};
using Fields = std::initializer_list<Field>;

// From now on; before it is called: text, from `info` up.
void set_up(Format format, Level threshold);
void set_level(Level threshold);

namespace detail {
inline std::atomic<Level> threshold{Level::info};
void write(Level level, std::string_view message, Fields fields);
}  // namespace detail

// For fields that cost something to make.
inline bool enabled(Level level) {
  return level >= detail::threshold.load(std::memory_order_relaxed);
}

inline void debug(std::string_view message, Fields fields = {}) {
  if (enabled(Level::debug)) detail::write(Level::debug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) {
  if (enabled(Level::info)) detail::write(Level::info, message, fields);
}
inline void warning(std::string_view message, Fields fields = {}) {
  if (enabled(Level::warning)) detail::write(Level::warning, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) {
  if (enabled(Level::error)) detail::write(Level::error, message, fields);
}

// One line, without its end. Line breaks and other control characters are escaped in both formats,
// so that nobody can forge a line.
std::string render(Format format, Level level, std::int64_t wall_ms, std::string_view message,
                   Fields fields);

}  // namespace assent::log
