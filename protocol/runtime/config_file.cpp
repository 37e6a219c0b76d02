#include "protocol/runtime/config_file.hpp"

#include <algorithm>
#include <sstream>

#include <toml++/toml.h>

#include "protocol/runtime/suggestion.hpp"

namespace assent {
namespace {

// Read by others than the configuration.
// Ours, but no keys; the others belong to `assent`, whose shell may well start a daemon.
constexpr std::string_view kOtherVariables[] = {"ASSENT_CONFIG", "ASSENT_CRASH_POINTS",
                                                "ASSENT_URL",    "ASSENT_PG_BIN",
                                                "ASSENT_SQL",    "ASSENT_DEV"};

std::string place(const std::string& path, const toml::node& node) {
  return path + ", line " + std::to_string(node.source().begin.line);
}

std::string scalar_text(const toml::node& node, const std::string& where) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (const auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
  throw ConfigError(where + ": a value is a text, a whole number, true, false or a list of texts");
}

std::string list_text(const toml::array& array, const std::string& where) {
  std::string out;
  for (const auto& item : array) {
    const std::string text = scalar_text(item, where);
    if (text.find(',') != std::string::npos) {
      throw ConfigError(where + ": \"" + text + "\" holds a comma, which separates items");
    }
    out += (out.empty() ? "" : ",") + text;
  }
  return out;
}

class FileReader {
 public:
  FileReader(std::string path, const std::vector<ConfigKey>& keys) : path_(std::move(path)) {
    for (const auto& key : keys) names_.push_back(key.name);
  }

  void read(const toml::table& table, const std::string& prefix) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      if (const auto* inner = node.as_table()) {
        read(*inner, key + ".");
        continue;
      }
      const std::string where = place(path_, node);
      if (std::find(names_.begin(), names_.end(), key) == names_.end()) {
        throw ConfigError(where + ": there is no key \"" + key + "\"" + suggestion(key, names_));
      }
      const auto* array = node.as_array();
      values[key] = {array ? list_text(*array, where) : scalar_text(node, where), where};
    }
  }

  std::map<std::string, ConfigValue> values;

 private:
  std::string path_;
  std::vector<std::string> names_;
};

}  // namespace

std::map<std::string, ConfigValue> read_config_file(const std::string& path,
                                                    const std::vector<ConfigKey>& keys) {
  FileReader reader(path, keys);
  try {
    reader.read(toml::parse_file(path), "");
  } catch (const toml::parse_error& error) {
    std::string where = path;
    if (error.source().begin.line > 0) {
      where += ", line " + std::to_string(error.source().begin.line);
    }
    throw ConfigError(where + ": " + std::string(error.description()));
  }
  return std::move(reader.values);
}

std::map<std::string, ConfigValue> read_environment(const std::vector<std::string>& environment,
                                                    const std::vector<ConfigKey>& keys) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(environment_name(key.name));
  std::map<std::string, ConfigValue> values;
  for (const auto& variable : environment) {
    if (!variable.starts_with("ASSENT_")) continue;
    const std::string name = variable.substr(0, variable.find('='));
    if (std::count(std::begin(kOtherVariables), std::end(kOtherVariables), name) != 0) continue;
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      throw ConfigError("the environment sets " + name + ", which is not known here" +
                        suggestion(name, names));
    }
    const auto& key = keys[static_cast<std::size_t>(found - names.begin())];
    values[key.name] = {variable.substr(std::min(variable.size(), name.size() + 1)), name};
  }
  return values;
}

}  // namespace assent
