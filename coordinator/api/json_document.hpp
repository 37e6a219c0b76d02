// A JSON text as it was written: numbers keep their literal, so that 12.50 or thirty digits reach
// PostgreSQL unharmed. Boost.JSON's own values would lose them.
//
// Refused, with the path of what is wrong: malformed JSON, more than kJsonDepth levels, invalid
// UTF-8, NUL characters, duplicate keys, numbers longer than kJsonNumberLength, more than
// kJsonValues values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace assent {

inline constexpr std::size_t kJsonDepth = 32;
inline constexpr std::size_t kJsonNumberLength = 1000;
inline constexpr std::size_t kJsonValues = 200'000;

// One value. The values of a document lie in one row, each followed by all it contains.
struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

  Kind kind = Kind::null;
  std::uint32_t size = 0;  // of an array or object: how many children
  std::uint32_t span = 1;  // this value and all it contains, counted
  std::string_view key;    // within an object
  std::string_view text;   // string: unescaped; number: its literal; boolean: true or false

  class Iterator {
   public:
    explicit Iterator(const JsonValue* at) : at_(at) {}
    const JsonValue& operator*() const { return *at_; }
    Iterator& operator++() {
      at_ += at_->span;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const JsonValue* at_;
  };
  struct Children {
    const JsonValue* first;
    const JsonValue* past;
    Iterator begin() const { return Iterator(first); }
    Iterator end() const { return Iterator(past); }
  };
  // Of an array or object, in the order written.
  Children children() const { return {this + 1, this + span}; }
};

class JsonDocument {
 public:
  const JsonValue& root() const { return values_.front(); }

 private:
  friend class JsonBuilder;
  std::unique_ptr<char[]> characters_;  // what keys and texts point into
  std::vector<JsonValue> values_;
};

// What is wrong with a text, in one sentence.
struct JsonError {
  std::string message;
};

std::variant<JsonDocument, JsonError> parse_json(std::string_view text);

// The value as JSON text, without white space.
void append_json(std::string& out, const JsonValue& value);

}  // namespace assent
