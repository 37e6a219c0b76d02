#include "coordinator/log/crc32c.hpp"

#include <cstring>

#include <boost/crc.hpp>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace assent {
namespace {

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint64_t extend(std::uint64_t crc, std::string_view bytes) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  for (; left > 0; ++at, --left)
    crc = _mm_crc32_u8(static_cast<std::uint32_t>(crc), static_cast<unsigned char>(*at));
  return crc;
}

std::uint32_t crc32c_by_instruction(std::string_view first, std::string_view second) {
  return static_cast<std::uint32_t>(~extend(extend(0xffffffff, first), second));
}
#endif

using Routine = std::uint32_t (*)(std::string_view, std::string_view);

Routine best_routine() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_by_instruction;
#endif
  return crc32c_by_table;
}

}  // namespace

std::uint32_t crc32c_by_table(std::string_view first, std::string_view second) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(first.data(), first.size());
  crc.process_bytes(second.data(), second.size());
  return crc.checksum();
}

std::uint32_t crc32c(std::string_view first, std::string_view second) {
  static const Routine routine = best_routine();
  return routine(first, second);
}

}  // namespace assent
