#include "tests/lab/checkers.hpp"

#include <algorithm>
#include <set>

namespace assent::lab {
namespace {

using client::Fate;

std::size_t count(const Names& names, const std::string& name) {
  return static_cast<std::size_t>(std::count(names.begin(), names.end(), name));
}

template <typename Map>
typename Map::mapped_type at_or_empty(const Map& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? typename Map::mapped_type() : found->second;
}

void append(Names& all, Names more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

Names check_bank(const History& history) {
  Names wrong;
  if (history.cents_after != history.cents_before)
    wrong.push_back("the sum is " + std::to_string(history.cents_after) + " cents and was " +
                    std::to_string(history.cents_before));
  for (const ReadOfAll& read : history.reads)
    if (read.locked && read.cents != history.cents_before)
      wrong.push_back("a read under locks saw " + std::to_string(read.cents) + " cents");
  return wrong;
}

Names check_lists(const History& history) {
  Names wrong;
  for (const Attempt& attempt : history.attempts) {
    std::size_t places = 0;
    std::size_t entries = 0;
    for (const std::string& database : attempt.databases) {
      const std::size_t marks = count(at_or_empty(history.marks, database), attempt.name);
      const std::size_t listed =
          attempt.list.empty()
              ? marks
              : count(at_or_empty(at_or_empty(history.lists, database), attempt.list),
                      attempt.name);
      if (marks > 1 || listed > 1)
        wrong.push_back(attempt.name + " happened " + std::to_string(std::max(marks, listed)) +
                        " times at " + database);
      if (marks != listed) wrong.push_back(attempt.name + " is half done at " + database);
      places += marks > 0 ? 1 : 0;
      entries += listed > 0 ? 1 : 0;
    }
    if (places % attempt.databases.size() != 0 || entries % attempt.databases.size() != 0)
      wrong.push_back(attempt.name + " is in " + std::to_string(std::max(places, entries)) +
                      " of " + std::to_string(attempt.databases.size()) + " databases");
  }
  // The same members are compared above; here, that they come in the same order.
  for (const auto& [one, lists] : history.lists)
    for (const auto& [other, other_lists] : history.lists) {
      if (one >= other) continue;
      for (const auto& [list, names] : lists) {
        const Names others = at_or_empty(other_lists, list);
        Names common;
        Names common_there;
        for (const std::string& name : names)
          if (count(others, name) > 0) common.push_back(name);
        for (const std::string& name : others)
          if (count(names, name) > 0) common_there.push_back(name);
        if (common != common_there)
          wrong.push_back("list " + list + " has another order at " + one + " than at " + other);
      }
    }
  return wrong;
}

Names check_answers(const History& history) {
  Names wrong;
  std::set<std::string> known;
  for (const Attempt& attempt : history.attempts) {
    known.insert(attempt.name);
    for (const std::string& database : attempt.databases) {
      const bool there = count(at_or_empty(history.marks, database), attempt.name) > 0;
      if (attempt.told == Fate::committed && !there)
        wrong.push_back(attempt.name + " was answered committed and is not at " + database);
      if ((attempt.told == Fate::aborted || attempt.told == Fate::none) && there)
        wrong.push_back(attempt.name + " was answered " +
                        std::string(client::to_string(attempt.told)) + " and is at " + database);
    }
  }
  for (const auto& [database, marks] : history.marks)
    for (const std::string& name : marks)
      if (!known.contains(name)) wrong.push_back(name + " is at " + database + ", asked by nobody");
  return wrong;
}

Names check_all(const History& history) {
  Names wrong = check_bank(history);
  append(wrong, check_lists(history));
  append(wrong, check_answers(history));
  return wrong;
}

Anomalies find_anomalies(const History& history) {
  Anomalies found;
  for (const ReadOfAll& read : history.reads)
    if (!read.locked && read.cents != history.cents_before) ++found.fractured_reads;
  const auto& users = history.rule_users;
  for (std::size_t i = 0; i < users.size(); ++i)
    for (std::size_t j = i + 1; j < users.size(); ++j)
      if (users[i].committed && users[j].committed && users[i].read == users[j].wrote &&
          users[j].read == users[i].wrote && users[i].read != users[i].wrote)
        ++found.write_skews;
  return found;
}

}  // namespace assent::lab
