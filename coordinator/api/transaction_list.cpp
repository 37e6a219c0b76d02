#include "coordinator/api/transaction_list.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "coordinator/api/admission.hpp"
#include "coordinator/api/json_writer.hpp"
#include "coordinator/api/nearest.hpp"
#include "coordinator/api/problem_document.hpp"
#include "coordinator/api/transaction_view.hpp"
#include "protocol/runtime/config.hpp"

namespace assent {
namespace {

constexpr std::array kStates = {TxState::open,       TxState::preparing, TxState::deciding,
                                TxState::committing, TxState::committed, TxState::aborting,
                                TxState::aborted};

bool read_state(const std::string& text, TransactionFilter& into) {
  into.in_doubt = text == "in_doubt";
  into.damaged = text == "damaged";
  for (const TxState state : kStates)
    if (to_string(state) == text) into.state = state;
  return into.in_doubt || into.damaged || into.state;
}

bool read_participant(const std::string& text, TransactionFilter& into) {
  into.participant = text;
  return is_participant_name(text);
}

bool read_older_than(const std::string& text, TransactionFilter& into) {
  const auto duration = parse_duration(text);
  into.older_than = duration.value_or(Duration{});
  return duration && *duration >= Duration::zero();
}

bool read_limit(const std::string& text, TransactionFilter& into) {
  const auto [past, error] = std::from_chars(text.data(), text.data() + text.size(), into.limit);
  return error == std::errc() && past == text.data() + text.size() && into.limit >= 1 &&
         into.limit <= kMaxPage;
}

bool read_page_token(const std::string& text, TransactionFilter& into) {
  if (const auto uuid = parse_uuid(text)) into.before = TxId{*uuid};
  return into.before.has_value();
}

struct Parameter {
  std::string_view name;
  bool (*read)(const std::string& text, TransactionFilter& into);
  std::string_view must;
};

constexpr Parameter kParameters[] = {
    {"state", read_state,
     "must be in_doubt, damaged, open, preparing, deciding, committing, committed, aborting or "
     "aborted"},
    {"participant", read_participant, "must be a participant's name"},
    {"older_than", read_older_than, "must be a duration such as 500ms, 30s, 5m or 2h"},
    {"limit", read_limit, "must be a whole number from 1 to 1000"},
    {"page_token", read_page_token, "must be the next_page_token of an earlier page"},
};
static_assert(kMaxPage == 1000, "as the text above says");

bool involves(const Transaction& tx, const std::string& participant) {
  return tx.branch(participant) != nullptr;
}

bool involves(const Doubt& doubt, const std::string& participant) {
  return doubt.askers.contains(participant) ||
         std::find(doubt.peers.begin(), doubt.peers.end(), participant) != doubt.peers.end();
}

bool has_state(const Transaction& tx, const TransactionFilter& filter) {
  if (filter.in_doubt) return in_doubt(tx);
  if (filter.damaged) return tx.damaged();
  return !filter.state || tx.state == *filter.state;
}

bool has_state(const Doubt&, const TransactionFilter& filter) {
  return !filter.state && !filter.damaged;
}

bool is_old(const TxId& id, const TransactionFilter& filter, std::int64_t now_wall_ms) {
  if (filter.older_than == Duration{}) return true;
  return now_wall_ms - uuid7_unix_ms(id.uuid).value_or(0) >= filter.older_than.count();
}

template <class T>
bool is_wanted(const TxId& id, const T& item, const TransactionFilter& filter,
               std::int64_t now_wall_ms) {
  return has_state(item, filter) && is_old(id, filter, now_wall_ms) &&
         (filter.participant.empty() || involves(item, filter.participant));
}

// A map from its newest wanted id downwards.
template <class T>
struct Downwards {
  Downwards(const std::map<TxId, T>& items, const std::optional<TxId>& before)
      : at(before ? std::make_reverse_iterator(items.lower_bound(*before)) : items.rbegin()),
        end(items.rend()) {}
  bool done() const { return at == end; }

  typename std::map<TxId, T>::const_reverse_iterator at, end;
};

}  // namespace

std::variant<TransactionFilter, Failure> parse_filter(const QueryParameters& query) {
  const auto invalid = [](const std::string& name, std::string_view what) {
    return failure_of(Problem::invalid_request, shortened(name) + std::string(what));
  };
  TransactionFilter filter;
  std::vector<std::string_view> seen;
  for (const auto& [name, value] : query) {
    const auto parameter = std::find_if(
        std::begin(kParameters), std::end(kParameters),
        [&, key = std::string_view(name)](const auto& row) { return row.name == key; });
    if (parameter == std::end(kParameters)) {
      std::vector<std::string_view> names;
      for (const Parameter& row : kParameters) names.push_back(row.name);
      return invalid(name, ": unknown query parameter" + suggestion(name, names));
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      return invalid(name, ": given twice");
    seen.push_back(name);
    if (!parameter->read(value, filter)) return invalid(name, ": " + std::string(parameter->must));
  }
  return filter;
}

void append_list(std::string& out, const CoordinatorMachine& machine,
                 const TransactionFilter& filter, const Caller& caller, std::int64_t now_wall_ms) {
  Downwards transactions(machine.transactions(), filter.before);
  Downwards doubts(machine.doubts(), filter.before);
  JsonObject page(out);
  TxId last;
  {
    JsonArray list(page.field("transactions"));
    std::size_t found = 0;
    for (std::size_t examined = 0; examined < kMaxExamined && found < filter.limit; ++examined) {
      if (transactions.done() && doubts.done()) break;
      if (doubts.done() || (!transactions.done() && transactions.at->first >= doubts.at->first)) {
        const auto& [id, tx] = *transactions.at++;
        last = id;
        // Known after all: the doubt about it says less.
        if (!doubts.done() && doubts.at->first == id) ++doubts.at;
        if (!may_see(caller, tx) || !is_wanted(id, tx, filter, now_wall_ms)) continue;
        append_transaction(list.element(), tx, Detail::summary);
      } else {
        const auto& [id, doubt] = *doubts.at++;
        last = id;
        // Nobody knows any more whose it was.
        if (caller.role == Role::client || !is_wanted(id, doubt, filter, now_wall_ms)) continue;
        append_doubt(list.element(), doubt);
      }
      ++found;
    }
  }
  if (!transactions.done() || !doubts.done()) page.text("next_page_token", to_string(last));
}

}  // namespace assent
