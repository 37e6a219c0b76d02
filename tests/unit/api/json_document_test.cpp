#include "coordinator/api/json_document.hpp"

#include <string>

#include "coordinator/api/json_writer.hpp"
#include "tests/support/catch.hpp"

namespace assent {
namespace {

std::string again(std::string_view text) {
  auto parsed = parse_json(text);
  if (const auto* error = std::get_if<JsonError>(&parsed)) return "refused: " + error->message;
  std::string out;
  append_json(out, std::get<JsonDocument>(parsed).root());
  return out;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("a JSON text keeps its numbers, order and nesting") {
  const std::string texts[] = {
      "12.50",
      "1e400",
      "-0",
      "123456789012345678901234567890",
      "0.000000000000000000000000000000000001",
      "18446744073709551616",
      "-1E-7",
      "[]",
      "{}",
      "null",
      "true",
      R"("")",
      R"({"b":1.0,"a":[1,[],{},{"c":null}],"":false})",
      R"(["é","𝄞","\"\\\n\t"])",
  };
  for (const std::string& text : texts) {
    CHECK(again(text) == text);
    CHECK(again(" " + text + "\n") == text);
  }
  CHECK(again(R"("\u00e9\ud834\udd1e\/\b")") == "\"é𝄞/\\u0008\"");
}

TEST_CASE("a JSON text's children are found past nested ones") {
  auto parsed = parse_json(R"({"a":[1,[2,3]],"b":{"c":[]},"d":4})");
  const JsonValue& root = std::get<JsonDocument>(parsed).root();
  std::string keys;
  for (const JsonValue& child : root.children()) keys += child.key;
  CHECK(keys == "abd");
  CHECK(root.size == 3);
}

TEST_CASE("what is not acceptable JSON is refused with its place") {
  struct Case {
    std::string text, message;
  };
  const Case cases[] = {
      {"", "the body is not valid JSON: incomplete JSON at byte 0"},
      {"{", "the body is not valid JSON: incomplete JSON at byte 1"},
      {"[1,]", "the body is not valid JSON: syntax error at byte 3"},
      {"[1] 2", "the body is not valid JSON: extra data at byte 4"},
      {"nan", "the body is not valid JSON: syntax error at byte 1"},
      {"[01]", "the body is not valid JSON: syntax error at byte 2"},
      {"[1,]//x", "the body is not valid JSON: syntax error at byte 3"},
      {"\"\xff\"", "the body is not valid JSON: syntax error at byte 1"},
      {"\"\xed\xa0\x80\"", "the body is not valid JSON: syntax error at byte 1"},
      {"\"a\nb\"", "the body is not valid JSON: syntax error at byte 2"},
      {R"("\ud834")", "the body is not valid JSON: syntax error at byte 7"},
      {R"({"a":1,"a":2})", "the key \"a\" appears twice"},
      {R"({"a":1,"b":2,"\u0061":2})", "the key \"a\" appears twice"},
      {R"({"x":[0,{"y":{"k":1,"k":2}}]})", "x[1].y: the key \"k\" appears twice"},
      {R"({"x":[0,"a\u0000b"]})", "x[1] holds a NUL character"},
      {R"("\u0000")", "the body holds a NUL character"},
      {R"({"a\u0000":1})", "a key holds a NUL character"},
      {"[0," + repeated("9", 1001) + "]",
       "[1] is a number of more than 1000 characters; send it as a string"},
      {repeated("[", 33) + repeated("]", 33), "the body is nested deeper than 32 levels"},
      {repeated("[", 100'000), "the body is nested deeper than 32 levels"},
      {repeated("{\"a\":", 100'000), "the body is nested deeper than 32 levels"},
      {"[[" + repeated("0,", 150'000) + "0],[" + repeated("0,", 150'000) + "0]]",
       "the body holds more than 200000 values"},
  };
  for (const Case& each : cases) {
    INFO(each.text.substr(0, 60));
    CHECK(again(each.text) == "refused: " + each.message);
  }
  CHECK(again(repeated("[", 32) + repeated("]", 32)) == repeated("[", 32) + repeated("]", 32));
  CHECK(again(repeated("9", 1000)) == repeated("9", 1000));
}

TEST_CASE("a JSON text cut anywhere is refused") {
  const std::string text = R"({"a":[1.5e3,"x\u00e9é",true,null],"b":{"c":-12}})";
  REQUIRE(again(text).front() == '{');
  for (std::size_t length = 0; length < text.size(); ++length)
    CHECK(again(text.substr(0, length)).substr(0, 8) == "refused:");
}

TEST_CASE("whatever is written as a string is JSON") {
  const auto written = [](std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
  };
  CHECK(written("a\"b\\c\n\r\t\x01\x7f") == "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f\"");
  CHECK(written(std::string_view("\0", 1)) == "\"\\u0000\"");
  CHECK(written("é€𝄞") == "\"é€𝄞\"");
  CHECK(written("a\xff\xc3") == "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(written("\xed\xa0\x80") == "\"" + repeated("\xEF\xBF\xBD", 3) + "\"");  // a surrogate
  CHECK(written("\xc0\xaf") == "\"" + repeated("\xEF\xBF\xBD", 2) + "\"");      // overlong
  CHECK(written("\xe0\x80\xaf") == "\"" + repeated("\xEF\xBF\xBD", 3) + "\"");
  CHECK(written("\xf0\x80\x80\xaf") == "\"" + repeated("\xEF\xBF\xBD", 4) + "\"");
  CHECK(written("\xf4\x90\x80\x80") == "\"" + repeated("\xEF\xBF\xBD", 4) + "\"");
}

TEST_CASE("numbers as JSON writes them, and others") {
  for (const char* yes : {"0", "-0", "12", "1.5", "1e+20", "1E-05", "-1.25e3"})
    CHECK(is_json_number(yes));
  for (const char* no : {"", "-", "01", "1.", ".5", "1e", "1e+", "NaN", "Infinity", "1 ", "+1"})
    CHECK_FALSE(is_json_number(no));
}

TEST_CASE("times are UTC with milliseconds") {
  CHECK(utc_text(0) == "1970-01-01T00:00:00.000Z");
  CHECK(utc_text(1'782'907'200'007) == "2026-07-01T12:00:00.007Z");
  CHECK(utc_text(-1) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("what is quoted in messages is short and whole characters") {
  CHECK(shortened("abc") == "abc");
  CHECK(shortened(repeated("a", 200)) == repeated("a", 100) + "…");
  CHECK(shortened(repeated("a", 99) + "é" + repeated("a", 99)) == repeated("a", 99) + "…");
}

}  // namespace assent
