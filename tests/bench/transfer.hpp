// `assent-bench transfer`: transfers through Assent, and beside the raw programs in turns.
#pragma once

#include <cstddef>
#include <string>

#include "tests/bench/http_load.hpp"

namespace assent::bench {

struct TransferOptions {
  std::size_t branches = 2;
  int accounts = 10'000;
  std::size_t turns = 3;  // of each program, one after the other
  bool versus_raw = false;
  bool json = false;  // nothing but the object on standard output
  Pace pace;
  HttpLoad load;
};

// Prints progress to standard error, a table to standard output, and last one JSON object on a
// line. False when balances or answers were wrong. Throws std::runtime_error when it could not be
// measured.
bool transfer(const TransferOptions& options);

}  // namespace assent::bench
