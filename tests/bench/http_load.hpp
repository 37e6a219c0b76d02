// Transfers through the REST API: many clients on one thread, each with one kept connection and one
// request under way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/book.hpp"
#include "tests/bench/recorder.hpp"

namespace assent::bench {

struct HttpLoad {
  enum class Mode { one_shot, interactive };
  Mode mode = Mode::one_shot;
  bool wait_for_decided = false;  // else: applied by every branch
  bool read_only = false;         // reads the balances instead of moving money
  std::size_t statements = 1;     // in each branch: one that moves money, the others read
  std::size_t fresh_every = 0;    // so many transfers over one connection; 0: any number
  bool tolerant = false;          // what is not answered, or not carried out, is counted
  std::uint16_t port = 0;         // of the coordinator, on 127.0.0.1
  std::vector<std::string> participants;
};

struct HttpCounts {
  std::uint64_t requests = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t aborted = 0;  // answers that say so; the money has not moved
  std::uint64_t pending = 0;  // committed, a branch had still to apply it
  std::uint64_t refused = 0;  // tolerant: anything else, or nothing
  std::string first_refusal;  // the body of the first "aborted"
};

// Returns when all that was begun is answered. Throws std::runtime_error at an answer that leaves
// the outcome unknown, or is none, unless it is to be tolerant.
HttpCounts run(const HttpLoad& load, const Pace& pace, Book& book, Recorder& recorder);

}  // namespace assent::bench
