// Text as it must stand in XML and HTML.
#pragma once

#include <string>

namespace assent::lab {

inline std::string xml_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '&') {
      result += "&amp;";
    } else if (c == '"') {
      result += "&quot;";
    } else if (static_cast<unsigned char>(c) >= ' ' || c == '\n') {
      result += c;
    }
  }
  return result;
}

}  // namespace assent::lab
