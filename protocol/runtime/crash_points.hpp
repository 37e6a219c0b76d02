// Named places where a failure can be ordered from outside, for tests of what must be survived.
//
// Off unless armed. Armed by the environment, for the life of the process:
//   ASSENT_CRASH_POINTS="log.after-write=kill@3,send.commit=error,apply.before=delay:500ms@2+"
// An order is what happens at the n-th passage (@n, the first unless said) or from it on (@n+):
//   kill          the process ends by SIGKILL, as if power had failed for it
//   error         crash_point() returns true, and its caller behaves as if the step had failed
//   delay:TIME    the thread stands still for so long
//
// Names follow from the actions they stand at ("send.commit"); each component lists its own in one
// place, and --list-crash-points prints them.
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <string_view>

namespace assent {

// Arms the orders; the empty text arms nothing. Throws std::invalid_argument, naming what is wrong,
// for a point that is not among the declared ones and for a malformed order.
void arm_crash_points(std::string_view orders, std::span<const std::string> declared);

namespace detail {
inline std::atomic<bool> crash_points_armed{false};
bool pass_crash_point(std::string_view prefix, std::string_view name);
}  // namespace detail

// Whether any order was given: for loops that pass points only then.
inline bool crash_points_are_armed() {
  return detail::crash_points_armed.load(std::memory_order_relaxed);
}

// True when the caller is to behave as if this step had failed. The name is prefix + name, joined
// only when armed. A name that is not declared ends the process: it would never be tested.
inline bool crash_point(std::string_view prefix, std::string_view name = {}) {
  return detail::crash_points_armed.load(std::memory_order_relaxed) &&
         detail::pass_crash_point(prefix, name);
}

}  // namespace assent
