#include <boost/json.hpp>

#include "protocol/runtime/command_line.hpp"

namespace assent {
namespace {

namespace json = boost::json;

const char* name(KeyType type) {
  switch (type) {
    case KeyType::text:
      return "text";
    case KeyType::integer:
      return "integer";
    case KeyType::duration:
      return "duration";
    case KeyType::size:
      return "size";
    case KeyType::list:
      return "list";
    case KeyType::table:
      return "table";
    case KeyType::boolean:
      return "boolean";
  }
  return "";
}

bool has_range(KeyType type) {
  return type == KeyType::integer || type == KeyType::duration || type == KeyType::size;
}

json::object described(const ConfigKey& key) {
  json::object to{{"name", key.name},
                  {"type", name(key.type)},
                  {"environment", environment_name(key.name)},
                  {"option", key.secret ? "" : "--" + option_name(key.name)},
                  {"help", key.help},
                  {"required", key.required},
                  {"secret", key.secret},
                  {"default", key.required ? "" : key.standard},
                  {"unit", key.unit},
                  {"choices", json::value_from(key.choices)}};
  if (has_range(key.type)) {
    to["least"] = key.least;
    if (key.most != std::numeric_limits<std::int64_t>::max()) to["most"] = key.most;
  }
  return to;
}

}  // namespace

std::string description(const DaemonSpec& spec) {
  json::array commands;
  for (const auto& command : spec.commands) {
    json::array options;
    for (const auto& option : command.options)
      options.push_back({{"name", option.name},
                         {"value", option.value},
                         {"help", option.help},
                         {"required", option.required}});
    const bool standard = &command == &spec.commands.front();
    commands.push_back(json::object{{"name", command.name},
                                    {"help", command.help + (standard ? " (the default)" : "")},
                                    {"options", std::move(options)}});
  }
  json::array keys;
  for (const auto& key : spec.keys) keys.push_back(described(key));
  json::array exit_codes;
  for (const auto& [code, meaning] : kExitMeanings)
    exit_codes.push_back({{"code", code}, {"meaning", meaning}});
  return json::serialize(json::object{{"name", spec.name},
                                      {"version", spec.version},
                                      {"help", spec.summary},
                                      {"commands", std::move(commands)},
                                      {"keys", std::move(keys)},
                                      {"exit_codes", std::move(exit_codes)},
                                      {"example", spec.example}}) +
         "\n";
}

}  // namespace assent
