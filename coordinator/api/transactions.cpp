// Transactions: begin, ask, run, commit, roll back. Every request is one event for the engine and
// one reply from it.
#include "coordinator/api/admission.hpp"
#include "coordinator/api/endpoints.hpp"
#include "coordinator/api/preferences.hpp"
#include "coordinator/api/problem_document.hpp"
#include "coordinator/api/request_key.hpp"
#include "coordinator/api/transaction_list.hpp"
#include "coordinator/api/transaction_request.hpp"
#include "coordinator/api/transaction_view.hpp"
#include "coordinator/engine.hpp"
#include "coordinator/timeline.hpp"

namespace assent {
namespace {

constexpr unsigned kOk = 200, kCreated = 201, kAccepted = 202;

// What a later answer needs of its request; the rest, with the body, is let go.
struct Pending {
  Engine& engine;
  HttpServer::Respond respond;
  std::string trace_id;
};

Pending pending_of(Call& call) {
  return {call.engine, std::move(call.respond), trace_id_of(call.request)};
}

HttpResponse problem_about(const Pending& pending, const Reply& reply, const Transaction* tx,
                           const Failure& failure) {
  ProblemContext context;
  if (tx != nullptr) context.tx = reply.tx;
  context.fate = reply.fate;
  context.trace_id = pending.trace_id;
  std::string branches;
  const bool incomplete = failure.problem == Problem::branch_not_prepared;
  if (tx != nullptr && (tx->damaged() || incomplete))
    append_branches(branches, *tx, Detail::summary);
  context.branches = branches;
  return problem_response(failure, context);
}

// A branch ended against the decision, or nobody knows how: whatever else could be said, this is.
Failure damage_of(const Transaction& tx, Fate fate) {
  std::string detail = "The transaction is " + std::string(to_string(fate)) + ", but";
  const char* separator = " ";
  for (const TxBranch& branch : tx.branches) {
    if (branch.phase == BranchPhase::heuristic)
      detail += separator + branch.participant + " ended the other way, by hand";
    else if (branch.phase == BranchPhase::unproven)
      detail += separator + branch.participant + " has ended and nobody can say how";
    else
      continue;
    separator = "; ";
  }
  return failure_of(Problem::heuristic_outcome, detail);
}

// The problem to answer with instead of success; nullopt where all is well.
std::optional<HttpResponse> trouble(const Pending& pending, const Reply& reply,
                                    const Transaction* tx) {
  if (tx != nullptr && tx->damaged())
    return problem_about(pending, reply, tx, damage_of(*tx, reply.fate));
  if (reply.failure) return problem_about(pending, reply, tx, *reply.failure);
  if (tx == nullptr)
    return problem_about(pending, reply, tx,
                         failure_of(Problem::outcome_unknown,
                                    "The transaction has ended and its details are gone."));
  return std::nullopt;
}

void locate(HttpResponse& response, const TxId& tx) {
  response.headers.emplace_back("Location", "/v1/transactions/" + to_string(tx));
}

// The answer to begin and commit. `done` is the status of a commit applied everywhere.
HttpResponse outcome_response(const Pending& pending, const Reply& reply, unsigned done) {
  const Transaction* tx = pending.engine.machine().find(reply.tx);
  if (auto problem = trouble(pending, reply, tx)) return std::move(*problem);
  HttpResponse response;
  switch (tx->state) {
    case TxState::open:
    case TxState::committed:
      response.status = done;
      break;
    case TxState::committing:  // decided, but a branch has yet to apply it
      response.status = kAccepted;
      break;
    case TxState::preparing:
    case TxState::deciding:
      return problem_about(pending, reply, tx, failure_of(Problem::outcome_unknown, ""));
    case TxState::aborting:
    case TxState::aborted:
      return problem_about(pending, reply, tx,
                           tx->failure.value_or(failure_of(Problem::already_aborted, "")));
  }
  locate(response, tx->tx);
  append_transaction(response.body, *tx, Detail::full, pending.engine.machine().ledger());
  return response;
}

// What is said of a request that is under way to a client that does not wait for its end.
struct Early {
  Pending pending;
  Watchers::Watcher watcher = 0;
  bool said = false;

  void say(HttpResponse response) {
    said = true;
    pending.engine.timeline().watchers().remove(watcher);
    pending.respond(std::move(response));
  }
};

HttpResponse accepted_response(const Pending& pending, const Transaction& tx) {
  HttpResponse response;
  response.status = kAccepted;
  locate(response, tx.tx);
  response.headers.emplace_back("Preference-Applied", std::string(kRespondAsync));
  append_transaction(response.body, tx, Detail::full, pending.engine.machine().ledger());
  return response;
}

// Asks for begin or commit. A client that does not wait is answered at the end of the turn that has
// taken its request, whatever is known by then; the transaction goes on.
template <class Event>
void ask_for_outcome(const HttpRequest& request, Pending pending, Event event, unsigned done) {
  Engine& engine = pending.engine;
  if (!prefers_async(request)) {
    engine.ask(std::move(event), [pending = std::move(pending), done](const Reply& reply) {
      pending.respond(outcome_response(pending, reply, done));
    });
    return;
  }
  const auto early = std::make_shared<Early>(Early{std::move(pending)});
  early->watcher = engine.timeline().watchers().add(event.tx, [early, tx = event.tx] {
    const Transaction* known = early->pending.engine.machine().find(tx);
    // Where it has joined another one, has failed or is damaged, the reply says so.
    if (early->said || known == nullptr) return;
    if (fate_of(known->state) == Fate::aborted || known->damaged()) return;
    early->say(accepted_response(early->pending, *known));
  });
  engine.ask(std::move(event), [early, done](const Reply& reply) {
    if (!early->said) early->say(outcome_response(early->pending, reply, done));
  });
}

HttpResponse rollback_response(const Pending& pending, const Reply& reply) {
  const Transaction* tx = pending.engine.machine().find(reply.tx);
  if (auto problem = trouble(pending, reply, tx)) return std::move(*problem);
  if (fate_of(tx->state) != Fate::aborted)
    return problem_about(pending, reply, tx, failure_of(Problem::outcome_unknown, ""));
  HttpResponse response;
  append_transaction(response.body, *tx, Detail::summary);
  return response;
}

HttpResponse statements_response(const Pending& pending, const Reply& reply) {
  const Transaction* tx = pending.engine.machine().find(reply.tx);
  if (auto problem = trouble(pending, reply, tx)) return std::move(*problem);
  HttpResponse response;
  append_statements_answer(response.body, *tx);
  return response;
}

bool read_key(const Call& call, Begin& event) {
  const auto header = call.request.header("idempotency-key");
  const auto sent = call.request.header("repeatability-first-sent");
  if (!header) {
    if (sent)
      call.refuse(failure_of(Problem::invalid_request,
                             "Repeatability-First-Sent: is for a request with an Idempotency-Key"));
    return !sent;
  }
  event.key = request_key(*header, call.request.body, call.caller->name);
  if (!event.key)
    call.refuse(failure_of(Problem::invalid_request, "Idempotency-Key: must be 1 to " +
                                                         std::to_string(kMaxIdempotencyKey) +
                                                         " printable ASCII characters"));
  if (!event.key || !sent) return event.key.has_value();
  const auto at = parse_http_date(*sent);
  if (!at)
    call.refuse(failure_of(Problem::invalid_request,
                           "Repeatability-First-Sent: must be an HTTP date, such as Mon, 30 Nov "
                           "2026 16:00:00 GMT"));
  event.key->first_sent_ms = at.value_or(0);
  return at.has_value();
}

Failure not_to_be_used(const std::string& participant) {
  return failure_of(Problem::permission_denied,
                    "This caller may not use the participant " + participant + ".");
}

// A participant that is not the caller's to use refuses the transaction; but a repeated request
// hears what became of the first one, whatever group has other members by now.
void refuse_participants(const Call& call, Begin& event) {
  for (const auto& branch : event.branches)
    if (!event.refusal && !call.caller->may_use(branch.participant))
      event.refusal = not_to_be_used(branch.participant);
}

}  // namespace

void create_transaction(Call call) {
  auto parsed = parse_begin(call.request.body, call.groups);
  if (const auto* failure = std::get_if<Failure>(&parsed)) return call.refuse(*failure);
  Begin& event = std::get<Begin>(parsed);
  refuse_participants(call, event);
  if (!read_key(call, event)) return;
  event.labels = labels_of(*call.caller, std::move(event.labels));
  event.tx = call.engine.new_tx();
  if (!call.admission.begin(*call.caller, event.tx, call.engine.machine()))
    return call.refuse(failure_of(Problem::overloaded,
                                  "This caller has as many unfinished transactions as it may "
                                  "(limits.transactions_per_caller)."));
  Pending pending = pending_of(call);
  call.engine.timeline().traced(event.tx, pending.trace_id);
  ask_for_outcome(call.request, std::move(pending), std::move(event), kCreated);
}

void list_transactions(Call call) {
  const auto parsed = parse_filter(call.request.query);
  if (const auto* failure = std::get_if<Failure>(&parsed)) return call.refuse(*failure);
  HttpResponse response;
  append_list(response.body, call.engine.machine(), std::get<TransactionFilter>(parsed),
              *call.caller, call.engine.now().wall_ms);
  call.respond(std::move(response));
}

void run_statements(Call call) {
  const auto id = call.own_transaction_id();
  if (!id) return;
  auto parsed = parse_statements(call.request.body);
  if (const auto* failure = std::get_if<Failure>(&parsed)) return call.refuse(*failure);
  ExecuteAsked& event = std::get<ExecuteAsked>(parsed);
  if (!call.caller->may_use(event.participant))
    return call.refuse(not_to_be_used(event.participant));
  event.tx = *id;
  call.engine.ask(std::move(event), [pending = pending_of(call)](const Reply& reply) {
    pending.respond(statements_response(pending, reply));
  });
}

void commit_transaction(Call call) {
  const auto id = call.own_transaction_id();
  if (!id) return;
  auto parsed = parse_commit(call.request.body);
  if (const auto* failure = std::get_if<Failure>(&parsed)) return call.refuse(*failure);
  CommitAsked& event = std::get<CommitAsked>(parsed);
  event.tx = *id;
  ask_for_outcome(call.request, pending_of(call), event, kOk);
}

void rollback_transaction(Call call) {
  const auto id = call.own_transaction_id();
  if (!id) return;
  auto parsed = parse_rollback(call.request.body);
  if (const auto* failure = std::get_if<Failure>(&parsed)) return call.refuse(*failure);
  RollbackAsked& event = std::get<RollbackAsked>(parsed);
  event.tx = *id;
  call.engine.ask(event, [pending = pending_of(call)](const Reply& reply) {
    pending.respond(rollback_response(pending, reply));
  });
}

}  // namespace assent
