// Configuration keys: declared in a table, given by option, environment or file, checked when they
// are read, asked for by type.
//
//   key                 option                 environment                 file (TOML)
//   http.idle_timeout   --http-idle-timeout    ASSENT_HTTP_IDLE_TIMEOUT    [http] idle_timeout =
//   "75s"
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace assent {

enum class KeyType : std::uint8_t {
  text,
  integer,
  duration,  // "500ms", "2s", "10m", "1h"
  size,      // "16MiB", "64KiB", "1GiB", or bytes without a unit
  list,      // texts without commas; in the file an array, else separated by commas
  boolean,   // true or false
  table,     // lists by name: in the file a table of arrays, else "one=a,b;other=c"
};

struct ConfigKey {
  std::string name;  // lower case, dots between tables: "http.listen"
  KeyType type = KeyType::text;
  std::string standard = {};  // the default, written as a person would; ignored if `required`
  std::string help = {};      // one line
  bool required = false;
  bool secret = false;  // never shown, and no option: the command line is everybody's to see
  // Inclusive; of integers, of durations in ms, of sizes in bytes.
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string> choices = {};  // of texts; none: any
  std::string unit = {};                  // what an integer counts: "connections"
  std::string example = {};               // a value to show where there is no default
};

// What is wrong with a configuration, each a line for people that names the key and where it was
// given.
using Complaints = std::vector<std::string>;

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::optional<std::uint64_t> parse_size(std::string_view text);
// A list as it is written in an option: "a,b".
std::vector<std::string> list_items(std::string_view text);
// Lists by name as they are written in an option: "one=a,b;other=c". nullopt: they are not, or a
// name stands there twice.
using NamedLists = std::map<std::string, std::vector<std::string>, std::less<>>;
std::optional<NamedLists> named_lists(std::string_view text);
// The values that a key takes, for people: "duration, 1ms to 10m".
std::string value_range(const ConfigKey& key);

// The configuration cannot be used: says which key, where it was given, and what is expected.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A value and where it came from: "option --http-listen", "ASSENT_HTTP_LISTEN", the file's name and
// line, "default".
struct ConfigValue {
  std::string text;
  std::string source;
};

// Values of all keys, checked. Asking for a key that is not declared, or by another type than it
// has, is a mistake in the program: std::logic_error.
class Config {
 public:
  Config() = default;
  // `given` holds what was given for known keys. Throws ConfigError; or, given `complaints`, adds
  // everything that is wrong to them, and the keys concerned have their defaults.
  Config(const std::vector<ConfigKey>& keys, const std::map<std::string, ConfigValue>& given,
         Complaints* complaints = nullptr);

  bool empty() const { return entries_.empty(); }  // nothing has been read
  const std::string& text(std::string_view key) const;
  std::int64_t integer(std::string_view key) const;
  std::chrono::milliseconds duration(std::string_view key) const;
  std::uint64_t size(std::string_view key) const;
  const std::vector<std::string>& list(std::string_view key) const;
  bool boolean(std::string_view key) const;
  const NamedLists& table(std::string_view key) const;
  // Of a key of any type: as it was written, and where.
  const std::string& written(std::string_view key) const;
  const std::string& source(std::string_view key) const;
  // The keys whose values, as written, differ from those of another configuration of the same keys.
  std::vector<std::string> changes_from(const Config& other) const;

 private:
  struct Entry {
    KeyType type = KeyType::text;
    std::string text;
    std::int64_t number = 0;
    std::vector<std::string> items;
    std::string source;
    NamedLists lists = {};
  };
  static Entry read(const ConfigKey& key, const ConfigValue& value);
  const Entry& entry(std::string_view key, std::optional<KeyType> type) const;

  std::map<std::string, Entry, std::less<>> entries_;
};

// http.idle_timeout → --http-idle-timeout (without the dashes in front), ASSENT_HTTP_IDLE_TIMEOUT.
std::string option_name(std::string_view key);
std::string environment_name(std::string_view key);

}  // namespace assent
