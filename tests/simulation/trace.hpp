// What happened in one schedule, in the text form: its hash tells two runs apart, its last lines
// tell what led to a violation.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "protocol/ids.hpp"
#include "protocol/text.hpp"
#include "protocol/time.hpp"

namespace assent::simulation {

class Trace {
 public:
  // `print`: every line goes to standard output as it comes.
  explicit Trace(bool print);
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // A short name for an id, shown from now on.
  void name(const Uuid& id, std::string name) { names_[id] = std::move(name); }

  template <typename T>
  void add(Instant at, const std::string& who, const char* arrow, const T& what) {
    line(at, who + arrow + to_text(what, options_));
  }
  void say(Instant at, const std::string& what) { line(at, "-- " + what); }

  std::uint64_t hash() const { return hash_; }
  const std::deque<std::string>& last_lines() const { return last_; }

 private:
  void line(Instant at, const std::string& text);

  bool print_;
  TextOptions options_;
  std::map<Uuid, std::string> names_;
  std::uint64_t hash_ = 0xcbf29ce484222325;  // FNV-1a
  std::deque<std::string> last_;
};

}  // namespace assent::simulation
