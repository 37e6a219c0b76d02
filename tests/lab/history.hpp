// What clients did and were told, and what was found in the databases when all was quiet: the
// matter of the checkers. Plain data, so that histories can be written by hand.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "clients/cpp/requester.hpp"

namespace assent::lab {

// One transaction as its client saw it. It leaves its name in `lab_mark` of each of its databases,
// and at the end of one list, the same in all of them.
struct Attempt {
  std::string name;
  std::vector<std::string> databases;
  std::string list;  // empty: none
  client::Fate told = client::Fate::unknown;
};

using Names = std::vector<std::string>;

// Two or more numbers that one client read, of one database each, with nothing held in between.
struct ReadOfAll {
  std::int64_t cents = 0;  // their sum
  bool locked = false;     // read under locks that were held to the end
};

// A transaction that checked a rule over two databases: which it read, and which it wrote.
struct RuleUser {
  std::string name;
  std::string read;
  std::string wrote;
  bool committed = false;
};

struct History {
  std::vector<Attempt> attempts;
  std::map<std::string, Names> marks;                         // by database
  std::map<std::string, std::map<std::string, Names>> lists;  // by database and list, in order
  std::int64_t cents_before = 0;
  std::int64_t cents_after = 0;
  std::vector<ReadOfAll> reads;
  std::vector<RuleUser> rule_users;
};

}  // namespace assent::lab
