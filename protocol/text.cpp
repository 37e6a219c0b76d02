#include "protocol/text.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "protocol/text_fields.hpp"

// ASSENT_FOR_EACH(macro, a, b …): macro(a) macro(b) …
#define ASSENT_PARENS ()
#define ASSENT_SCAN(...) ASSENT_SCAN_1(ASSENT_SCAN_1(ASSENT_SCAN_1(ASSENT_SCAN_1(__VA_ARGS__))))
#define ASSENT_SCAN_1(...) ASSENT_SCAN_2(ASSENT_SCAN_2(ASSENT_SCAN_2(__VA_ARGS__)))
#define ASSENT_SCAN_2(...) ASSENT_SCAN_3(ASSENT_SCAN_3(ASSENT_SCAN_3(__VA_ARGS__)))
#define ASSENT_SCAN_3(...) __VA_ARGS__
#define ASSENT_FOR_EACH(macro, ...) ASSENT_SCAN(ASSENT_EACH(macro, __VA_ARGS__))
#define ASSENT_EACH(macro, first, ...) \
  macro(first) __VA_OPT__(ASSENT_EACH_AGAIN ASSENT_PARENS(macro, __VA_ARGS__))
#define ASSENT_EACH_AGAIN() ASSENT_EACH

namespace assent {
namespace {

template <typename T>
concept Enum = std::is_enum_v<T>;

template <typename T>
concept Container = requires(const T& c) {
  typename T::value_type;
  c.begin();
  c.end();
  c.empty();
}
&&!std::same_as<T, std::string>;

template <typename T>
inline constexpr bool is_variant = false;
template <typename... T>
inline constexpr bool is_variant<std::variant<T...>> = true;
template <typename T>
concept Variant = is_variant<T>;

template <typename T>
concept Bytes = std::same_as<T, std::array<std::uint8_t, 16>>;

// Variants that are written after a colon when they are what a record carries.
template <typename T>
concept Cargo =
    std::same_as<T, ToParticipant> || std::same_as<T, ToCoordinator> || std::same_as<T, LogRecord>;

#define ASSENT_NAME(Type, ...)                      \
  constexpr std::string_view name_of(const Type*) { \
    return #Type;                                   \
  }
ASSENT_TEXT_FIELDS(ASSENT_NAME, ASSENT_NAME, ASSENT_NAME)
#undef ASSENT_NAME

template <typename T>
concept Struct = requires(const T* x) {
  name_of(x);
};

std::string_view unqualified(std::string_view type) {
  const auto colon = type.rfind(':');
  return colon == std::string_view::npos ? type : type.substr(colon + 1);
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == '/' || c == '+';
}

}  // namespace

// Writes values to `text_`. The machines know it as a friend: their text is their whole state.
class TextForm {
 public:
  explicit TextForm(const TextOptions& options) : options_(options) {}

  // A value that stands for itself: a struct has its name before it.
  template <typename T>
  std::string whole(const T& x) {
    put_whole(x);
    return std::move(text_);
  }

 private:
  // How the fields of a struct are written: it differs by where the struct stands.
  enum class Style { line, part, page };

  // For each struct, a function that takes it apart. The binding counts its fields.
#define ASSENT_FIELD(field) put_field(style, start, #field, whole_of_it.field);
#define ASSENT_RECORD(Type, ...)                              \
  void put_fields(const Type& whole_of_it, Style style) {     \
    [[maybe_unused]] const auto& [__VA_ARGS__] = whole_of_it; \
    const std::size_t start = text_.size();                   \
    ASSENT_FOR_EACH(ASSENT_FIELD, __VA_ARGS__)                \
  }
#define ASSENT_EMPTY(Type) \
  void put_fields(const Type&, Style) {}
  ASSENT_TEXT_FIELDS(ASSENT_RECORD, ASSENT_EMPTY, ASSENT_RECORD)
#undef ASSENT_EMPTY
#undef ASSENT_RECORD
#undef ASSENT_FIELD

  template <typename T>
  static constexpr bool is_machine =
      std::same_as<T, ParticipantMachine> || std::same_as<T, CoordinatorMachine>;

  template <typename T>
  void put_whole(const T& x) {
    if constexpr (Variant<T>) {
      std::visit([this](const auto& one) { this->put_whole(one); }, x);
    } else if constexpr (Struct<T>) {
      text_ += unqualified(name_of(&x));
      put_fields(x, is_machine<T> ? Style::page : Style::line);
    } else {
      put(x);
    }
  }

  template <typename T>
  void put_field(Style style, std::size_t start, std::string_view name, const T& x) {
    if (is_absent(x)) return;
    if (name.back() == '_') name.remove_suffix(1);
    if constexpr (Container<T>) {
      if (style == Style::page) {
        for (const auto& entry : x) put_line(name, entry);
        return;
      }
    }
    if constexpr (Cargo<T>) {
      text_ += ": ";
      put_whole(x);
      return;
    }
    if (style == Style::page)
      text_ += "\n  ";
    else if (style == Style::line || text_.size() > start)
      text_ += ' ';
    text_ += name;
    if constexpr (!std::same_as<T, bool>) {
      text_ += '=';
      put(x);
    }
  }

  // An entry of a machine's container.
  template <typename T>
  void put_line(std::string_view name, const T& entry) {
    text_ += "\n  ";
    text_ += name;
    text_ += ' ';
    put(entry);
  }

  template <typename T>
  static bool is_absent(const T& x) {
    if constexpr (Container<T> || std::same_as<T, std::string>) {
      return x.empty();
    } else if constexpr (std::same_as<T, std::int32_t>) {
      return x < 0;  // an index
    } else if constexpr (std::same_as<T, Problem> || std::same_as<T, Fate>) {
      return x == T::none;
    } else if constexpr (Enum<T> || Variant<T> || std::same_as<T, Duration> ||
                         std::same_as<T, Work> || std::same_as<T, Results>) {
      return false;
    } else {
      return x == T{};
    }
  }

  void put(bool flag) {
    text_ += flag ? "yes" : "no";
  }
  void put(std::integral auto number) {
    text_ += std::to_string(number);
  }
  void put(Enum auto value) {
    text_ += to_string(value);
  }
  void put(Duration duration) {
    text_ += std::to_string(duration.count()) + "ms";
  }
  void put(const Work& work) {
    text_ += std::to_string(work.bytes.size()) + 'B';
  }
  void put(const Results& results) {
    text_ += std::to_string(results.bytes.size()) + 'B';
  }
  void put(const TxId& id) {
    put(id.uuid);
  }
  void put(const LedgerId& id) {
    put(id.uuid);
  }

  void put(Instant instant) {
    const auto us = instant.time_since_epoch().count();
    text_ += '@' + std::to_string(us / 1000);
    if (us % 1000 != 0) text_ += '.' + std::to_string(1000 + us % 1000).substr(1);
    text_ += "ms";
  }

  void put(const Uuid& uuid) {
    const std::string name = options_.namer ? options_.namer(uuid) : std::string();
    text_ += name.empty() ? to_string(uuid) : name;
  }

  void put(const Gid& gid) {
    if (!options_.namer) text_ += "assent1:";
    put(gid.ledger);
    text_ += ':' + std::to_string(gid.epoch) + ':';
    put(gid.tx);
    text_ += ':' + gid.participant;
  }

  void put(const ServerIdentity& server) {
    text_ += std::to_string(server.system_identifier) + '/' + std::to_string(server.timeline) + '/';
    put(server.database);
  }

  void put(const std::string& text) {
    bool plain = !text.empty();
    for (const char c : text) plain = plain && is_plain(c);
    if (plain) {
      text_ += text;
      return;
    }
    text_ += '"';
    for (const char c : text) put_escaped(c);
    text_ += '"';
  }

  // Control characters would break the line they are printed on. UTF-8 passes as it is.
  void put_escaped(char c) {
    if (c == '"' || c == '\\') {
      text_ += {'\\', c};
    } else if (c == '\n') {
      text_ += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      text_ += "\\x";
      put_hex(static_cast<std::uint8_t>(c));
    } else {
      text_ += c;
    }
  }

  void put_hex(std::uint8_t byte) {
    static constexpr char kDigits[] = "0123456789abcdef";
    text_ += {kDigits[byte >> 4], kDigits[byte & 0xf]};
  }

  void put(const Bytes auto& bytes) {
    for (const std::uint8_t byte : bytes) put_hex(byte);
  }

  template <typename T>
  void put(const std::optional<T>& x) {
    if (x) put(*x);
  }

  template <typename Key, typename T>
  void put(const std::pair<Key, T>& entry) {
    put(entry.first);
    text_ += ':';
    put(entry.second);
  }

  template <Container T>
  requires(!Bytes<T>) void put(const T& all) {
    char before = '[';
    for (const auto& x : all) {
      text_ += before;
      put(x);
      before = ' ';
    }
    text_ += before == '[' ? "[]" : "]";
  }

  template <Variant T>
  void put(const T& x) {
    std::visit(
        [this]<typename One>(const One& one) {
          if constexpr (Struct<One>) text_ += unqualified(name_of(&one));
          this->put(one);
        },
        x);
  }

  template <typename T>
  requires Struct<T>
  void put(const T& x) {
    text_ += '{';
    put_fields(x, Style::part);
    text_ += '}';
  }

  const TextOptions& options_;
  std::string text_;
};

template <typename T>
std::string to_text(const T& value, const TextOptions& options) {
  return TextForm(options).whole(value);
}

#define ASSENT_TEXT_OF(Type, ...) template std::string to_text(const Type&, const TextOptions&);
ASSENT_TEXT_OF(Uuid)
ASSENT_TEXT_OF(TxId)
ASSENT_TEXT_OF(LedgerId)
ASSENT_TEXT_OF(Gid)
ASSENT_TEXT_OF(ServerIdentity)
ASSENT_TEXT_OF(Work)
ASSENT_TEXT_OF(Results)
ASSENT_TEXT_OF(ToParticipant)
ASSENT_TEXT_OF(ToCoordinator)
ASSENT_TEXT_OF(LogRecord)
ASSENT_TEXT_OF(ParticipantEvent)
ASSENT_TEXT_OF(ParticipantAction)
ASSENT_TEXT_OF(CoordinatorEvent)
ASSENT_TEXT_OF(CoordinatorAction)
ASSENT_TEXT_FIELDS(ASSENT_TEXT_OF, ASSENT_TEXT_OF, ASSENT_TEXT_OF)
#undef ASSENT_TEXT_OF

}  // namespace assent
