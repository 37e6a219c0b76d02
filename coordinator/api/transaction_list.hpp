// GET /v1/transactions: which transactions to show, and a page of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/coordinator_machine.hpp"

namespace assent {

struct Caller;

inline constexpr std::size_t kDefaultPage = 100;
inline constexpr std::size_t kMaxPage = 1000;
// However rare the wanted ones are, one request looks at no more than so many transactions: the
// page may be short, or empty, and still have a next one.
inline constexpr std::size_t kMaxExamined = 10'000;

struct TransactionFilter {
  std::optional<TxState> state;
  bool in_doubt = false;    // state=in_doubt: some branch is, or may be, prepared
  bool damaged = false;     // state=damaged: a branch ended otherwise than decided, or unproven
  std::string participant;  // empty: any
  Duration older_than{};
  std::size_t limit = kDefaultPage;
  std::optional<TxId> before;  // page_token: the last one of the page before
};

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

std::variant<TransactionFilter, Failure> parse_filter(const QueryParameters& query);

// {"transactions":[…],"next_page_token":"…"}, the newest first: those that the caller may see.
void append_list(std::string& out, const CoordinatorMachine& machine,
                 const TransactionFilter& filter, const Caller& caller, std::int64_t now_wall_ms);

}  // namespace assent
