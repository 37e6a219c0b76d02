#include "coordinator/api/json_document.hpp"

#include <algorithm>
#include <cstring>

#include <boost/json/basic_parser_impl.hpp>

#include "coordinator/api/json_writer.hpp"

namespace assent {

namespace json = boost::json;

// Builds a document from the parser's calls. Decoded text is never longer than the text it was
// written as, so one allocation of the input's size holds it all and nothing ever moves.
class JsonBuilder {
 public:
  static constexpr std::size_t max_object_size = kJsonValues;
  static constexpr std::size_t max_array_size = kJsonValues;
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  explicit JsonBuilder(std::size_t bytes) {
    document_.characters_ = std::make_unique_for_overwrite<char[]>(bytes + 1);
    begin_ = end_ = document_.characters_.get();
    document_.values_.reserve(std::min<std::size_t>(bytes / 8 + 1, 1024));
  }

  JsonDocument take() { return std::move(document_); }
  const std::string& refusal() const { return refusal_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code& ec) { return open(JsonValue::Kind::object, ec); }
  bool on_array_begin(json::error_code& ec) { return open(JsonValue::Kind::array, ec); }
  bool on_array_end(std::size_t, json::error_code&) {
    close();
    return true;
  }
  bool on_object_end(std::size_t, json::error_code& ec) {
    if (!keys_differ(ec)) return false;
    close();
    return true;
  }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    collect(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& ec) {
    collect(part);
    key_ = collected();
    if (key_.find('\0') != key_.npos) return refuse("a key holds a NUL character", ec);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    collect(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& ec) {
    collect(part);
    const std::string_view text = collected();
    if (!add(JsonValue::Kind::string, text, ec)) return false;
    if (text.find('\0') != text.npos) return refuse_value("holds a NUL character", ec);
    return true;
  }
  bool on_number_part(json::string_view part, json::error_code&) {
    collect(part);
    return true;
  }
  bool on_int64(std::int64_t, json::string_view part, json::error_code& ec) {
    return on_number(part, ec);
  }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code& ec) {
    return on_number(part, ec);
  }
  bool on_double(double, json::string_view part, json::error_code& ec) {
    return on_number(part, ec);
  }
  bool on_bool(bool value, json::error_code& ec) {
    return add(JsonValue::Kind::boolean, value ? "true" : "false", ec);
  }
  bool on_null(json::error_code& ec) { return add(JsonValue::Kind::null, {}, ec); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  void collect(json::string_view part) {
    std::memcpy(end_, part.data(), part.size());
    end_ += part.size();
  }
  std::string_view collected() {
    const std::string_view text(begin_, static_cast<std::size_t>(end_ - begin_));
    begin_ = end_;
    return text;
  }

  bool on_number(json::string_view part, json::error_code& ec) {
    collect(part);
    const std::string_view literal = collected();
    if (!add(JsonValue::Kind::number, literal, ec)) return false;
    if (literal.size() > kJsonNumberLength)
      return refuse_value("is a number of more than " + std::to_string(kJsonNumberLength) +
                              " characters; send it as a string",
                          ec);
    return true;
  }

  bool add(JsonValue::Kind kind, std::string_view text, json::error_code& ec) {
    auto& values = document_.values_;
    if (values.size() == kJsonValues)
      return refuse("the body holds more than " + std::to_string(kJsonValues) + " values", ec);
    if (!open_.empty()) ++values[open_.back()].size;
    JsonValue& value = values.emplace_back();
    value.kind = kind;
    value.key = key_;
    value.text = text;
    key_ = {};
    return true;
  }
  bool open(JsonValue::Kind kind, json::error_code& ec) {
    if (!add(kind, {}, ec)) return false;
    open_.push_back(document_.values_.size() - 1);
    return true;
  }
  void close() {
    JsonValue& value = document_.values_[open_.back()];
    value.span = static_cast<std::uint32_t>(document_.values_.size() - open_.back());
    open_.pop_back();
  }

  // PostgreSQL and other readers would take one of two equal keys, and not the same one.
  bool keys_differ(json::error_code& ec) {
    const JsonValue& object = document_.values_[open_.back()];
    if (object.size < 2) return true;
    keys_.clear();
    const JsonValue* child = &object + 1;
    for (std::uint32_t i = 0; i < object.size; ++i, child += child->span)
      keys_.push_back(child->key);
    std::sort(keys_.begin(), keys_.end());
    const auto twice = std::adjacent_find(keys_.begin(), keys_.end());
    if (twice == keys_.end()) return true;
    std::string path = path_of_open();
    return refuse(
        (path.empty() ? "" : path + ": ") + "the key \"" + shortened(*twice) + "\" appears twice",
        ec);
  }

  // Where the innermost open value lies, as in branches[1].statements[0].
  std::string path_of_open() const {
    std::string path;
    for (std::size_t i = 1; i < open_.size(); ++i) append_step(path, open_[i - 1], open_[i]);
    return path;
  }
  void append_step(std::string& path, std::size_t parent, std::size_t child) const {
    const auto& values = document_.values_;
    if (values[parent].kind == JsonValue::Kind::array)
      path += '[' + std::to_string(values[parent].size - 1) + ']';
    else
      path += (path.empty() ? "" : ".") + shortened(values[child].key);
  }
  bool refuse_value(std::string what, json::error_code& ec) {
    std::string path = path_of_open();
    if (!open_.empty()) append_step(path, open_.back(), document_.values_.size() - 1);
    return refuse((path.empty() ? "the body" : path) + " " + what, ec);
  }
  bool refuse(std::string what, json::error_code& ec) {
    refusal_ = std::move(what);
    ec = json::error::exception;  // any error stops the parser; refusal_ is what is told
    return false;
  }

  JsonDocument document_;
  char* begin_;  // of the text being collected
  char* end_;
  std::string_view key_;           // of the next value
  std::vector<std::size_t> open_;  // arrays and objects around the next value
  std::vector<std::string_view> keys_;
  std::string refusal_;
};

std::variant<JsonDocument, JsonError> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kJsonDepth;
  json::basic_parser<JsonBuilder> parser(options, text.size());
  json::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!parser.handler().refusal().empty()) return JsonError{parser.handler().refusal()};
  if (ec == json::error::too_deep)
    return JsonError{"the body is nested deeper than " + std::to_string(kJsonDepth) + " levels"};
  if (!ec && used < text.size()) ec = json::error::extra_data;
  if (ec)
    return JsonError{"the body is not valid JSON: " + ec.message() + " at byte " +
                     std::to_string(used)};
  return parser.handler().take();
}

void append_json(std::string& out, const JsonValue& value) {
  using enum JsonValue::Kind;
  if (value.kind == null) {
    out += "null";
  } else if (value.kind == boolean || value.kind == number) {
    out += value.text;
  } else if (value.kind == string) {
    append_json_string(out, value.text);
  } else {
    out += value.kind == array ? '[' : '{';
    const char* separator = "";
    for (const JsonValue& child : value.children()) {
      out += separator;
      separator = ",";
      if (value.kind == object) {
        append_json_string(out, child.key);
        out += ':';
      }
      append_json(out, child);
    }
    out += value.kind == array ? ']' : '}';
  }
}

}  // namespace assent
