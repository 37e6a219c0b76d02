#include "protocol/runtime/crash_points.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <signal.h>
#include <unistd.h>

#include "protocol/runtime/config.hpp"
#include "protocol/runtime/suggestion.hpp"

namespace assent {
namespace {

struct Order {
  enum class Kind { kill, error, delay };
  Kind kind = Kind::error;
  std::chrono::milliseconds delay{0};
  std::uint64_t from = 1;
  bool onwards = false;
};

struct Point {
  std::vector<Order> orders;
  std::string text;  // of the orders
  std::uint64_t passages = 0;
  std::uint64_t obeyed = 0;
};

struct Armed {
  std::mutex mutex;
  std::map<std::string, Point, std::less<>> points;  // every declared one
  bool injection = false;                            // orders may come while it runs
};

Armed& armed() {
  static Armed instance;
  return instance;
}

[[noreturn]] void malformed(std::string_view text) {
  throw std::invalid_argument("\"" + std::string(text) +
                              "\" is not an order such as kill, error@3 or delay:500ms@2+");
}

Order parse_order(std::string_view text) {
  Order order;
  std::string_view what = text;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    what = text.substr(0, at);
    std::string_view number = text.substr(at + 1);
    order.onwards = number.ends_with('+');
    if (order.onwards) number.remove_suffix(1);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), order.from);
    if (error != std::errc() || end != number.data() + number.size() || order.from == 0) {
      malformed(text);
    }
  }
  if (what == "kill") {
    order.kind = Order::Kind::kill;
  } else if (what == "error") {
    order.kind = Order::Kind::error;
  } else if (what.starts_with("delay:")) {
    order.kind = Order::Kind::delay;
    const auto delay = parse_duration(what.substr(6));
    if (!delay) malformed(text);
    order.delay = *delay;
  } else {
    malformed(text);
  }
  return order;
}

void give(Point& point, std::string_view order) {
  point.orders.push_back(parse_order(order));
  if (!point.text.empty()) point.text += ',';
  point.text += order;
}

template <typename Each>
void for_each_item(std::string_view list, Each each) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    each(item);
  }
}

[[noreturn]] void die_by_order(const std::string& name) {
  const std::string line = "crash point " + name + ": killed by order\n";
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

std::string no_such_point(std::string_view name, std::span<const std::string> declared) {
  return "there is no crash point \"" + std::string(name) + "\"" + suggestion(name, declared) +
         " (--list-crash-points prints them)";
}

}  // namespace

void arm_crash_points(std::string_view orders, std::span<const std::string> declared) try {
  std::map<std::string, Point, std::less<>> points;
  for (const auto& name : declared) points[name];
  for_each_item(orders, [&](std::string_view item) {
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) malformed(item);
    const auto found = points.find(item.substr(0, equals));
    if (found == points.end())
      throw std::invalid_argument(no_such_point(item.substr(0, equals), declared));
    give(found->second, item.substr(equals + 1));
  });
  auto& all = armed();
  const std::lock_guard lock(all.mutex);
  all.points = std::move(points);
  all.injection = false;
  detail::crash_points_armed = !orders.empty();
} catch (const std::invalid_argument& error) {
  throw std::invalid_argument(std::string("ASSENT_CRASH_POINTS: ") + error.what());
}

void enable_fault_injection() {
  auto& all = armed();
  const std::lock_guard lock(all.mutex);
  all.injection = true;
  detail::crash_points_armed = true;
}

bool fault_injection_is_enabled() {
  auto& all = armed();
  const std::lock_guard lock(all.mutex);
  return all.injection;
}

std::vector<CrashPointState> crash_point_states() {
  auto& all = armed();
  const std::lock_guard lock(all.mutex);
  std::vector<CrashPointState> states;
  for (const auto& [name, point] : all.points)
    states.push_back({name, point.text, point.passages, point.obeyed});
  return states;
}

std::optional<std::string> order_at_crash_point(std::string_view name, std::string_view orders) {
  Point ordered;
  try {
    for_each_item(orders, [&](std::string_view item) { give(ordered, item); });
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  auto& all = armed();
  const std::lock_guard lock(all.mutex);
  const auto found = all.points.find(name);
  if (found == all.points.end()) {
    std::vector<std::string> declared;
    for (const auto& [each, point] : all.points) declared.push_back(each);
    return no_such_point(name, declared);
  }
  found->second = std::move(ordered);
  return std::nullopt;
}

bool detail::pass_crash_point(std::string_view prefix, std::string_view name) {
  const std::string whole = std::string(prefix) + std::string(name);
  std::chrono::milliseconds delay{0};
  bool fails = false;
  {
    auto& all = armed();
    const std::lock_guard lock(all.mutex);
    const auto found = all.points.find(whole);
    if (found == all.points.end()) {
      const std::string line = "crash point " + whole + " is passed but not declared\n";
      (void)!::write(STDERR_FILENO, line.data(), line.size());
      std::abort();
    }
    const auto passage = ++found->second.passages;
    bool obeyed = false;
    for (const auto& order : found->second.orders) {
      if (passage != order.from && !(order.onwards && passage > order.from)) continue;
      obeyed = true;
      if (order.kind == Order::Kind::kill) die_by_order(whole);
      if (order.kind == Order::Kind::error) fails = true;
      if (order.kind == Order::Kind::delay) delay += order.delay;
    }
    if (obeyed) ++found->second.obeyed;
  }
  if (delay.count() > 0) std::this_thread::sleep_for(delay);
  return fails;
}

}  // namespace assent
