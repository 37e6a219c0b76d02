#include "protocol/runtime/config_pages.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace assent {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

std::string toml_array(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + quoted(item);
  return "[" + out + "]";
}

std::string toml_value(KeyType type, const std::string& text) {
  if (type == KeyType::integer || type == KeyType::boolean) return text;
  if (type == KeyType::list) return toml_array(list_items(text));
  const auto lists = type == KeyType::table ? named_lists(text) : std::nullopt;
  if (!lists) return quoted(text);
  std::string out;
  for (const auto& [name, items] : *lists)
    out += (out.empty() ? "" : ", ") + quoted(name) + " = " + toml_array(items);
  return "{" + out + "}";
}

// A connection string may hold one as keyword or, in a URI, behind the user's name; where letters
// are written as %70 nobody can tell. Then all of it is hidden.
bool may_hold_password(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (text.find("password") != std::string::npos) return true;
  const auto scheme = text.find("://");
  if (scheme == std::string::npos) return false;
  return text.find('@', scheme) != std::string::npos || text.find('%') != std::string::npos;
}

// What the value amounts to, in the unit that the program counts in.
std::string amount(const ConfigKey& key, const Config& config) {
  switch (key.type) {
    case KeyType::duration:
      return std::to_string(config.duration(key.name).count()) + " ms; ";
    case KeyType::size:
      return std::to_string(config.size(key.name)) + " bytes; ";
    case KeyType::integer:
      return key.unit.empty() ? "" : key.unit + "; ";
    default:
      return "";
  }
}

std::string sentence(std::string text) {
  if (!text.starts_with("libpq") && !text.empty())
    text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  if (!text.ends_with('.') && !text.ends_with('?') && !text.ends_with(':')) text += '.';
  return text;
}

std::string comment(const std::string& text) {
  constexpr std::size_t kWidth = 98;
  std::string out;
  std::string line = "#";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (line.size() + 1 + (end - at) > kWidth) {
      out += line + "\n";
      line = "#";
    }
    line += " " + text.substr(at, end - at);
    at = end + 1;
  }
  return out + line + "\n";
}

std::string table_of(const ConfigKey& key) {
  const auto dot = key.name.rfind('.');
  return dot == std::string::npos ? "" : key.name.substr(0, dot);
}

}  // namespace

std::string config_page(const DaemonSpec& spec, const Config& config) {
  std::string page;
  for (const auto& key : spec.keys) {
    const std::string& written = config.written(key.name);
    if (key.secret || may_hold_password(written))
      page += "# " + key.name + " is hidden, as it is or may hold a secret; " +
              config.source(key.name) + "\n";
    else
      page += key.name + " = " + toml_value(key.type, written) + "  # " + amount(key, config) +
              config.source(key.name) + "\n";
  }
  return page;
}

std::string sample_page(const DaemonSpec& spec) {
  std::string page =
      "# " + spec.name + ": see " + spec.name +
      ".toml(5). A key that is commented out has the value shown.\n# Afterwards: " + spec.name +
      " config check --config THIS, and restart the service.\n";
  // Keys of no table come first, as TOML wants them.
  std::vector<const ConfigKey*> keys;
  for (const auto& key : spec.keys) keys.push_back(&key);
  std::stable_sort(keys.begin(), keys.end(), [](const ConfigKey* a, const ConfigKey* b) {
    return table_of(*a) < table_of(*b);
  });
  std::string table;
  for (const ConfigKey* key : keys) {
    if (const std::string its = table_of(*key); its != table) page += "\n[" + (table = its) + "]\n";
    page += "\n" + comment(sentence(key->help) + " " + sentence(value_range(*key)) +
                           (key->required ? " Required." : ""));
    const std::string& value = key->standard.empty() ? key->example : key->standard;
    page += "#" + key->name.substr(table.empty() ? 0 : table.size() + 1) + " = " +
            toml_value(key->type, value) + "\n";
  }
  return page;
}

}  // namespace assent
