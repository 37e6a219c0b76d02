// The text of a value as a key: equal keys mean that the explorer need not tell the values apart.
#pragma once

#include <string>
#include <vector>

#include "protocol/time.hpp"

namespace assent::explore {

// What stands for participant i, p1, p2 …: itself, another one, or nobody in particular.
using Names = std::vector<std::string>;

// Rewrites the text form of a machine, message or record so that what cannot make a difference to
// what comes makes none to the text:
//   - an instant becomes its distance from `clock`. Those that are over are one: they are compared
//     with the present alone; but while a participant lists what it holds, they have an order.
//     Those far off are one: they come last;
//   - what a member last said it holds is kept for people;
//   - failures and troubles are for people, and the number of attempts sets a pause that the
//     explorer's limits make the same for all.
// With `names`, participants are renamed, and lists and lines put in order: no list's order means
// anything between participants, and no other list holds more than one entry here.
std::string key_of(const std::string& text, Instant clock, const Names& names = {});

}  // namespace assent::explore
