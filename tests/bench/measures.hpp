// The measurements, one of each file beside this one. Each makes its own processes and servers and
// ends them. Failures are std::runtime_error.
#pragma once

#include <chrono>
#include <cstddef>

#include "tests/bench/report.hpp"

namespace assent::bench {

struct BulkheadOptions {
  std::size_t turns = 12;                     // of each side
  std::chrono::milliseconds measured{5'000};  // in each
};
// bulkhead.cpp: what a database that hangs costs transactions that do not need it.
void measure_bulkhead(const BulkheadOptions& options, Report& report);
struct OverloadOptions {
  std::size_t turns = 4;
  std::chrono::milliseconds measured{10'000};
  std::size_t slow = 5000;
  double rate = 100;  // transfers of honest clients, a second
};
// overload.cpp: what slow connections cost honest clients.
void measure_overload(const OverloadOptions& options, Report& report);
// restart.cpp: from the coordinator's start to its first answers, with a ledger of 100 MB.
void measure_restart(Report& report);
// in_doubt.cpp: 1,000 branches in doubt, from a restart to none.
void measure_in_doubt(Report& report);
// log_alone.cpp: records made durable a second.
void measure_log(Report& report);
// memory.cpp: resident memory, idle and with 5,000 open transactions.
void measure_memory(Report& report);

}  // namespace assent::bench
