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
  std::uint64_t passages = 0;
};

struct Armed {
  std::mutex mutex;
  std::map<std::string, Point, std::less<>> points;  // every declared one
};

Armed& armed() {
  static Armed instance;
  return instance;
}

[[noreturn]] void malformed(std::string_view text) {
  throw std::invalid_argument("ASSENT_CRASH_POINTS: \"" + std::string(text) +
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

[[noreturn]] void die_by_order(const std::string& name) {
  const std::string line = "crash point " + name + ": killed by order\n";
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

}  // namespace

void arm_crash_points(std::string_view orders, std::span<const std::string> declared) {
  std::map<std::string, Point, std::less<>> points;
  for (const auto& name : declared) points[name];
  bool any = false;
  while (!orders.empty()) {
    const std::string_view item = orders.substr(0, orders.find(','));
    orders.remove_prefix(std::min(orders.size(), item.size() + 1));
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) malformed(item);
    const auto found = points.find(item.substr(0, equals));
    if (found == points.end()) {
      throw std::invalid_argument("ASSENT_CRASH_POINTS: there is no crash point \"" +
                                  std::string(item.substr(0, equals)) + "\"" +
                                  suggestion(item.substr(0, equals), declared) +
                                  " (--list-crash-points prints them)");
    }
    found->second.orders.push_back(parse_order(item.substr(equals + 1)));
    any = true;
  }
  auto& all = armed();
  const std::lock_guard lock(all.mutex);
  all.points = std::move(points);
  detail::crash_points_armed = any;
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
    for (const auto& order : found->second.orders) {
      if (passage != order.from && !(order.onwards && passage > order.from)) continue;
      if (order.kind == Order::Kind::kill) die_by_order(whole);
      if (order.kind == Order::Kind::error) fails = true;
      if (order.kind == Order::Kind::delay) delay += order.delay;
    }
  }
  if (delay.count() > 0) std::this_thread::sleep_for(delay);
  return fails;
}

}  // namespace assent
