// Short names instead of ids, and the text form with what nobody reads left out.
#pragma once

#include <map>
#include <string>

#include "protocol/text.hpp"

namespace assent::scenarios {

class Names {
 public:
  Names();

  void name(const Uuid& id, const std::string& name) { names_[id] = name; }
  std::string of(const Uuid& id) const;
  std::string of(const TxId& tx) const { return of(tx.uuid); }

  // A sentence with the names put in for the ids.
  std::string shorten(std::string sentence) const;

  // Without the sizes of work and results, requests' numbers, and the wall clock's readings.
  template <typename T>
  std::string text(const T& value) const {
    return without_noise(to_text(value, options_));
  }

 private:
  static std::string without_noise(const std::string& text);

  std::map<Uuid, std::string> names_;
  TextOptions options_;
};

}  // namespace assent::scenarios
