#include "protocol/runtime/config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace assent {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array<Unit, 4> kTimes = {{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 5> kSizes = {{{"B", 1},
                                         {"KiB", 1 << 10},
                                         {"MiB", 1 << 20},
                                         {"GiB", 1 << 30},
                                         {"TiB", std::int64_t{1} << 40}}};

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A whole, unsigned number and its unit, with nothing between them.
std::optional<std::int64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
  const auto digits = text.find_first_not_of("0123456789");
  const auto number = parse_integer(text.substr(0, digits));
  const auto name = digits == std::string_view::npos ? "" : text.substr(digits);
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [name](const Unit& candidate) { return candidate.name == name; });
  std::int64_t value = 0;
  if (!number || unit == units.end()) return std::nullopt;
  if (__builtin_mul_overflow(*number, unit->factor, &value)) return std::nullopt;
  return value;
}

[[noreturn]] void refuse(const ConfigKey& key, const ConfigValue& value, const std::string& why) {
  const std::string shown = key.secret ? "the value given" : "\"" + value.text + "\"";
  throw ConfigError(key.name + " (" + value.source + "): " + shown + " " + why);
}

// A limit as it would be written for the key.
std::string shown_limit(KeyType type, std::int64_t limit) {
  const auto units = type == KeyType::duration ? std::span<const Unit>(kTimes)
                     : type == KeyType::size   ? std::span<const Unit>(kSizes)
                                               : std::span<const Unit>();
  for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
    if (limit % unit->factor == 0 && limit != 0) {
      return std::to_string(limit / unit->factor) + std::string(unit->name);
    }
  }
  return std::to_string(limit);
}

void check_range(const ConfigKey& key, const ConfigValue& value, std::int64_t number) {
  if (number < key.least) {
    refuse(key, value, "is too small; the least is " + shown_limit(key.type, key.least));
  }
  if (number > key.most) {
    refuse(key, value, "is too large; the most is " + shown_limit(key.type, key.most));
  }
}

void check_choice(const ConfigKey& key, const ConfigValue& value) {
  if (key.choices.empty()) return;
  if (std::find(key.choices.begin(), key.choices.end(), value.text) != key.choices.end()) return;
  std::string all;
  for (const auto& choice : key.choices) all += (all.empty() ? "" : ", ") + choice;
  refuse(key, value, "is none of " + all);
}

std::string renamed(std::string_view key, char separator, bool upper) {
  std::string out(key);
  for (char& c : out) {
    if (c == '.' || c == '_' || c == '-') c = separator;
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  const auto value = parse_quantity(text, kTimes);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(*value);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  auto value = parse_quantity(text, kSizes);
  if (!value && !text.starts_with('-')) value = parse_integer(text);
  if (!value) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::vector<std::string> list_items(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const auto begin = item.find_first_not_of(' ');
    if (begin == std::string_view::npos) continue;
    items.emplace_back(item.substr(begin, item.find_last_not_of(' ') - begin + 1));
  }
  return items;
}

std::optional<NamedLists> named_lists(std::string_view text) {
  NamedLists lists;
  while (!text.empty()) {
    const auto entry = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const auto equals = entry.find('=');
    if (entry.find_first_not_of(' ') == std::string_view::npos) continue;
    if (equals == std::string_view::npos) return std::nullopt;
    const auto name = list_items(entry.substr(0, equals));
    if (name.size() != 1) return std::nullopt;
    if (!lists.emplace(name.front(), list_items(entry.substr(equals + 1))).second)
      return std::nullopt;
  }
  return lists;
}

std::string value_range(const ConfigKey& key) {
  if (!key.choices.empty()) {
    std::string all;
    for (const auto& choice : key.choices) {
      const bool last = &choice == &key.choices.back();
      all += (all.empty() ? "" : last ? " or " : ", ") + choice;
    }
    return all;
  }
  const auto within = [&key](const std::string& what) {
    if (key.most == std::numeric_limits<std::int64_t>::max())
      return what + ", from " + shown_limit(key.type, key.least);
    return what + ", " + shown_limit(key.type, key.least) + " to " +
           shown_limit(key.type, key.most);
  };
  switch (key.type) {
    case KeyType::text:
      return "text";
    case KeyType::list:
      return "list";
    case KeyType::table:
      return "lists by name";
    case KeyType::boolean:
      return "true or false";
    case KeyType::integer:
      return within(key.unit.empty() ? "number" : key.unit);
    case KeyType::duration:
      return within("duration");
    case KeyType::size:
      return within("size");
  }
  return "";
}

std::string option_name(std::string_view key) {
  return renamed(key, '-', false);
}

std::string environment_name(std::string_view key) {
  return "ASSENT_" + renamed(key, '_', true);
}

Config::Config(const std::vector<ConfigKey>& keys, const std::map<std::string, ConfigValue>& given,
               Complaints* complaints) {
  for (const auto& key : keys) {
    const ConfigValue standard{key.standard, "default"};
    const auto found = given.find(key.name);
    try {
      if (found == given.end() && key.required)
        throw ConfigError(key.name + " is not given; set " +
                          (key.secret ? "" : "--" + option_name(key.name) + " or ") +
                          environment_name(key.name) + ", or write it into the file: " + key.help);
      entries_[key.name] = read(key, found == given.end() ? standard : found->second);
    } catch (const ConfigError& error) {
      if (complaints == nullptr) throw;
      complaints->emplace_back(error.what());
      entries_[key.name] = {key.type, standard.text, 0, {}, standard.source, {}};
      if (!key.required) entries_[key.name] = read(key, standard);
    }
  }
}

Config::Entry Config::read(const ConfigKey& key, const ConfigValue& value) {
  Entry entry{key.type, value.text, 0, {}, value.source, {}};
  switch (key.type) {
    case KeyType::text:
      check_choice(key, value);
      break;
    case KeyType::list:
      entry.items = list_items(value.text);
      if (key.required && entry.items.empty()) refuse(key, value, "has no item");
      break;
    case KeyType::table: {
      auto lists = named_lists(value.text);
      if (!lists) refuse(key, value, "is not lists by name, such as one=a,b;other=c");
      entry.lists = std::move(*lists);
      break;
    }
    case KeyType::boolean:
      if (value.text != "true" && value.text != "false") refuse(key, value, "is not true or false");
      entry.number = value.text == "true";
      break;
    case KeyType::integer: {
      const auto number = parse_integer(value.text);
      if (!number) refuse(key, value, "is not a whole number");
      check_range(key, value, entry.number = *number);
      break;
    }
    case KeyType::duration: {
      const auto number = parse_duration(value.text);
      if (!number) refuse(key, value, "is not a duration such as 500ms, 2s or 10m");
      check_range(key, value, entry.number = number->count());
      break;
    }
    case KeyType::size: {
      const auto number = parse_size(value.text);
      if (!number) refuse(key, value, "is not a size such as 65536, 64KiB or 16MiB");
      check_range(key, value, entry.number = static_cast<std::int64_t>(*number));
      break;
    }
  }
  return entry;
}

const Config::Entry& Config::entry(std::string_view key, std::optional<KeyType> type) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) throw std::logic_error(std::string(key) + " is no declared key");
  if (type && found->second.type != *type) {
    throw std::logic_error(std::string(key) + " is a key of another type");
  }
  return found->second;
}

const std::string& Config::text(std::string_view key) const {
  return entry(key, KeyType::text).text;
}
std::int64_t Config::integer(std::string_view key) const {
  return entry(key, KeyType::integer).number;
}
std::chrono::milliseconds Config::duration(std::string_view key) const {
  return std::chrono::milliseconds(entry(key, KeyType::duration).number);
}
std::uint64_t Config::size(std::string_view key) const {
  return static_cast<std::uint64_t>(entry(key, KeyType::size).number);
}
const std::vector<std::string>& Config::list(std::string_view key) const {
  return entry(key, KeyType::list).items;
}
bool Config::boolean(std::string_view key) const {
  return entry(key, KeyType::boolean).number != 0;
}
const NamedLists& Config::table(std::string_view key) const {
  return entry(key, KeyType::table).lists;
}
const std::string& Config::written(std::string_view key) const {
  return entry(key, {}).text;
}
std::vector<std::string> Config::changes_from(const Config& other) const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : entries_)
    if (value.text != other.written(key)) keys.push_back(key);
  return keys;
}
const std::string& Config::source(std::string_view key) const {
  return entry(key, {}).source;
}

}  // namespace assent
