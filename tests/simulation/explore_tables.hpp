// Every machine, message, database … that the explorer meets is kept once and known by a number.
// A state of the whole installation is then a handful of numbers, and what a machine does at an
// event is computed once, however many states have that machine at that event.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/simulation/explore_text.hpp"

namespace assent::explore {

using Id = std::uint32_t;  // 0: none

struct Numbers {
  std::size_t operator()(const std::vector<std::uint64_t>& key) const {
    std::uint64_t hash = 0x9e3779b97f4a7c15;
    for (const std::uint64_t each : key) {
      hash = (hash ^ each) * 0xff51afd7ed558ccd;
      hash ^= hash >> 32;
    }
    return hash;
  }
};
template <typename Value>
using Memo = std::unordered_map<std::vector<std::uint64_t>, Value, Numbers>;

// Values by what tells them apart. The first value of a key stands for all.
template <typename Key, typename Value, typename Hash = std::hash<Key>>
class Table {
 public:
  std::pair<Id, bool> add(Key key, Value value) {
    const auto [place, is_new] = ids_.try_emplace(std::move(key), 0);
    if (is_new) {
      values_.push_back(std::move(value));
      place->second = static_cast<Id>(values_.size());
    }
    return {place->second, is_new};
  }
  const Value& operator[](Id id) const { return values_[id - 1]; }
  std::size_t size() const { return values_.size(); }

 private:
  std::unordered_map<Key, Id, Hash> ids_;
  std::deque<Value> values_;
};

// The numbers of texts: for comparing across participants.
class Texts {
 public:
  Id operator()(std::string text) { return table_.add(std::move(text), 0).first; }

 private:
  Table<std::string, char> table_;
};

}  // namespace assent::explore
