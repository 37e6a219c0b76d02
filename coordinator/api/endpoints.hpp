// What the routes do. Each takes one request and answers it once. Internal to the API.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coordinator/api/groups.hpp"
#include "protocol/ids.hpp"
#include "protocol/problem.hpp"
#include "protocol/runtime/callers.hpp"
#include "protocol/runtime/http_server.hpp"

namespace assent {

class Admission;
class BlockingBoard;
class Engine;

struct Call {
  Engine& engine;
  const BlockingBoard& blocking;
  Admission& admission;
  const Groups& groups;
  HttpRequest request;
  std::string name;  // what the path has in place of {id} or {name}
  HttpServer::Respond respond;
  CallerPtr caller = nullptr;  // set once the request has been admitted

  // Answers with a problem about no transaction in particular. `status` where it is not the
  // problem's own.
  void refuse(const Failure& failure, unsigned status = 0) const;
  // Answers that no such transaction is known here, and what may be concluded from that.
  void refuse_unknown(const TxId& tx) const;
  // The id in the path. Refuses the request where it cannot be one.
  std::optional<TxId> transaction_id() const;
  // The same, where the caller may see it. Refuses the request of another client; what the machine
  // does not know belongs to nobody.
  std::optional<TxId> own_transaction_id() const;
  // 200, with a JSON document.
  void answer(std::string document) const;
};

// Refuses a transaction of another caller.
Failure not_your_own();

// transactions.cpp
void create_transaction(Call call);
void list_transactions(Call call);
void run_statements(Call call);
void commit_transaction(Call call);
void rollback_transaction(Call call);

// transaction_wait.cpp
void show_transaction(Call call);

// resolutions.cpp
void resolve_transaction(Call call);
void acknowledge_transaction(Call call);

// events.cpp
void follow_events(Call call);
void show_timeline(Call call);

// blocking.cpp
void show_blocking(Call call);
void show_blocking_history(Call call);

// overview.cpp
void show_overview(Call call);

// group_list.cpp
void list_groups(Call call);

// installation.cpp
void list_participants(Call call);
void show_participant(Call call);
void show_errors(Call call);
void show_description(Call call);
void show_version(Call call);

}  // namespace assent
