// A ledger's folder described in few bytes, so that a fuzzer gets past the checksums.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace assent::fuzz {

// Files one after the other, each:
//   number   u8   of the segment
//   options  u8   1: make the header's checksum right, 2: those of the frames too
//   zeros    u8   in units of 64 bytes, after the content
//   length   u16  of the content, little-endian; what is left where it says more
//   content
std::map<std::string, std::string> read_folder(std::string_view bytes);

// A description of these segments, numbers below 256, without trailing zeros.
std::string describe_folder(const std::map<std::string, std::string>& files);

}  // namespace assent::fuzz
