// Two-phase commit by hand, to compare with: nobody could finish it after a crash.
#pragma once

#include <functional>
#include <string>

namespace assent::bench {

using Transfer = std::function<void(int from, int to)>;

// Two connections of its own; begin, update and prepare in one round trip to both servers at once,
// then both commits at once. Nothing is recorded in between. Not thread-safe; throws
// std::runtime_error.
Transfer bare_transfer(const std::string& from_database, const std::string& to_database,
                       int client);

}  // namespace assent::bench
