#include "coordinator/watchers.hpp"

#include <vector>

namespace assent {
namespace {

// The transaction that something is about; null: none in particular.
template <class T>
const TxId* about(const T& each) {
  if constexpr (requires { each.gid; })
    return &each.gid.tx;
  else if constexpr (requires { each.tx; })
    return &each.tx;
  else
    return nullptr;
}

template <class... T>
const TxId* about(const std::variant<T...>& one) {
  return std::visit([](const auto& each) { return about(each); }, one);
}

}  // namespace

Watchers::Watcher Watchers::add(const TxId& tx, std::function<void()> changed) {
  by_tx_.emplace(tx, ++last_);
  watchers_.emplace(last_, Watched{tx, std::move(changed)});
  return last_;
}

void Watchers::remove(Watcher watcher) {
  const auto found = watchers_.find(watcher);
  if (found == watchers_.end()) return;
  by_tx_.erase({found->second.tx, watcher});
  watchers_.erase(found);
}

void Watchers::touch(const TxId* tx) {
  if (tx == nullptr) {
    for (const auto& [each, watcher] : by_tx_) touched_.insert(each);
    return;
  }
  const auto found = by_tx_.lower_bound({*tx, 0});
  if (found != by_tx_.end() && found->first == *tx) touched_.insert(*tx);
}

void Watchers::saw(const CoordinatorEvent& event) {
  const std::size_t before = std::exchange(unfinished_, machine_.unfinished());
  if (const auto* logged = std::get_if<Logged>(&event)) {
    for (; !records_.empty() && records_.front().first <= logged->up_to; records_.pop_front())
      touch(&records_.front().second);
  } else if (const auto* message = std::get_if<FromParticipant>(&event)) {
    touch(about(message->message));
  } else if (!std::holds_alternative<CoordinatorTick>(event) || unfinished_ != before) {
    // What time does to a transaction shows in an action about it, or ends it.
    touch(about(event));
  }
}

void Watchers::did(const CoordinatorAction& action) {
  if (const auto* log = std::get_if<Log>(&action)) {
    if (const TxId* tx = about(log->record)) records_.emplace_back(log->number, *tx);
  } else if (const auto* send = std::get_if<Send>(&action)) {
    if (const TxId* tx = about(send->message)) touch(tx);
  } else if (const TxId* tx = about(action)) {
    touch(tx);
  }
}

void Watchers::turn_ended() {
  if (touched_.empty()) return;
  std::vector<Watcher> woken;
  for (const TxId& tx : std::exchange(touched_, {}))
    for (auto at = by_tx_.lower_bound({tx, 0}); at != by_tx_.end() && at->first == tx; ++at)
      woken.push_back(at->second);
  for (const Watcher watcher : woken) {
    const auto found = watchers_.find(watcher);
    if (found == watchers_.end()) continue;      // another one has removed it
    const auto changed = found->second.changed;  // it may remove itself
    changed();
  }
}

}  // namespace assent
