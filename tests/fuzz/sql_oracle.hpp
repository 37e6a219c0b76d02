// PostgreSQL's lexical rules once more, independent of the guard's: text taken apart without loss.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assent::fuzz {

struct SqlPiece {
  enum class Kind : std::uint8_t { blank, word, name, text, number, symbol, broken };
  Kind kind;
  std::string_view raw;
  std::string value;  // what it means: a word in lower case, a name or text without its quotes
};

// The pieces joined are the text. `broken`, always the last one, is what PostgreSQL refuses: a
// quote or comment that does not end.
std::vector<SqlPiece> take_apart(std::string_view sql);

}  // namespace assent::fuzz
