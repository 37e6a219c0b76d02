// The requests of one transfer, as they go over the wire.
#pragma once

#include <string>

#include "tests/bench/http_load.hpp"

namespace assent::bench {

// All of the transaction in one request.
void write_one_shot(std::string& out, const HttpLoad& load, const Moves& moves);
// Interactive: step 0 begins, 1 … N are the branches' statements, N + 1 commits. `tx`: the id that
// the first was answered.
std::string interactive_request(const HttpLoad& load, const Moves& moves, std::size_t step,
                                const std::string& tx);

}  // namespace assent::bench
