#include "coordinator/api/admission.hpp"

#include <algorithm>
#include <utility>

#include "coordinator/api/problem_document.hpp"
#include "protocol/runtime/http_server.hpp"

namespace assent {
namespace {

// In JSON, and always the first label: names of callers need no escaping (callers.hpp), and a
// client cannot write this one, as it is reserved.
std::string owner_label(const Caller& caller) {
  return "{\"assent.caller\":\"" + caller.name + '"';
}

bool meets(Role role, Demand demand) {
  if (role == Role::everybody) return true;
  switch (demand) {
    case Demand::nothing:
      return true;
    case Demand::own:
      return role == Role::client || role == Role::viewer || role == Role::operate;
    case Demand::all:
      return role == Role::viewer || role == Role::operate;
    case Demand::run:
      return role == Role::client;
    case Demand::operate:
      return role == Role::operate;
    case Demand::link:
      return role == Role::participant;
  }
  return false;
}

bool is_unfinished(const CoordinatorMachine& machine, const TxId& id) {
  const Transaction* tx = machine.find(id);
  return tx != nullptr && tx->state != TxState::committed && tx->state != TxState::aborted;
}

}  // namespace

Admission::Decision Admission::admit(const HttpRequest& request, Demand demand, Instant now) {
  static const auto everybody = std::make_shared<const Caller>();
  if (demand == Demand::nothing) return {everybody, {}};
  auto [caller, refusal] = access_.identify(request);
  if (!caller) return {nullptr, failure_of(Problem::unauthenticated, std::move(refusal))};
  if (!meets(caller->role, demand))
    return {nullptr, failure_of(Problem::permission_denied,
                                "This is not for a " + std::string(to_string(caller->role)) + ".")};
  if (is_too_fast(*caller, now))
    return {nullptr, failure_of(Problem::overloaded,
                                "This caller has sent more than " +
                                    std::to_string(limits_.requests_per_second) +
                                    " requests in a second (limits.requests_per_second).")};
  return {std::move(caller), {}};
}

bool Admission::is_too_fast(const Caller& caller, Instant now) {
  if (limits_.requests_per_second == 0) return false;
  const auto most = static_cast<double>(limits_.requests_per_second);
  const auto [found, first] = allowances_.try_emplace(caller.name, Allowance{most, now});
  Allowance& allowance = found->second;
  const std::chrono::duration<double> passed = now - allowance.at;
  allowance.at = now;
  allowance.tokens = std::min(most, allowance.tokens + passed.count() * most);
  if (allowance.tokens < 1) return true;
  allowance.tokens -= 1;
  return false;
}

bool Admission::begin(const Caller& caller, const TxId& tx, const CoordinatorMachine& machine) {
  if (limits_.transactions == 0) return true;
  std::set<TxId>& begun = begun_[caller.name];
  // Only who has reached the limit pays for finding out which of them have ended.
  if (begun.size() >= limits_.transactions)
    std::erase_if(begun, [&machine](const TxId& id) { return !is_unfinished(machine, id); });
  if (begun.size() >= limits_.transactions) return false;
  begun.insert(tx);
  return true;
}

std::string labels_of(const Caller& caller, std::string labels) {
  if (caller.role == Role::everybody) return labels;
  return owner_label(caller) + (labels.empty() ? "}" : "," + labels.substr(1));
}

bool may_see(const Caller& caller, const Transaction& tx) {
  return caller.role != Role::client || tx.labels.starts_with(owner_label(caller));
}

}  // namespace assent
