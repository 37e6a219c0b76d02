#include <array>

#include "participant/blocking.hpp"

namespace assent {
namespace {

struct Mode {
  std::string_view name;
  unsigned conflicts;  // bit n: with the mode numbered n
};

// Of the table in PostgreSQL's manual, "Conflicting Lock Modes".
constexpr std::array kModes = {
    Mode{"", 0},
    Mode{"AccessShareLock", 1U << 8},
    Mode{"RowShareLock", 1U << 7 | 1U << 8},
    Mode{"RowExclusiveLock", 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8},
    Mode{"ShareUpdateExclusiveLock", 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8},
    Mode{"ShareLock", 1U << 3 | 1U << 4 | 1U << 6 | 1U << 7 | 1U << 8},
    Mode{"ShareRowExclusiveLock", 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8},
    Mode{"ExclusiveLock", 1U << 2 | 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8},
    Mode{"AccessExclusiveLock",
         1U << 1 | 1U << 2 | 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8}};

const Mode& entry(LockMode mode) {
  return kModes[static_cast<std::size_t>(mode)];
}

std::string advisory_text(const LockObject& object) {
  if (object.object_sub_id == 2)
    return "advisory lock (" + std::to_string(static_cast<std::int32_t>(object.class_id)) + ", " +
           std::to_string(static_cast<std::int32_t>(object.object_id)) + ")";
  const std::uint64_t key = std::uint64_t{object.class_id} << 32 | object.object_id;
  return "advisory lock " + std::to_string(static_cast<std::int64_t>(key));
}

}  // namespace

std::string_view to_string(LockMode mode) {
  return entry(mode).name;
}

std::optional<LockMode> parse_lock_mode(std::string_view text) {
  for (std::size_t i = 1; i < kModes.size(); ++i)
    if (kModes[i].name == text) return static_cast<LockMode>(i);
  return std::nullopt;
}

bool conflict(LockMode a, LockMode b) {
  return (entry(a).conflicts >> static_cast<unsigned>(b) & 1U) != 0;
}

std::string describe(const LockObject& object, std::string_view relation_name) {
  const std::string relation(relation_name);
  if (object.type == "relation") return relation;
  if (object.type == "tuple")
    return "row " + std::to_string(object.line) + " of page " + std::to_string(object.page) +
           " of " + relation;
  if (object.type == "transactionid") return "transaction " + std::to_string(object.xid);
  if (object.type == "virtualxid") return "virtual transaction " + object.virtual_xid;
  if (object.type == "advisory") return advisory_text(object);
  if (object.type == "page") return "page " + std::to_string(object.page) + " of " + relation;
  if (object.type == "extend") return "extension of " + relation;
  if (object.type == "object")
    return "object " + std::to_string(object.object_id) + " of catalogue " +
           std::to_string(object.class_id);
  return object.type;
}

}  // namespace assent
