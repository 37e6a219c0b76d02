#include "protocol/runtime/random.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <sys/random.h>

#include "protocol/runtime/clock.hpp"

namespace assent {
namespace {

// Fetched in blocks, as a system call for each id would cost more than the id.
struct Pool {
  std::array<std::uint8_t, 4096> bytes{};
  std::size_t used = bytes.size();

  void refill() {
    std::size_t filled = 0;
    while (filled < bytes.size()) {
      const auto got = getrandom(bytes.data() + filled, bytes.size() - filled, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) std::abort();  // no kernel we run on fails here; predictable ids would be worse
      filled += static_cast<std::size_t>(got);
    }
    used = 0;
  }
};

}  // namespace

void random_bytes(std::span<std::uint8_t> out) {
  thread_local Pool pool;
  while (!out.empty()) {
    if (pool.used == pool.bytes.size()) pool.refill();
    const std::size_t count = std::min(out.size(), pool.bytes.size() - pool.used);
    std::memcpy(out.data(), pool.bytes.data() + pool.used, count);
    std::memset(pool.bytes.data() + pool.used, 0, count);  // given out once, kept nowhere
    pool.used += count;
    out = out.subspan(count);
  }
}

std::uint64_t random_below(std::uint64_t bound) {
  std::array<std::uint8_t, 8> bytes{};
  random_bytes(bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value % bound;
}

Uuid new_uuid7() {
  static std::mutex mutex;
  static Uuid last;
  const std::lock_guard lock(mutex);
  std::array<std::uint8_t, 10> random{};
  random_bytes(random);
  Uuid uuid = make_uuid7(read_clock().wall_ms, random);
  if (uuid <= last) {
    // The same millisecond, or an earlier one: the last id, its random tail (the 62 bits after the
    // variant) moved on by a random step. A tail that overflows carries into the next millisecond.
    std::uint64_t tail = 0;
    std::uint64_t step = 0;
    for (int i = 8; i < 16; ++i) tail = (tail << 8) | last.bytes[i];
    for (int i = 0; i < 5; ++i) step = (step << 8) | random[i];
    tail = (tail & 0x3fffffffffffffff) + step + 1;
    if (tail >> 62) {
      uuid = make_uuid7(uuid7_unix_ms(last).value_or(0) + 1, random);
    } else {
      uuid = last;
      for (int i = 15; i > 8; --i, tail >>= 8) uuid.bytes[i] = static_cast<std::uint8_t>(tail);
      uuid.bytes[8] = static_cast<std::uint8_t>(0x80 | tail);
    }
  }
  last = uuid;
  return uuid;
}

}  // namespace assent
