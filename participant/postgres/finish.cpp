#include "participant/postgres/finish.hpp"

#include <boost/asio/use_awaitable.hpp>

#include "participant/postgres/sql_guard.hpp"
#include "participant/postgres/sqlstate.hpp"

namespace assent {

using boost::asio::awaitable;

namespace {

FinishDone judge(const FinishPrepared& verb, const Reply& reply, const Connection& connection) {
  const bool commit = verb.outcome == Outcome::committed;
  FinishDone done{verb.gid, verb.outcome, FinishDone::Result::again, {}};
  if (reply.ok() && reply.tag == (commit ? "COMMIT PREPARED" : "ROLLBACK PREPARED")) {
    done.result = FinishDone::Result::done;
  } else if (reply.kind == Reply::Kind::error) {
    done.result = finish_result_of(reply.error.sqlstate);
    done.message = reply.error.message + " (" + reply.error.sqlstate + ")";
  } else {
    done.message = reply.ok() ? "unexpected answer " + reply.tag : connection.failure();
  }
  return done;
}

}  // namespace

// It waits without a deadline: a backend that waits for a synchronous standby must not be asked
// twice, and a server that is gone is noticed by the kernel (tcp_user_timeout).
awaitable<void> finish_prepared(Context& context, Pool& finishers, FinishPrepared verb) {
  Waiter waiter(context.io);
  if (!co_await finishers.borrow(waiter, std::nullopt)) {
    context.report(FinishDone{verb.gid, verb.outcome, FinishDone::Result::again, waiter.message});
    co_return;
  }
  const ConnectionPtr connection = std::move(waiter.granted);
  const std::string sql =
      (verb.outcome == Outcome::committed ? "commit prepared " : "rollback prepared ") +
      quote_literal(to_string(verb.gid));
  std::vector<Command> commands(1);
  commands[0].sql = sql.c_str();
  std::vector<Reply> replies;
  co_await connection->exchange(commands, replies);
  FinishDone done = judge(verb, replies[0], *connection);
  finishers.give_back(connection);
  context.report(std::move(done));
}

}  // namespace assent
