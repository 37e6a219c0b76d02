// Randomness from the operating system. All functions may be called from any thread.
#pragma once

#include <cstdint>
#include <span>

#include "protocol/ids.hpp"

namespace assent {

void random_bytes(std::span<std::uint8_t> out);
// Below `bound`, which is not 0; the bias is under 2^-32 for bounds under 2^32.
std::uint64_t random_below(std::uint64_t bound);
// A UUIDv7 of the present time; each is greater than all before it in this process, even when the
// wall clock steps back.
Uuid new_uuid7();

}  // namespace assent
