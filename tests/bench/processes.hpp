// What the kernel says of processes, and waiting to the millisecond.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <sys/types.h>

#include "tests/bench/recorder.hpp"

namespace assent::bench {

double seconds_since(Clock::time_point start);
// Of the last minute: who else was using the machine.
double load_average();
// Resident memory now.
double resident_mib(pid_t pid);
// User and system time used so far.
double cpu_seconds(pid_t pid);
// The same of a process, its children now, and those of its children that have ended.
double cpu_seconds_of_tree(pid_t pid);
// Polls every millisecond. Throws std::runtime_error, naming `what`, when it is not so in time.
void await(const std::string& what, std::chrono::milliseconds within,
           const std::function<bool()>& condition);

}  // namespace assent::bench
