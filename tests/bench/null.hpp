// `assent-bench null`: a coordinator whose participants touch no database. What it does then is
// what our own code costs: HTTP, machine, decision log, links.
#pragma once

#include <cstddef>

#include "tests/bench/http_load.hpp"

namespace assent::bench {

struct NullOptions {
  std::size_t participants = 2;  // linked; the first `branches` of them take part
  std::size_t branches = 2;
  Pace pace;
};

// Prints a line for people and last one JSON object. Throws std::runtime_error when it could not be
// measured, or when an answer was not "committed".
void measure_null(const NullOptions& options);

}  // namespace assent::bench
