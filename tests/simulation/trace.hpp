// What happened in one schedule, in the text form: its hash tells two runs apart, its last lines
// tell what led to a violation.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/text.hpp"
#include "protocol/time.hpp"

namespace assent::simulation {

class Trace {
 public:
  // Who did something, '<' took an event or '>' did what an action asks for; nobody in particular
  // ('-') where something befalls the installation. The text is the last part of the line.
  struct Line {
    Instant at;
    const std::string& who;
    char kind;
    const std::string& text;
  };
  using Listener = std::function<void(const Line&)>;

  explicit Trace(Listener listener);
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // A short name for an id, shown from now on.
  void name(const Uuid& id, std::string name) { names_[id] = std::move(name); }

  template <typename T>
  void add(Instant at, const std::string& who, char kind, const T& what) {
    line(at, who, kind, to_text(what, options_));
  }
  void say(Instant at, std::string what) { line(at, {}, '-', std::move(what)); }

  // The line as it is shown: time, who, kind, text.
  static std::string shown(const Line& line);

  std::uint64_t hash() const { return hash_; }
  std::vector<std::string> last_lines() const;

 private:
  void line(Instant at, const std::string& who, char kind, std::string text);
  void hash(std::string_view text);
  // FNV-1a, but eight bytes at a time; the shift lets the high ones matter.
  void hash(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x100000001b3;
    hash_ ^= hash_ >> 29;
  }
  struct IdHash {
    std::size_t operator()(const Uuid& id) const {
      std::size_t low = 0;
      std::memcpy(&low, id.bytes.data() + 8, sizeof low);
      return low;
    }
  };

  struct Kept {
    Instant at;
    std::string who;
    char kind;
    std::string text;
  };

  Listener listener_;
  TextOptions options_;
  std::unordered_map<Uuid, std::string, IdHash> names_;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::deque<Kept> last_;
};

}  // namespace assent::simulation
