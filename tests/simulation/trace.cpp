#include "tests/simulation/trace.hpp"

#include <cstdio>

namespace assent::simulation {

Trace::Trace(bool print) : print_(print) {
  options_.namer = [this](const Uuid& id) {
    const auto found = names_.find(id);
    return found == names_.end() ? std::string() : found->second;
  };
}

void Trace::line(Instant at, const std::string& text) {
  constexpr std::size_t kKept = 80;
  const auto us = at.time_since_epoch().count();
  char time[32];
  std::snprintf(time, sizeof time, "%6lld.%06lld ", static_cast<long long>(us / 1'000'000),
                static_cast<long long>(us % 1'000'000));
  std::string whole = time + text;
  for (const char c : whole) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  if (print_) std::puts(whole.c_str());
  last_.push_back(std::move(whole));
  if (last_.size() > kKept) last_.pop_front();
}

}  // namespace assent::simulation
