// Named places where a failure can be ordered from outside, for tests of what must be survived.
//
// Off unless armed: by the environment, for the life of the process,
//   ASSENT_CRASH_POINTS="engine.logged=kill@3,engine.send.commit=error,engine.reply=delay:500ms@2+"
// or, where the daemon was started with --enable-fault-injection, over its admin listener
// (/v1/faults). An order is what happens at the n-th passage (@n, the first unless said) or from it
// on (@n+):
//   kill          the process ends by SIGKILL, as if power had failed for it
//   error         crash_point() returns true, and its caller behaves as if the step had failed
//   delay:TIME    the thread stands still for so long
//
// Names follow from the actions they stand at ("send.commit"); each component lists its own in one
// place, and --list-crash-points prints them.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assent {

// Arms the orders; the empty text arms nothing. Throws std::invalid_argument, naming what is wrong,
// for a point that is not among the declared ones and for a malformed order.
void arm_crash_points(std::string_view orders, std::span<const std::string> declared);

// From here on, for the life of the process, orders can be given while it runs, and passages are
// counted. Call it after arm_crash_points().
void enable_fault_injection();
bool fault_injection_is_enabled();

struct CrashPointState {
  std::string name;
  std::string orders;          // as given, separated by commas; empty: none
  std::uint64_t passages = 0;  // since its orders were given
  std::uint64_t obeyed = 0;    // of these, passages at which an order was carried out
};
// All declared points, in the order of their names. From any thread.
std::vector<CrashPointState> crash_point_states();

// Replaces the orders of one point (commas between them; the empty text takes them back) and counts
// its passages from zero again. Returns what is wrong; nothing has changed then. From any thread.
std::optional<std::string> order_at_crash_point(std::string_view name, std::string_view orders);

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
