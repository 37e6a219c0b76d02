#include "clients/cli/terminal.hpp"

#include <cstdlib>

#include <unistd.h>

namespace assent::cli {

std::string Terminal::paint(std::string_view text, Colour chosen) const {
  if (!colour || chosen == Colour::none) return std::string(text);
  const char* code = "0";
  switch (chosen) {
    case Colour::none:
      break;
    case Colour::bold:
      code = "1";
      break;
    case Colour::dim:
      code = "2";
      break;
    case Colour::red:
      code = "31";
      break;
    case Colour::green:
      code = "32";
      break;
    case Colour::yellow:
      code = "33";
      break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

bool wants_colour(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  const bool dumb = !kind || std::string_view(kind) == "dumb";
  return ::isatty(descriptor) == 1 && !dumb && (!refused || *refused == '\0');
}

std::string printable(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto escape = [&](std::string& into, unsigned char byte) {
    into += "\\x";
    into += kDigits[byte >> 4];
    into += kDigits[byte & 15];
  };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, controls too, are C2 80 to C2 9F in UTF-8.
    const bool upper_control =
        byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte == '\n') {
      result += "\\n";
    } else if (byte == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      escape(result, byte);
    } else if (upper_control) {
      escape(result, static_cast<unsigned char>(text[++i]));
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string shell_quoted(const std::string& text) {
  constexpr const char* kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:=,@%+";
  if (!text.empty() && text.find_first_not_of(kPlain) == text.npos) return text;
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'')
      result += "'\\''";
    else
      result += c;
  }
  return result + "'";
}

}  // namespace assent::cli
