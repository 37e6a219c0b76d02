#include "clients/cli/description.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

namespace assent::cli {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& from, const char* dashes) {
  json::array to;
  for (const std::string& text : from) to.emplace_back(dashes + text);
  return to;
}

json::object described(const CLI::Option& option) {
  json::array names = texts(option.get_lnames(), "--");
  for (json::value& name : texts(option.get_snames(), "-")) names.push_back(std::move(name));
  const bool takes_value = option.get_type_size() != 0;
  return {{"names", std::move(names)},
          {"argument", option.get_positional() ? option.get_name(true) : ""},
          {"value", takes_value ? option.get_type_name() : ""},
          {"help", option.get_description()},
          {"default", option.get_default_str()},
          {"environment", option.get_envname()},
          {"required", option.get_required()},
          {"many", option.get_items_expected_max() > 1}};
}

json::object described(const CLI::App& app) {
  json::array options;
  for (const CLI::Option* option : app.get_options())
    if (option != app.get_help_ptr() && !option->get_group().empty())
      options.push_back(described(*option));
  json::array commands;
  for (const CLI::App* command : app.get_subcommands({}))
    if (!command->get_group().empty()) commands.push_back(described(*command));
  return {{"name", app.get_name()},
          {"help", app.get_description()},
          {"more", app.get_footer()},
          {"options", std::move(options)},
          {"commands", std::move(commands)}};
}

}  // namespace

std::string describe(const CLI::App& program) {
  json::object document = described(program);
  document["version"] = ASSENT_VERSION;
  return json::serialize(document);
}

}  // namespace assent::cli
