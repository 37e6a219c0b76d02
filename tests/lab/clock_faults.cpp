// Loaded into a daemon by LD_PRELOAD: its wall clock is moved, and no other process's. The
// monotonic clock is left alone, as it is by whoever sets a machine's clock.
//
// LAB_CLOCK names a file of eight bytes that whoever moves the clock maps as well: by how many
// microseconds, as a signed number of this machine.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

using Offset = std::atomic<std::int64_t>;

const Offset* map_offset() {
  static const Offset none{0};
  const char* name = std::getenv("LAB_CLOCK");
  const int fd = name ? ::open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return &none;
  void* page = ::mmap(nullptr, sizeof(Offset), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return page == MAP_FAILED ? &none : static_cast<const Offset*>(page);
}

std::int64_t offset_us() {
  static const Offset* const offset = map_offset();
  return offset->load(std::memory_order_relaxed);
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool is_wall(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

constexpr std::int64_t kSecond = 1'000'000;  // in microseconds

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* at) {
  static const auto real = next<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, at);
  if (result != 0 || !is_wall(clock)) return result;
  const std::int64_t us = at->tv_nsec / 1000 + offset_us() % kSecond;
  const std::int64_t carry = us < 0 ? -1 : us / kSecond;
  at->tv_sec += static_cast<time_t>(offset_us() / kSecond + carry);
  at->tv_nsec = static_cast<long>(us - carry * kSecond) * 1000 + at->tv_nsec % 1000;
  return result;
}

int gettimeofday(timeval* __restrict at, void* __restrict) {
  timespec now{};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  *at = {now.tv_sec, now.tv_nsec / 1000};
  return result;
}

time_t time(time_t* into) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
