// A transaction's timeline drawn as lanes, one for each party.
#pragma once

#include <string>
#include <string_view>

#include "clients/cli/terminal.hpp"

namespace assent::cli {

// The answer to GET /v1/transactions/{id}/events: the lanes, then every event with its time.
// `above` is printed first; where nothing is known, nothing is printed.
void print_timeline(const Terminal& terminal, const std::string& json, std::string_view above);

}  // namespace assent::cli
