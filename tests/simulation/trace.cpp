#include "tests/simulation/trace.hpp"

#include <cstdio>
#include <cstring>

namespace assent::simulation {

Trace::Trace(Listener listener) : listener_(std::move(listener)) {
  options_.namer = [this](const Uuid& id) {
    const auto found = names_.find(id);
    return found == names_.end() ? std::string() : found->second;
  };
}

void Trace::hash(std::string_view text) {
  std::size_t done = 0;
  for (; text.size() - done >= sizeof(std::uint64_t); done += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + done, sizeof word);
    hash(word);
  }
  for (; done < text.size(); ++done) hash(static_cast<unsigned char>(text[done]));
}

void Trace::line(Instant at, const std::string& who, char kind, std::string text) {
  constexpr std::size_t kKept = 80;
  hash(static_cast<std::uint64_t>(at.time_since_epoch().count()));
  hash(who);
  hash(static_cast<unsigned char>(kind));
  hash(text);
  if (listener_) listener_({at, who, kind, text});
  last_.push_back({at, who, kind, std::move(text)});
  if (last_.size() > kKept) last_.pop_front();
}

std::string Trace::shown(const Line& line) {
  const auto us = line.at.time_since_epoch().count();
  char time[32];
  std::snprintf(time, sizeof time, "%6lld.%06lld ", static_cast<long long>(us / 1'000'000),
                static_cast<long long>(us % 1'000'000));
  const std::string who = line.kind == '-' ? "--" : line.who + ' ' + line.kind;
  return time + who + ' ' + line.text;
}

std::vector<std::string> Trace::last_lines() const {
  std::vector<std::string> lines;
  for (const Kept& each : last_) lines.push_back(shown({each.at, each.who, each.kind, each.text}));
  return lines;
}

}  // namespace assent::simulation
