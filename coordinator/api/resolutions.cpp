// What an operator decides of a transaction, and that damage has been seen.
#include <algorithm>

#include "coordinator/api/endpoints.hpp"
#include "coordinator/api/field_reader.hpp"
#include "coordinator/api/json_writer.hpp"
#include "coordinator/api/problem_document.hpp"
#include "coordinator/api/resolution_request.hpp"
#include "coordinator/api/transaction_view.hpp"
#include "coordinator/engine.hpp"

namespace assent {
namespace {

std::string name_of(const Caller& caller) {
  return caller.name.empty() ? "somebody" : caller.name;
}

HttpResponse problem_of(const std::string& trace_id, const TxId& tx, Fate fate,
                        const Failure& failure) {
  ProblemContext context;
  context.tx = tx;
  context.fate = fate;
  context.trace_id = trace_id;
  return problem_response(failure, context);
}

// ---- the preview
// ------------------------------------------------------------------------------

std::string ended_as(const std::string& known) {
  if (known == "nothing") return "Nothing: there is no trace of it there.";
  return "Nothing: it has ended (" + known + ").";
}

std::string sentence(const EffectOnBranch& branch, bool is_ready) {
  const std::string when = is_ready ? "" : " when its participant is back";
  switch (branch.effect) {
    case BranchEffect::none:
      return ended_as(branch.known);
    case BranchEffect::commit:
      return "It is committed (COMMIT PREPARED)" + when + ", and its locks are released.";
    case BranchEffect::roll_back:
      return "It is rolled back" + when + ", and its locks are released.";
    case BranchEffect::prove:
      return "It was prepared and is gone: how it ended is found out" + when +
             ", and shown as damage where it is otherwise.";
    case BranchEffect::ask:
      return "It is asked" + when +
             ". Prepared, it follows; ended otherwise, the databases differ, and that is shown as "
             "damage.";
  }
  return "";
}

void append_preview(std::string& out, const TxId& tx, Outcome outcome,
                    const ResolutionPreview& preview, const CoordinatorMachine& machine) {
  JsonObject object(out);
  object.text("id", to_string(tx));
  object.text("outcome", to_string(outcome));
  object.boolean("records", preview.records);
  object.text_unless_empty("why", preview.why);
  object.text("seen", preview.seen());
  JsonArray branches(object.field("branches"));
  for (const EffectOnBranch& branch : preview.branches) {
    const auto member = machine.members().find(branch.participant);
    const bool is_ready =
        member != machine.members().end() && member->second.state == Member::State::ready;
    JsonObject effect(branches.element());
    effect.text("participant", branch.participant);
    effect.text("known", branch.known);
    effect.boolean("connected", is_ready);
    effect.text("effect", to_string(branch.effect));
    effect.text("then", sentence(branch, is_ready));
  }
}

void show_preview(const Call& call, const TxId& tx, Outcome outcome) {
  const CoordinatorMachine& machine = call.engine.machine();
  const ResolutionPreview preview = machine.preview(tx, outcome, call.engine.now());
  if (preview.refusal)
    return call.respond(problem_of(trace_id_of(call.request), tx, preview.fate, *preview.refusal));
  std::string document;
  append_preview(document, tx, outcome, preview, machine);
  call.answer(std::move(document));
}

template <class Event>
void ask(Call call, Event event) {
  Engine& engine = call.engine;
  engine.ask(std::move(event), [&engine, respond = std::move(call.respond),
                                trace_id = trace_id_of(call.request)](const Reply& reply) {
    const Transaction* tx = engine.machine().find(reply.tx);
    if (reply.failure) return respond(problem_of(trace_id, reply.tx, reply.fate, *reply.failure));
    if (tx == nullptr)
      return respond(problem_of(trace_id, reply.tx, reply.fate,
                                failure_of(Problem::outcome_unknown, "Its details are gone.")));
    HttpResponse response;
    append_transaction(response.body, *tx, Detail::full);
    respond(std::move(response));
  });
}

}  // namespace

void resolve_transaction(Call call) {
  const auto id = call.transaction_id();
  if (!id) return;
  auto parsed = parse_resolve(call.request.body);
  if (const auto* failure = std::get_if<Failure>(&parsed)) return call.refuse(*failure);
  ResolveRequest& request = std::get<ResolveRequest>(parsed);
  if (request.preview) return show_preview(call, *id, request.event.outcome);
  request.event.tx = *id;
  request.event.by = name_of(*call.caller);
  ask(std::move(call), std::move(request.event));
}

void acknowledge_transaction(Call call) {
  const auto id = call.transaction_id();
  if (!id) return;
  auto parsed = parse_acknowledge(call.request.body);
  if (const auto* failure = std::get_if<Failure>(&parsed)) return call.refuse(*failure);
  AcknowledgeAsked& event = std::get<AcknowledgeAsked>(parsed);
  event.tx = *id;
  event.by = name_of(*call.caller);
  ask(std::move(call), std::move(event));
}

}  // namespace assent
