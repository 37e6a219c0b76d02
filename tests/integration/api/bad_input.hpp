// Input that nobody should send, in kinds. Each entry is one distinct input.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace assent::test {

struct BadInput {
  std::string what;
  std::string text;  // what is sent
};

// Whole requests as bytes, which are not HTTP/1.1, or more of it than is taken.
std::vector<BadInput> bad_http();
// Bodies of POST /v1/transactions that are not acceptable JSON, or not a transaction.
std::vector<BadInput> bad_bodies();
// SQL that would leave its transaction, its session, its role or the database behind. Each would
// change the table `witness`, or the session that the next transaction finds, if it succeeded.
std::vector<BadInput> escapes();
// What these reach for, to be made in each database beforehand.
std::string escape_targets();
// Names of transactions that nobody was given.
std::vector<BadInput> forged_ids();

}  // namespace assent::test
