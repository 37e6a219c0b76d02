// Writing JSON text by appending to a string.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace assent {

// In quotes, escaped. Bytes that are not UTF-8 become U+FFFD, so that what comes out is always
// JSON.
void append_json_string(std::string& out, std::string_view text);

// For messages: at most 100 bytes of what a client sent.
std::string shortened(std::string_view text);

// Whether the text is a number as JSON writes it.
bool is_json_number(std::string_view text);

// Two lower-case digits a byte.
std::string hex(std::span<const std::uint8_t> bytes);

// 2026-07-01T12:00:00.000Z
std::string utc_text(std::int64_t unix_ms);

// The inside of one object: fields with their names, in the order written.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;
  ~JsonObject() { out_ += '}'; }

  void text(std::string_view name, std::string_view value);
  void text_unless_empty(std::string_view name, std::string_view value);
  void number(std::string_view name, std::uint64_t value);
  void boolean(std::string_view name, bool value);
  // Left out where the time is 0.
  void time(std::string_view name, std::int64_t unix_ms);
  // The name alone: the caller appends the value.
  std::string& field(std::string_view name);

 private:
  std::string& out_;
  bool first_ = true;
};

// The inside of one array: element() before each.
class JsonArray {
 public:
  explicit JsonArray(std::string& out) : out_(out) { out_ += '['; }
  JsonArray(const JsonArray&) = delete;
  JsonArray& operator=(const JsonArray&) = delete;
  ~JsonArray() { out_ += ']'; }

  std::string& element();

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace assent
