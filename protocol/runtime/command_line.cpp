#include "protocol/runtime/command_line.hpp"

#include <algorithm>

#include "protocol/runtime/suggestion.hpp"

namespace assent {
namespace {

struct KnownOption {
  std::string name;
  bool takes_value;
  bool of_command = false;
};

std::vector<KnownOption> known_options(const DaemonSpec& spec) {
  std::vector<KnownOption> known = {{"--help", false},
                                    {"--version", false},
                                    {"--describe", false},
                                    {"--list-crash-points", false},
                                    {"--config", true}};
  for (const auto& key : spec.keys) {
    if (key.secret) continue;
    known.push_back({"--" + option_name(key.name), key.type != KeyType::boolean});
  }
  for (const auto& command : spec.commands)
    for (const auto& option : command.options)
      known.push_back({option.name, !option.value.empty(), true});
  return known;
}

[[noreturn]] void refuse_option(const std::string& name, const DaemonSpec& spec) {
  for (const auto& key : spec.keys) {
    if (key.secret && name == "--" + option_name(key.name)) {
      throw UsageError(key.name + " is secret: set " + environment_name(key.name) +
                       " or write it into the file, as everybody can see the command line");
    }
  }
  std::vector<std::string> names;
  for (const auto& option : known_options(spec)) names.push_back(option.name);
  throw UsageError("unknown option " + name + suggestion(name, names));
}

// One or two words; all there are must be of it.
const DaemonCommand& read_command(const std::vector<std::string>& words, const DaemonSpec& spec) {
  if (words.empty()) return spec.commands.front();
  const std::string two = words.size() > 1 ? words[0] + " " + words[1] : words[0];
  std::vector<std::string> names;
  for (const auto& command : spec.commands) {
    names.push_back(command.name);
    const bool one = command.name == words[0];
    if (!one && command.name != two) continue;
    const std::size_t used = one ? 1 : 2;
    if (words.size() > used) throw UsageError("one argument too many: \"" + words[used] + "\"");
    return command;
  }
  std::string below;
  for (const auto& name : names)
    if (name.starts_with(words[0] + " ")) below += (below.empty() ? "" : ", ") + name;
  if (words.size() == 1 && !below.empty())
    throw UsageError("\"" + words[0] + "\" is not all of a command; there are: " + below);
  throw UsageError("unknown command \"" + two + "\"" + suggestion(two, names));
}

// Options of a command are for that command only, and some it needs.
void check_command_options(const CommandLine& line, const DaemonCommand& command) {
  for (const auto& given : line.command_options) {
    const auto its = [&given](const CommandOption& option) { return option.name == given.first; };
    if (std::none_of(command.options.begin(), command.options.end(), its))
      throw UsageError(given.first + " is no option of the command " + command.name);
  }
  const bool asks_for_a_page =
      std::any_of(line.options.begin(), line.options.end(), [](const std::string& option) {
        return option == "--help=true" || option == "--version=true";
      });
  for (const auto& option : command.options)
    if (option.required && !asks_for_a_page && !line.command_options.contains(option.name))
      throw UsageError("the command " + command.name + " needs " + option.name + " " +
                       option.value);
}

std::string kind(const ConfigKey& key) {
  if (!key.choices.empty()) {
    std::string all;
    for (const auto& choice : key.choices) all += (all.empty() ? "" : "|") + choice;
    return all;
  }
  switch (key.type) {
    case KeyType::text:
      return "TEXT";
    case KeyType::integer:
      return "NUMBER";
    case KeyType::duration:
      return "DURATION";
    case KeyType::size:
      return "SIZE";
    case KeyType::list:
      return "A,B,…";
    case KeyType::table:
      return "NAME=A,B;…";
    case KeyType::boolean:
      return "true|false";
  }
  return "";
}

std::string describe(const ConfigKey& key) {
  std::string text = "  ";
  if (key.secret) {
    text += environment_name(key.name) + " (no option, as it is secret)";
  } else {
    text += "--" + option_name(key.name) + " " + kind(key);
  }
  text += "\n      " + key.help;
  if (key.required) {
    text += " (required)";
  } else if (!key.standard.empty()) {
    text += " (default: " + key.standard + ")";
  }
  return text + "\n";
}

}  // namespace

CommandLine read_command_line(const std::vector<std::string>& arguments, const DaemonSpec& spec) {
  const auto known = known_options(spec);
  CommandLine line;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!argument.starts_with('-')) {
      words.push_back(argument);
      continue;
    }
    const auto equals = argument.find('=');
    const std::string name = argument == "-h" ? "--help" : argument.substr(0, equals);
    const auto option = std::find_if(known.begin(), known.end(), [&](const KnownOption& candidate) {
      return candidate.name == name;
    });
    if (option == known.end()) refuse_option(name, spec);
    if (option->of_command) {
      if (line.command_options.contains(name))
        throw UsageError("the option " + name + " is given twice");
      if (!option->takes_value && equals != std::string::npos)
        throw UsageError("the option " + name + " takes no value");
      std::string& value = line.command_options[name];
      if (!option->takes_value)
        value = "true";
      else if (equals != std::string::npos)
        value = argument.substr(equals + 1);
      else if (++i < arguments.size())
        value = arguments[i];
      if (value.empty()) throw UsageError("the option " + name + " needs a value");
    } else if (equals != std::string::npos) {
      line.options.push_back(argument);
    } else if (!option->takes_value) {
      line.options.push_back(name + "=true");
    } else if (++i < arguments.size()) {
      line.options.push_back(name + "=" + arguments[i]);
    } else {
      throw UsageError("the option " + name + " needs a value");
    }
  }
  const DaemonCommand& command = read_command(words, spec);
  check_command_options(line, command);
  line.command = command.name;
  return line;
}

std::string help_page(const DaemonSpec& spec) {
  std::string page = spec.name + " " + spec.version + ": " + spec.summary +
                     "\n\nUsage: " + spec.name + " [COMMAND] [OPTION]...\n\nCommands\n";
  for (const auto& command : spec.commands) {
    page += "  " + command.name + "\n      " + command.help +
            (&command == &spec.commands.front() ? " (the default)" : "") + "\n";
    for (const auto& option : command.options)
      page += "      " + option.name + (option.value.empty() ? "" : " " + option.value) +
              "\n          " + option.help + (option.required ? " (required)" : "") + "\n";
  }
  page +=
      "\nOptions\n"
      "  --config FILE\n      Read a TOML file (also: ASSENT_CONFIG)\n";
  for (const auto& key : spec.keys) page += describe(key);
  page +=
      "  --list-crash-points\n      Print the points ASSENT_CRASH_POINTS may name, and end\n"
      "  --version\n"
      "  -h, --help\n";
  if (!spec.keys.empty()) {
    const auto& name = spec.keys.front().name;
    const auto dot = name.find('.');
    page += "\nEvery option but --config may also stand in the environment or the file:\n  --" +
            option_name(name) + " is " + environment_name(name) + ", and in the file ";
    page += dot == std::string::npos
                ? name + " = …\n"
                : "[" + name.substr(0, dot) + "] " + name.substr(dot + 1) + " = …\n";
    page +=
        "An option wins over the environment, that over the file, that over the default.\n"
        "Durations are written 500ms, 2s, 10m, 1h; sizes 65536, 64KiB, 16MiB.\n";
  }
  page += "\nExit codes\n";
  for (const auto& [code, meaning] : kExitMeanings) {
    const std::string number = std::to_string(code);
    page += "  " + number + std::string(4 - number.size(), ' ') + meaning + "\n";
  }
  if (!spec.example.empty()) page += "\nExample\n" + spec.example + "\n";
  return page;
}

}  // namespace assent
