// The least that any correct two-phase commit must do, without anything around it: libpq and epoll,
// one thread, one connection to each database for each client. Nobody could use it for more than to
// compare with.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/book.hpp"
#include "tests/bench/recorder.hpp"

namespace assent::bench::raw {

enum class Variant {
  durable,    // prepare everywhere, one synced record for all that are decided at once, commit
  no_log,     // the same without the record: nobody could finish after a crash
  one_phase,  // one commit in each database: not atomic
};
const char* to_string(Variant variant);

// Begin, statement and prepare go to all databases at once, each in one round trip (a pipeline with
// the statement prepared beforehand), then all commits at once; answered when all have committed.
// `log`: a file for the decision records, zero-filled beforehand. Closed loop only. Returns when
// everything that was begun has ended; throws std::runtime_error when anything failed.
void run(Variant variant, const std::vector<std::string>& databases, const std::string& log,
         const Pace& pace, Book& book, Recorder& recorder);

}  // namespace assent::bench::raw
