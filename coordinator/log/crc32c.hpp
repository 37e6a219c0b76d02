// CRC-32C (Castagnoli), by the processor's own instruction where it has one.
#pragma once

#include <cstdint>
#include <string_view>

namespace assent {

// Of the two pieces one after the other. Check value: e3069283 for "123456789".
std::uint32_t crc32c(std::string_view first, std::string_view second = {});

// The same by table, on every processor; tests hold the two against each other.
std::uint32_t crc32c_by_table(std::string_view first, std::string_view second = {});

}  // namespace assent
