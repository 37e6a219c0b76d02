// The measurements, one of each file beside this one. Each makes its own processes and servers and
// ends them. Failures are std::runtime_error.
#pragma once

#include "tests/bench/report.hpp"

namespace assent::bench {

// bulkhead.cpp: what a database that hangs costs transactions that do not need it.
void measure_bulkhead(Report& report);
// restart.cpp: from the coordinator's start to its first answers, with a ledger of 100 MB.
void measure_restart(Report& report);
// in_doubt.cpp: 1,000 branches in doubt, from a restart to none.
void measure_in_doubt(Report& report);
// log_alone.cpp: records made durable a second.
void measure_log(Report& report);
// memory.cpp: resident memory, idle and with 5,000 open transactions.
void measure_memory(Report& report);

}  // namespace assent::bench
