#include "participant/postgres/kept_statements.hpp"

namespace assent {
namespace {

constexpr std::size_t kMostPrepared = 200;
constexpr std::size_t kMostKnown = 1000;
constexpr std::size_t kLongestText = 4096;

}  // namespace

KeptStatements::Use KeptStatements::use(std::string_view sql) {
  if (sql.size() > kLongestText) return {};
  const auto known = known_.find(sql);
  if (known == known_.end()) {
    if (known_.size() == kMostKnown)
      std::erase_if(known_, [](const auto& each) { return each.second.empty(); });
    if (known_.size() < kMostKnown) known_.emplace(sql, std::string());
    return {};
  }
  std::string& name = known->second;
  if (!name.empty()) return {name.c_str(), false};
  if (prepared_ == kMostPrepared) return {};
  name = "assent_kept_" + std::to_string(++prepared_);
  return {name.c_str(), true};
}

bool KeptStatements::forget(std::string_view sql) {
  const auto known = known_.find(sql);
  if (known == known_.end() || known->second.empty()) return false;
  known_.erase(known);
  return true;
}

}  // namespace assent
