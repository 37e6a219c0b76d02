#include "protocol/runtime/daemon.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <iterator>

#include <Poco/AutoPtr.h>
#include <Poco/Util/OptionCallback.h>
#include <Poco/Util/OptionSet.h>
#include <Poco/Util/ServerApplication.h>
#include <unistd.h>

#include "protocol/runtime/command_line.hpp"
#include "protocol/runtime/config_file.hpp"
#include "protocol/runtime/config_pages.hpp"
#include "protocol/runtime/crash_points.hpp"
#include "protocol/runtime/log.hpp"

extern char** environ;

namespace assent {
namespace {

using Values = std::map<std::string, ConfigValue>;
using Exit = ExitCode;  // POCO's frame has codes of the same name

constexpr const char* kFaultInjection = "enable_fault_injection";
constexpr const char* kConfigCheck = "config check";
constexpr const char* kConfigShow = "config show";
constexpr const char* kConfigSample = "config sample";

DaemonSpec with_common_keys(DaemonSpec spec) {
  if (!spec.crash_points.empty())
    spec.keys.push_back({.name = kFaultInjection,
                         .type = KeyType::boolean,
                         .standard = "false",
                         .help = "for tests: let whoever reaches the admin listener order failures "
                                 "at crash points, over /v1/faults"});
  ConfigKey level{"log.level", KeyType::text, "info", "The least important level to log"};
  level.choices = {"debug", "info", "warning", "error"};
  ConfigKey format{"log.format", KeyType::text, "auto",
                   "Lines for people or for machines; auto: text on a terminal, else json"};
  format.choices = {"auto", "text", "json"};
  spec.keys.push_back(std::move(level));
  spec.keys.push_back(std::move(format));
  spec.commands.insert(
      spec.commands.end(),
      {{kConfigCheck,
        "say all that is wrong with the configuration, and end",
        {{"--online", "", spec.online_help}}},
       {kConfigShow, "print every key, its value, and where that came from, and end"},
       {kConfigSample, "print a configuration file to begin with: every key, explained, and end"}});
  return spec;
}

void set_up_logging(const Config& config) {
  const std::string& format = config.text("log.format");
  const bool text = format == "text" || (format == "auto" && ::isatty(STDERR_FILENO) == 1);
  log::set_up(text ? log::Format::text : log::Format::json,
              log::parse_level(config.text("log.level")).value_or(log::Level::info));
}

// POCO's frame: it takes the options apart. Its own waiting for signals is not used, as it has lost
// some.
class Frame : public Poco::Util::ServerApplication {
 public:
  Frame(const DaemonSpec& spec, CommandLine line, const std::function<int(const DaemonRun&)>& body)
      : spec_(spec), line_(std::move(line)), body_(body) {}

  using Poco::Util::ServerApplication::run;

 protected:
  void defineOptions(Poco::Util::OptionSet& options) override {
    Poco::Util::Application::defineOptions(options);
    for (const char* name : {"help", "version", "describe", "list-crash-points", "config"}) {
      define(options, name, "");
    }
    for (const auto& key : spec_.keys) {
      if (!key.secret) define(options, option_name(key.name), key.name);
    }
  }

  int main(const ArgVec&) override {
    if (switches_.contains("help")) return print(help_page(spec_));
    if (switches_.contains("version")) return print(spec_.name + " " + spec_.version + "\n");
    if (switches_.contains("describe")) return print(description(spec_));
    if (switches_.contains("list-crash-points")) return print_crash_points();
    if (line_.command == kConfigSample) return print(sample_page(spec_));
    Complaints complaints;
    Config config;
    look_for(complaints, [&] { config = load(&complaints); });
    const bool unread = config.empty();
    look_for(complaints, [&] {
      const char* orders = std::getenv("ASSENT_CRASH_POINTS");
      arm_crash_points(orders ? orders : "", spec_.crash_points);
    });
    if (line_.command == kConfigCheck) return check(unread ? nullptr : &config, complaints);
    for (const std::string& complaint : complaints)
      std::cerr << spec_.name << ": " << complaint << '\n';
    if (!complaints.empty()) return Exit::configuration;
    if (!spec_.crash_points.empty() && config.boolean(kFaultInjection)) enable_fault_injection();
    if (line_.command == kConfigShow) return print(config_page(spec_, config));
    set_up_logging(config);
    return perform(std::move(config));
  }

 private:
  void define(Poco::Util::OptionSet& options, const std::string& name, const std::string& key) {
    options.addOption(Poco::Util::Option(name, "").repeatable(true).argument("VALUE").callback(
        Poco::Util::OptionCallback<Frame>(this, &Frame::take)));
    keys_[name] = key;
  }

  void take(const std::string& name, const std::string& value) {
    const std::string& key = keys_[name];
    if (key.empty()) {
      switches_[name] = value;
      return;
    }
    auto& given = options_[key];
    const bool again = !given.source.empty();
    const char* separator = nullptr;  // of what may be given several times
    for (const ConfigKey& each : spec_.keys) {
      if (each.name != key) continue;
      if (each.type == KeyType::list) separator = ",";
      if (each.type == KeyType::table) separator = ";";
    }
    if (again && !separator) throw UsageError("the option --" + name + " is given twice");
    given = {again ? given.text + separator + value : value, "option --" + name};
  }

  // What ends the reading is a complaint like any other.
  static void look_for(Complaints& complaints, const std::function<void()>& part) {
    try {
      part();
    } catch (const std::exception& error) {
      complaints.emplace_back(error.what());
    }
  }

  // Null: the file could not be read, so that nothing can be said of the keys.
  int check(const Config* config, const Complaints& complaints) const {
    Findings found;
    for (const std::string& complaint : complaints)
      found.push_back({Finding::Severity::error, complaint, {}});
    const auto add = [&](const std::function<Findings(const Config&)>& part) {
      if (!config || !part) return;
      Findings more = part(*config);
      std::move(more.begin(), more.end(), std::back_inserter(found));
    };
    look(found, [&] { add(spec_.check); });
    const bool online = line_.command_options.contains("--online");
    if (online && !has_error(found)) look(found, [&] { add(spec_.check_online); });
    const bool wrong = has_error(found);
    const std::string last =
        wrong ? "" : "ok: nothing here keeps " + spec_.name + " from its work\n";
    const int printed = print(findings_page(found) + last);
    return wrong ? Exit::configuration : printed;
  }

  // Lowest first: what is laid on later wins.
  Config load(Complaints* complaints = nullptr) const {
    Values given;
    const auto lay_on = [&given](const Values& layer) {
      for (const auto& [key, value] : layer) given[key] = value;
    };
    if (const std::string file = config_path(); !file.empty())
      lay_on(read_config_file(file, spec_.keys, complaints));
    std::vector<std::string> environment;
    for (char** variable = environ; *variable; ++variable) environment.emplace_back(*variable);
    lay_on(read_environment(environment, spec_.keys, complaints));
    lay_on(options_);
    return Config(spec_.keys, given, complaints);
  }

  std::string config_path() const {
    if (const auto given = switches_.find("config"); given != switches_.end()) return given->second;
    const char* variable = std::getenv("ASSENT_CONFIG");
    return variable ? variable : "";
  }

  int perform(Config config) {
    try {
      return body_(
          {line_.command, std::move(config), line_.command_options, [this] { return load(); }});
    } catch (const ConfigError& error) {
      log::error(error.what());
      return Exit::configuration;
    } catch (const TemporaryError& error) {
      log::error(error.what());
      return Exit::temporary;
    } catch (const std::exception& error) {
      log::error("ended by a failure nobody expected", {{"what", error.what()}});
      return Exit::internal;
    }
  }

  static int print(const std::string& text) {
    std::cout << text << std::flush;
    return std::cout ? Exit::ok : Exit::internal;
  }

  int print_crash_points() {
    std::string all;
    for (const auto& name : spec_.crash_points) all += name + "\n";
    return print(all);
  }

  const DaemonSpec& spec_;
  CommandLine line_;
  const std::function<int(const DaemonRun&)>& body_;
  std::map<std::string, std::string> keys_;      // of each option; empty for switches
  std::map<std::string, std::string> switches_;  // help, config, …
  Values options_;
};

}  // namespace

int run_daemon(int argc, char** argv, const DaemonSpec& given,
               const std::function<int(const DaemonRun&)>& body) {
  std::signal(SIGPIPE, SIG_IGN);
  const DaemonSpec spec = with_common_keys(given);
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    CommandLine line = read_command_line(arguments, spec);
    std::vector<std::string> options = line.options;
    options.insert(options.begin(), argv[0]);
    Poco::AutoPtr<Frame> frame(new Frame(spec, std::move(line), body));
    frame->init(options);
    return frame->run();
  } catch (const Poco::Exception& error) {
    std::cerr << spec.name << ": " << error.displayText() << '\n';
  } catch (const std::exception& error) {
    std::cerr << spec.name << ": " << error.what() << '\n';
  }
  std::cerr << "Try " << spec.name << " --help.\n";
  return ExitCode::usage;
}

}  // namespace assent
