#include "coordinator/api/transaction_wait.hpp"

#include "coordinator/api/admission.hpp"
#include "coordinator/api/endpoints.hpp"
#include "coordinator/api/json_writer.hpp"
#include "coordinator/api/problem_document.hpp"
#include "coordinator/api/request_key.hpp"
#include "coordinator/api/transaction_view.hpp"
#include "coordinator/engine.hpp"
#include "coordinator/timeline.hpp"
#include "protocol/runtime/config.hpp"

namespace assent {
namespace {

constexpr unsigned kNotModified = 304;

std::string etag_of(const HttpResponse& response) {
  for (const auto& [name, value] : response.headers)
    if (name == "ETag") return value;
  return {};
}

bool is_over(const Transaction& tx) {
  return tx.state == TxState::committed || tx.state == TxState::aborted;
}

}  // namespace

std::variant<Duration, Failure> parse_wait(const HttpRequest& request) {
  const auto refused = [](const std::string& what) {
    return failure_of(Problem::invalid_request, what);
  };
  if (request.query.empty()) return Duration::zero();
  for (const auto& [name, value] : request.query)
    if (name != "wait")
      return refused(shortened(name) + ": unknown query parameter; there is `wait`");
  if (request.query.size() > 1) return refused("wait: given twice");
  const std::string& value = request.query.front().second;
  const auto longest = parse_duration(value);
  if (!longest || *longest < Duration::zero() || *longest > kLongestWait)
    return refused("wait: must be a duration up to 60s, such as 500ms or 30s; got " +
                   shortened(value));
  return *longest;
}

TransactionWait::TransactionWait(const Call& call, const TxId& tx, Duration longest)
    : HttpWait(longest),
      engine_(call.engine),
      caller_(call.caller),
      tx_(tx),
      if_none_match_(call.request.header("if-none-match").value_or("")),
      trace_id_(trace_id_of(call.request)) {}

TransactionWait::~TransactionWait() {
  engine_.timeline().watchers().remove(watcher_);
}

bool TransactionWait::matches(const std::string& etag) const {
  return !etag.empty() && if_none_match_.find(etag) != if_none_match_.npos;
}

bool TransactionWait::begins() {
  if (longest() == Duration::zero()) return false;
  etag_ = etag_of(shown());
  if (etag_.empty()) return false;  // not known here
  const Transaction* tx = engine_.machine().find(tx_);
  return (tx == nullptr || !is_over(*tx)) && (if_none_match_.empty() || matches(etag_));
}

void TransactionWait::on_ready(std::function<void()> ready) {
  watcher_ = engine_.timeline().watchers().add(tx_, [this, ready = std::move(ready)] {
    if (etag_of(shown()) != etag_) ready();
  });
}

HttpResponse TransactionWait::answer() {
  HttpResponse response = shown();
  if (matches(etag_of(response))) {
    response.status = kNotModified;
    response.body.clear();
  }
  return response;
}

// The problem that it is not known, where it is not: what may be concluded from that, it says.
HttpResponse TransactionWait::shown() const {
  const CoordinatorMachine& machine = engine_.machine();
  ProblemContext context;
  context.trace_id = trace_id_;
  HttpResponse response;
  if (const Transaction* tx = machine.find(tx_)) {
    if (!may_see(*caller_, *tx)) return problem_response(not_your_own(), context);
    append_transaction(response.body, *tx, Detail::full, machine.ledger());
  } else if (const auto doubt = machine.doubts().find(tx_); doubt != machine.doubts().end()) {
    append_doubt(response.body, doubt->second);
  } else {
    context.fate = machine.fate_of_unknown(tx_, engine_.now());
    return problem_response(machine.failure_of_unknown(tx_, engine_.now()), context);
  }
  response.headers.emplace_back("ETag", '"' + hex(short_sha256(response.body)) + '"');
  return response;
}

void show_transaction(Call call) {
  const auto longest = parse_wait(call.request);
  if (const auto* failure = std::get_if<Failure>(&longest)) return call.refuse(*failure);
  const auto id = call.transaction_id();
  if (!id) return;
  const auto view = std::make_shared<TransactionWait>(call, *id, std::get<Duration>(longest));
  if (!view->begins()) return call.respond(view->answer());
  HttpResponse later;
  later.wait = view;
  call.respond(std::move(later));
}

}  // namespace assent
