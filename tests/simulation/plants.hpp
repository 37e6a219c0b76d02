// The mistakes a host can make on purpose, and which invariant is to catch each.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "tests/simulation/world.hpp"

namespace assent::simulation {

struct PlantInfo {
  Plant plant;
  std::string_view name;
  std::string_view breaks;     // what it does, in one line
  std::string_view caught_by;  // the invariants that may catch it first
};

std::span<const PlantInfo> all_plants();
std::optional<Plant> parse_plant(std::string_view name);

}  // namespace assent::simulation
