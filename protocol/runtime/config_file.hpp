// The configuration's layers besides the options: the TOML file and the environment.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "protocol/runtime/config.hpp"

namespace assent {

// By key. Both throw ConfigError for a key or variable that is not declared, naming the nearest, or
// whose value is of no use; or, given `complaints`, add that to them and go on. A file that cannot
// be read, or is no TOML, is thrown all the same.
std::map<std::string, ConfigValue> read_config_file(const std::string& path,
                                                    const std::vector<ConfigKey>& keys,
                                                    Complaints* complaints = nullptr);
// `environment`: "NAME=value"; names that do not begin with ASSENT_ are not ours.
std::map<std::string, ConfigValue> read_environment(const std::vector<std::string>& environment,
                                                    const std::vector<ConfigKey>& keys,
                                                    Complaints* complaints = nullptr);

}  // namespace assent
