#include "protocol/runtime/config_file.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string_view>

// toml++ 3.3 asserts what is not true of every malformed file: that must end in a refusal, not the
// process.
namespace assent {
[[noreturn]] static void not_toml() {
  throw std::domain_error("this is not TOML");
}
}  // namespace assent
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : ::assent::not_toml())
#include <toml++/toml.h>

#include "protocol/runtime/suggestion.hpp"

namespace assent {
namespace {

// Read by others than the configuration.
// Ours, but no keys; the others belong to `assent`, whose shell may well start a daemon.
constexpr std::string_view kOtherVariables[] = {
    "ASSENT_CONFIG",    "ASSENT_CRASH_POINTS", "ASSENT_URL",          "ASSENT_PG_BIN",
    "ASSENT_SQL",       "ASSENT_DEV",          "ASSENT_TOKEN_FILE",   "ASSENT_CA_FILE",
    "ASSENT_CERT_FILE", "ASSENT_KEY_FILE",     "ASSENT_PARTICIPANTS", "ASSENT_LAB_SCENARIOS"};

std::string place(const std::string& path, const toml::node& node) {
  return path + ", line " + std::to_string(node.source().begin.line);
}

std::string scalar_text(const toml::node& node, const std::string& where) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (const auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
  throw ConfigError(where + ": a value is a text, a whole number, true, false or a list of texts");
}

// `separators` may stand in no item; the first of them separates them.
std::string list_text(const toml::array& array, const std::string& where,
                      std::string_view separators = ",") {
  std::string out;
  for (const auto& item : array) {
    const std::string text = scalar_text(item, where);
    if (const auto at = text.find_first_of(separators); at != std::string::npos) {
      const std::string which = text[at] == ',' ? "comma" : std::string("\"") + text[at] + "\"";
      throw ConfigError(where + ": \"" + text + "\" holds a " + which + ", which separates items");
    }
    out += (out.empty() ? "" : ",") + text;
  }
  return out;
}

std::string table_text(const toml::table& table, const std::string& path) {
  std::string out;
  for (const auto& [name, node] : table) {
    const std::string where = place(path, node);
    const auto* array = node.as_array();
    if (!array) throw ConfigError(where + ": " + std::string(name.str()) + " is a list of texts");
    if (name.str().find_first_of(",;= ") != std::string::npos || name.str().empty())
      throw ConfigError(where + ": \"" + std::string(name.str()) + "\" cannot be a name here");
    out +=
        (out.empty() ? "" : ";") + std::string(name.str()) + "=" + list_text(*array, where, ",;");
  }
  return out;
}

// The line of the first byte beyond ASCII that is neither in a comment nor in a text of one line.
// toml++ 3.3 has no defined answer to whether such a letter is a blank.
std::optional<int> line_of_stray_letter(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  int line = 1;
  char quote = '\0';
  bool several_lines = false;
  bool comment = false;
  char before = '\n';  // the last that is no blank, outside of quotes
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto thrice = [&] { return text.substr(i, 3) == std::string(3, c); };
    if (c == '\n') {
      ++line;
      comment = false;
      before = c;
      if (!several_lines) quote = '\0';
    } else if ((c & 0x80) != 0 && !comment && (quote == '\0' || several_lines)) {
      return line;
    } else if (quote == '\0' && !comment) {
      comment = c == '#';
      const bool may_begin = std::string_view("\n=[,{.").find(before) != std::string_view::npos;
      if (c != ' ' && c != '\t') before = c;
      if ((c != '"' && c != '\'') || !may_begin) continue;
      quote = c;
      several_lines = thrice();
      if (several_lines) i += 2;
    } else if (quote == '"' && c == '\\') {
      if (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else if (c == quote && (!several_lines || thrice())) {
      // Up to two more quotes belong to a text of several lines.
      if (several_lines) i = std::min(text.find_first_not_of(quote, i), i + 5) - 1;
      quote = '\0';
      before = c;
      several_lines = false;
    }
  }
  return std::nullopt;
}

std::string content(const std::string& path) {
  std::string text;
  try {
    std::ifstream file;
    file.exceptions(std::ios::failbit);
    file.open(path, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(file), {});
  } catch (const std::ios_base::failure&) {  // a folder can be opened, but not read
    throw ConfigError(path + ": the file cannot be read");
  }
  if (const auto line = line_of_stray_letter(text))
    throw ConfigError(path + ", line " + std::to_string(*line) +
                      ": a letter beyond ASCII stands outside of quotes and comments (or in a text "
                      "of several lines; write it on one)");
  return text;
}

void refuse(const std::string& why, Complaints* complaints) {
  if (complaints == nullptr) throw ConfigError(why);
  complaints->push_back(why);
}

class FileReader {
 public:
  FileReader(std::string path, const std::vector<ConfigKey>& keys, Complaints* complaints)
      : path_(std::move(path)), complaints_(complaints) {
    for (const auto& key : keys) {
      names_.push_back(key.name);
      if (key.type == KeyType::table) tables_.push_back(key.name);
    }
  }

  void read(const toml::table& table, const std::string& prefix) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      const auto* inner = node.as_table();
      if (inner && std::find(tables_.begin(), tables_.end(), key) == tables_.end()) {
        read(*inner, key + ".");
        continue;
      }
      const std::string where = place(path_, node);
      if (std::find(names_.begin(), names_.end(), key) == names_.end()) {
        refuse(where + ": there is no key \"" + key + "\"" + suggestion(key, names_), complaints_);
        continue;
      }
      try {
        const auto* array = node.as_array();
        values[key] = {inner   ? table_text(*inner, path_)
                       : array ? list_text(*array, where)
                               : scalar_text(node, where),
                       where};
      } catch (const ConfigError& error) {
        refuse(error.what(), complaints_);
      }
    }
  }

  std::map<std::string, ConfigValue> values;

 private:
  std::string path_;
  Complaints* complaints_;
  std::vector<std::string> names_;
  std::vector<std::string> tables_;  // of these, those whose value is a table
};

}  // namespace

std::map<std::string, ConfigValue> read_config_file(const std::string& path,
                                                    const std::vector<ConfigKey>& keys,
                                                    Complaints* complaints) {
  FileReader reader(path, keys, complaints);
  try {
    reader.read(toml::parse(content(path), path), "");
  } catch (const toml::parse_error& error) {
    std::string where = path;
    if (error.source().begin.line > 0) {
      where += ", line " + std::to_string(error.source().begin.line);
    }
    throw ConfigError(where + ": " + std::string(error.description()));
  } catch (const std::domain_error& error) {
    throw ConfigError(path + ": " + error.what());
  }
  return std::move(reader.values);
}

std::map<std::string, ConfigValue> read_environment(const std::vector<std::string>& environment,
                                                    const std::vector<ConfigKey>& keys,
                                                    Complaints* complaints) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(environment_name(key.name));
  std::map<std::string, ConfigValue> values;
  for (const auto& variable : environment) {
    if (!variable.starts_with("ASSENT_")) continue;
    const std::string name = variable.substr(0, variable.find('='));
    if (std::count(std::begin(kOtherVariables), std::end(kOtherVariables), name) != 0) continue;
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      refuse("the environment sets " + name + ", which is not known here" + suggestion(name, names),
             complaints);
      continue;
    }
    const auto& key = keys[static_cast<std::size_t>(found - names.begin())];
    values[key.name] = {variable.substr(std::min(variable.size(), name.size() + 1)), name};
  }
  return values;
}

}  // namespace assent
