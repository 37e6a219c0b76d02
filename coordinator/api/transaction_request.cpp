#include "coordinator/api/transaction_request.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "coordinator/api/admission.hpp"
#include "coordinator/api/field_reader.hpp"
#include "coordinator/api/json_document.hpp"
#include "coordinator/api/problem_document.hpp"
#include "protocol/assent.pb.h"

namespace assent {
namespace {

using Kind = JsonValue::Kind;

// ---- statements ---------------------------------------------------------------------------------

void read_param(const JsonValue& param, wire::Value& into) {
  switch (param.kind) {
    case Kind::null:
      into.set_null(true);
      return;
    case Kind::array:
    case Kind::object:
      append_json(*into.mutable_text(), param);
      return;
    case Kind::boolean:
    case Kind::number:
    case Kind::string:
      into.set_text(param.text.data(), param.text.size());
  }
}

constexpr Field<wire::Statement> kExpectFields[] = {
    {"rows", [](const JsonValue& value, const Path& at, wire::Statement& into, Wrong& wrong) {
       into.set_expect_rows(read_whole_number(value, at, 0, UINT32_MAX, wrong));
     }}};

constexpr Field<wire::Statement> kStatementFields[] = {
    {"sql",
     [](const JsonValue& value, const Path& at, wire::Statement& into, Wrong& wrong) {
       const std::string_view sql = read_text(value, at, wrong);
       if (sql.find_first_not_of(" \t\r\n") == sql.npos) wrong.report(at, "must not be empty");
       into.set_sql(sql.data(), sql.size());
     }},
    {"params",
     [](const JsonValue& value, const Path& at, wire::Statement& into, Wrong& wrong) {
       if (!is_array(value, at, kMaxParams, wrong)) return;
       into.mutable_params()->Reserve(static_cast<int>(value.size));
       for (const JsonValue& param : value.children()) read_param(param, *into.add_params());
     }},
    {"expect",
     [](const JsonValue& value, const Path& at, wire::Statement& into, Wrong& wrong) {
       read_object(value, at, kExpectFields, into, wrong);
       if (!wrong && !into.has_expect_rows()) wrong.report(at, "rows is missing");
     }},
};

void read_statements(const JsonValue& value, const Path& at, wire::Work& into, Wrong& wrong) {
  if (!is_array(value, at, kMaxStatements, wrong)) return;
  if (value.size == 0) return wrong.report(at, "must hold at least one statement");
  std::size_t index = 0;
  for (const JsonValue& statement : value.children()) {
    const Path here{&at, {}, index++};
    wire::Statement& next = *into.add_statements();
    read_object(statement, here, kStatementFields, next, wrong);
    if (!wrong && next.sql().empty()) wrong.report(here, "sql is missing");
    if (wrong) return;
  }
}

// ---- how a branch's work is run -----------------------------------------------------------------

constexpr std::array<std::string_view, 3> kIsolations = {"read_committed", "repeatable_read",
                                                         "serializable"};
constexpr std::array<std::string_view, 2> kWaits = {"applied", "decided"};

struct RunOptions {
  std::string_view isolation;
  std::uint32_t lock_timeout_ms = 0;
};

void read_isolation(const JsonValue& value, const Path& at, RunOptions& into, Wrong& wrong) {
  into.isolation = kIsolations[read_choice(value, at, kIsolations, wrong)];
}

std::uint64_t read_milliseconds(const JsonValue& value, const Path& at, Wrong& wrong) {
  return read_whole_number(value, at, 1, static_cast<std::uint64_t>(kMaxTimeout.count()), wrong);
}

void read_lock_timeout(const JsonValue& value, const Path& at, RunOptions& into, Wrong& wrong) {
  into.lock_timeout_ms = static_cast<std::uint32_t>(read_milliseconds(value, at, wrong));
}

WaitFor read_wait_for(const JsonValue& value, const Path& at, Wrong& wrong) {
  return read_choice(value, at, kWaits, wrong) == 1 ? WaitFor::decided : WaitFor::applied;
}

Work pack(wire::Work& work, const RunOptions& options) {
  if (!options.isolation.empty())  // even an empty one would be allocated
    work.set_isolation(options.isolation.data(), options.isolation.size());
  work.set_lock_timeout_ms(options.lock_timeout_ms);
  return {work.SerializeAsString()};
}

void read_participant(const JsonValue& value, const Path& at, std::string& into, Wrong& wrong) {
  into = read_text(value, at, wrong);
  if (!is_participant_name(into))
    wrong.report(at,
                 "must be a participant's name: a lower-case letter, then lower-case letters, "
                 "digits, _ or -, at most 63 characters");
}

// ---- beginning ----------------------------------------------------------------------------------

struct BranchRequest {
  std::string participant;
  std::string group;
  wire::Work work;
};

constexpr Field<BranchRequest> kBranchFields[] = {
    {"participant", [](const JsonValue& value, const Path& at, BranchRequest& into,
                       Wrong& wrong) { read_participant(value, at, into.participant, wrong); }},
    {"statements", [](const JsonValue& value, const Path& at, BranchRequest& into,
                      Wrong& wrong) { read_statements(value, at, into.work, wrong); }},
    {"read_only", [](const JsonValue& value, const Path& at, BranchRequest& into,
                     Wrong& wrong) { into.work.set_read_only(read_boolean(value, at, wrong)); }},
    {"group",
     [](const JsonValue& value, const Path& at, BranchRequest& into, Wrong& wrong) {
       into.group = read_text(value, at, wrong);
       if (into.group.empty()) wrong.report(at, "must not be empty");
     }},
};

struct BeginRequest {
  const Groups& groups;
  Begin begin{};
  RunOptions options{};
  std::vector<std::string> origins{};  // of each branch: its group, or empty
  std::vector<std::string> used{};     // groups
  std::size_t copied = 0;              // bytes
  const JsonValue* branches = nullptr;
  const JsonValue* idle_timeout = nullptr;
  std::string_view option{};  // the name of a given option that is about statements
};

void read_mode(const JsonValue& value, const Path& at, BeginRequest& into, Wrong& wrong) {
  constexpr std::array<std::string_view, 3> kModes = {"one_shot", "interactive", "external"};
  constexpr std::array kMeant = {Mode::one_shot, Mode::interactive, Mode::external};
  into.begin.mode = kMeant[read_choice(value, at, kModes, wrong)];
}

// Kept as JSON text, which is what the log and the answers carry.
void read_labels(const JsonValue& value, const Path& at, BeginRequest& into, Wrong& wrong) {
  if (value.kind != Kind::object) return wrong.report(at, "must be an object");
  if (value.size > kMaxLabels)
    return wrong.report(at, "has " + std::to_string(value.size) + " labels; at most " +
                                std::to_string(kMaxLabels) + " are taken");
  for (const JsonValue& label : value.children()) {
    const Path here{&at, label.key};
    if (label.key.empty()) wrong.report(at, "a label's name must not be empty");
    if (label.key.starts_with(kReservedLabels))
      wrong.report(here, "labels beginning with assent. are Assent's own");
    const std::string_view text = read_text(label, here, wrong);
    if (std::max(text.size(), label.key.size()) > kMaxLabelLength)
      wrong.report(here, "a label's name and its value have at most " +
                             std::to_string(kMaxLabelLength) + " bytes each");
  }
  if (!wrong && value.size > 0) append_json(into.begin.labels, value);
}

constexpr Field<BeginRequest> kBeginFields[] = {
    {"mode", read_mode},
    {"labels", read_labels},
    {"branches", [](const JsonValue& value, const Path&, BeginRequest& into,
                    Wrong&) { into.branches = &value; }},
    {"idle_timeout_ms", [](const JsonValue& value, const Path&, BeginRequest& into,
                           Wrong&) { into.idle_timeout = &value; }},
    {"timeout_ms",
     [](const JsonValue& value, const Path& at, BeginRequest& into, Wrong& wrong) {
       into.begin.timeout = Duration(read_milliseconds(value, at, wrong));
     }},
    {"wait_for",
     [](const JsonValue& value, const Path& at, BeginRequest& into, Wrong& wrong) {
       into.option = "wait_for";
       into.begin.wait_for = read_wait_for(value, at, wrong);
     }},
    {"isolation",
     [](const JsonValue& value, const Path& at, BeginRequest& into, Wrong& wrong) {
       into.option = "isolation";
       read_isolation(value, at, into.options, wrong);
     }},
    {"lock_timeout_ms",
     [](const JsonValue& value, const Path& at, BeginRequest& into, Wrong& wrong) {
       into.option = "lock_timeout_ms";
       read_lock_timeout(value, at, into.options, wrong);
     }},
};

void refuse(BeginRequest& request, Problem problem, const Path& at, const std::string& why) {
  if (!request.begin.refusal) request.begin.refusal = failure_of(problem, at.text() + ": " + why);
}

// The index of the participant's branch; as many as there are: it has none.
std::size_t branch_of(const BeginRequest& request, const std::string& participant) {
  const auto& branches = request.begin.branches;
  std::size_t i = 0;
  while (i < branches.size() && branches[i].participant != participant) ++i;
  return i;
}

void add_branch(const BranchRequest& branch, const Path& here, BeginRequest& into, Wrong& wrong) {
  const Path at{&here, "participant"};
  if (const std::size_t other = branch_of(into, branch.participant); other < into.origins.size()) {
    if (into.origins[other].empty())
      return wrong.report(
          at, branch.participant + " has a branch already; put all its statements into one");
    return refuse(into, Problem::invalid_request, at,
                  branch.participant + " has a branch already, as a member of the group " +
                      into.origins[other]);
  }
  into.begin.branches.push_back({branch.participant, {}});
  into.origins.emplace_back();
}

// A branch for each member of the group. The work is packed once.
void add_group(const BranchRequest& branch, const Path& here, BeginRequest& into) {
  const Path at{&here, "group"};
  const auto found = into.groups.find(branch.group);
  if (found == into.groups.end())
    return refuse(into, Problem::invalid_request, at, no_such_group(into.groups, branch.group));
  into.used.push_back(branch.group);
  for (const std::string& member : found->second) {
    const std::size_t other = branch_of(into, member);
    if (other < into.origins.size()) {
      const std::string& origin = into.origins[other];
      return refuse(into, Problem::invalid_request, at,
                    member + ", a member of " + branch.group + ", has a branch already" +
                        (origin.empty() ? "" : ", as a member of the group " + origin));
    }
    into.begin.branches.push_back({member, {}});
    into.origins.push_back(branch.group);
  }
}

// What all branches of the request have in common with its groups: they are not too many, and do
// not take too much.
void read_branch(BranchRequest& branch, const Path& here, BeginRequest& into, Wrong& wrong) {
  if (branch.participant.empty() && branch.group.empty())
    return wrong.report(here, "participant is missing");
  if (!branch.participant.empty() && !branch.group.empty())
    return wrong.report(here,
                        "participant and group cannot both be given; a group stands for all "
                        "its members");
  if (branch.work.statements().empty()) return wrong.report(here, "statements is missing");
  if (into.begin.refusal) return;
  auto& branches = into.begin.branches;
  const std::size_t before = branches.size();
  if (branch.group.empty())
    add_branch(branch, here, into, wrong);
  else
    add_group(branch, here, into);
  if (wrong || branches.size() == before) return;
  const std::size_t added = branches.size() - before;
  Work work = pack(branch.work, into.options);
  into.copied += work.bytes.size() * (added - 1);
  if (branches.size() > CoordinatorLimits{}.branches)
    refuse(into, Problem::invalid_request, here,
           "with its group's members the transaction has " + std::to_string(branches.size()) +
               " branches; at most " + std::to_string(CoordinatorLimits{}.branches) + " are taken");
  if (into.copied > kMaxCopied)
    refuse(into, Problem::payload_too_large, here,
           "at the members of its groups the statements amount to " + std::to_string(into.copied) +
               " bytes more than the request; at most " + std::to_string(kMaxCopied) +
               " are taken");
  if (into.begin.refusal) return;
  for (std::size_t i = before; i + 1 < branches.size(); ++i) branches[i].work = work;
  branches.back().work = std::move(work);
}

void read_branches(const JsonValue& value, const Path& at, BeginRequest& into, Wrong& wrong) {
  if (!is_array(value, at, CoordinatorLimits{}.branches, wrong)) return;
  into.begin.branches.reserve(value.size);
  BranchRequest branch;
  std::size_t index = 0;
  for (const JsonValue& element : value.children()) {
    const Path here{&at, {}, index++};
    branch.participant.clear();
    branch.group.clear();
    branch.work.Clear();
    read_object(element, here, kBranchFields, branch, wrong);
    if (!wrong) read_branch(branch, here, into, wrong);
    if (wrong) return;
  }
  if (into.begin.refusal)
    into.begin.branches.clear();
  else
    into.begin.labels = with_group_labels(std::move(into.begin.labels), into.used, into.groups);
}

void finish_one_shot(BeginRequest& request, const Path& root, Wrong& wrong) {
  if (request.idle_timeout != nullptr)
    return wrong.report(Path{&root, "idle_timeout_ms"}, "is for \"mode\":\"interactive\" only");
  const Path at{&root, "branches"};
  if (request.branches == nullptr ||
      (request.branches->kind == Kind::array && request.branches->size == 0))
    return wrong.report(at, "a one_shot transaction needs at least one branch");
  read_branches(*request.branches, at, request, wrong);
}

void finish_interactive(BeginRequest& request, const Path& root, Wrong& wrong) {
  if (request.branches != nullptr)
    return wrong.report(Path{&root, "branches"},
                        "an interactive transaction begins without; send statements to "
                        "/v1/transactions/{id}/statements");
  if (!request.option.empty())
    return wrong.report(Path{&root, request.option},
                        request.option == "wait_for"
                            ? "is given with the commit of an interactive transaction"
                            : "is given with the statements of an interactive transaction");
  request.begin.idle_timeout = std::min(kDefaultTimeout, request.begin.timeout);
  if (request.idle_timeout != nullptr)
    request.begin.idle_timeout =
        Duration(read_milliseconds(*request.idle_timeout, Path{&root, "idle_timeout_ms"}, wrong));
}

constexpr Field<std::string> kExternalBranchFields[] = {
    {"participant", read_participant},
    {"statements",
     [](const JsonValue&, const Path& at, std::string&, Wrong& wrong) {
       wrong.report(at,
                    "the application of an external transaction runs its own statements, over its "
                    "own connection");
     }},
};

// Statements and all that is about them are the application's own.
void finish_external(BeginRequest& request, const Path& root, Wrong& wrong) {
  if (request.idle_timeout != nullptr)
    return wrong.report(Path{&root, "idle_timeout_ms"}, "is for \"mode\":\"interactive\" only");
  if (!request.option.empty())
    return wrong.report(Path{&root, request.option},
                        request.option == "wait_for"
                            ? "is given with the commit of an external transaction"
                            : "is the application's to set, in its own session");
  const Path at{&root, "branches"};
  if (request.branches == nullptr ||
      (request.branches->kind == Kind::array && request.branches->size == 0))
    return wrong.report(at, "an external transaction needs at least one branch");
  if (!is_array(*request.branches, at, CoordinatorLimits{}.branches, wrong)) return;
  std::vector<BranchWork>& branches = request.begin.branches;
  for (const JsonValue& element : request.branches->children()) {
    const Path here{&at, {}, branches.size()};
    std::string participant;
    read_object(element, here, kExternalBranchFields, participant, wrong);
    if (!wrong && participant.empty()) wrong.report(here, "participant is missing");
    for (const BranchWork& other : branches)
      if (other.participant == participant)
        wrong.report(Path{&here, "participant"}, participant + " has a branch already");
    if (wrong) return;
    branches.push_back({participant, {}});
  }
}

// ---- statements, commit, rollback ---------------------------------------------------------------

struct StatementsRequest {
  ExecuteAsked event;
  wire::Work work;
  RunOptions options;
};

constexpr Field<StatementsRequest> kStatementsFields[] = {
    {"participant",
     [](const JsonValue& value, const Path& at, StatementsRequest& into, Wrong& wrong) {
       read_participant(value, at, into.event.participant, wrong);
     }},
    {"seq",
     [](const JsonValue& value, const Path& at, StatementsRequest& into, Wrong& wrong) {
       into.event.seq =
           static_cast<std::uint32_t>(read_whole_number(value, at, 1, UINT32_MAX, wrong));
     }},
    {"statements", [](const JsonValue& value, const Path& at, StatementsRequest& into,
                      Wrong& wrong) { read_statements(value, at, into.work, wrong); }},
    {"read_only", [](const JsonValue& value, const Path& at, StatementsRequest& into,
                     Wrong& wrong) { into.work.set_read_only(read_boolean(value, at, wrong)); }},
    {"isolation", [](const JsonValue& value, const Path& at, StatementsRequest& into,
                     Wrong& wrong) { read_isolation(value, at, into.options, wrong); }},
    {"lock_timeout_ms", [](const JsonValue& value, const Path& at, StatementsRequest& into,
                           Wrong& wrong) { read_lock_timeout(value, at, into.options, wrong); }},
    {"group",
     [](const JsonValue&, const Path& at, StatementsRequest&, Wrong& wrong) {
       wrong.report(at,
                    "a group can be given in a one_shot transaction only; send the statements to "
                    "each participant, with a seq of its own");
     }},
};

constexpr Field<CommitAsked> kCommitFields[] = {
    {"wait_for", [](const JsonValue& value, const Path& at, CommitAsked& into, Wrong& wrong) {
       into.wait_for = read_wait_for(value, at, wrong);
     }}};

}  // namespace

std::variant<Begin, Failure> parse_begin(std::string_view body, const Groups& groups) {
  BeginRequest request{groups};
  request.begin.timeout = kDefaultTimeout;
  auto failure = read_body(body, [&](const JsonValue& root, const Path& at, Wrong& wrong) {
    read_object(root, at, kBeginFields, request, wrong);
    if (wrong) return;
    if (request.begin.mode == Mode::one_shot)
      finish_one_shot(request, at, wrong);
    else if (request.begin.mode == Mode::external)
      finish_external(request, at, wrong);
    else
      finish_interactive(request, at, wrong);
  });
  if (failure) return std::move(*failure);
  return std::move(request.begin);
}

std::variant<ExecuteAsked, Failure> parse_statements(std::string_view body) {
  StatementsRequest request;
  auto failure = read_body(body, [&](const JsonValue& root, const Path& at, Wrong& wrong) {
    read_object(root, at, kStatementsFields, request, wrong);
    if (request.event.participant.empty()) wrong.report(at, "participant is missing");
    if (request.event.seq == 0) wrong.report(at, "seq is missing");
    if (request.work.statements().empty()) wrong.report(at, "statements is missing");
  });
  if (failure) return std::move(*failure);
  request.event.work = pack(request.work, request.options);
  return std::move(request.event);
}

std::variant<CommitAsked, Failure> parse_commit(std::string_view body) {
  CommitAsked event;
  if (body.empty()) return event;
  auto failure = read_body(body, [&](const JsonValue& root, const Path& at, Wrong& wrong) {
    read_object(root, at, kCommitFields, event, wrong);
  });
  if (failure) return std::move(*failure);
  return event;
}

std::variant<RollbackAsked, Failure> parse_rollback(std::string_view body) {
  if (body.empty()) return RollbackAsked{};
  auto failure = read_body(body, [](const JsonValue& root, const Path& at, Wrong& wrong) {
    if (root.kind != Kind::object || root.size > 0)
      wrong.report(at, "a rollback takes none, or an empty object");
  });
  if (failure) return std::move(*failure);
  return RollbackAsked{};
}

}  // namespace assent
