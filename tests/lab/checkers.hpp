// What must hold of a history, whatever failed meanwhile. Each returns a sentence for each
// violation; none: all is well.
#pragma once

#include <cstddef>

#include "tests/lab/history.hpp"

namespace assent::lab {

// Conservation: money is neither made nor lost, also in the eyes of who reads under locks.
Names check_bank(const History& history);
// Atomicity: in all of its databases or in none. Order: two transactions that meet in a list come
// in the same order in every database. Exactly once, however often a client repeated itself.
Names check_lists(const History& history);
// What was told is what is: committed is there, aborted and refused is not.
Names check_answers(const History& history);
// All of these.
Names check_all(const History& history);

// The anomalies that READ COMMITTED across databases allows: a checker that cannot see them where
// they are provoked is blind.
struct Anomalies {
  std::size_t fractured_reads = 0;  // a sum that never was
  std::size_t write_skews = 0;      // pairs that read what the other wrote
};
Anomalies find_anomalies(const History& history);

}  // namespace assent::lab
