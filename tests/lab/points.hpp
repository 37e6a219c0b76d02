// Crash points of running daemons: which there are, and orders for them.
//
// Functions with an `admin` address ("127.0.0.1:7401") need a daemon that was started with
// --enable-fault-injection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assent::lab {

// As --list-crash-points prints them. Throws std::runtime_error.
const std::vector<std::string>& coordinator_points();
const std::vector<std::string>& participant_points();

// Replaces the point's orders: "kill", "error@2", "delay:2s"; the empty text takes them back.
// Throws std::runtime_error with what the daemon says.
void order_at(const std::string& admin, const std::string& point, const std::string& orders);

struct PointCount {
  std::string point;
  std::uint64_t passages = 0;  // since its orders were given
  std::uint64_t obeyed = 0;
};
// Empty: the daemon does not answer.
std::vector<PointCount> count_points(const std::string& admin);

}  // namespace assent::lab
