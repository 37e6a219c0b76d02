#include "participant/postgres/finish.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/use_awaitable.hpp>

#include "participant/postgres/sql_guard.hpp"
#include "participant/postgres/sqlstate.hpp"

namespace assent {

using boost::asio::awaitable;

namespace {

// The journal's line of a commit, and COMMIT PREPARED, in one round trip. The line is a transaction
// of its own, which the commit's own flush makes durable. The commit becomes the unnamed statement
// in the line's transaction: where the line is not written there is nothing to run.
struct Finish {
  explicit Finish(const FinishPrepared& verb)
      : commit(verb.outcome == Outcome::committed),
        sql((commit ? "commit prepared " : "rollback prepared ") +
            quote_literal(to_string(verb.gid))),
        line{to_string(verb.gid.tx),        verb.gid.participant,
             to_string(verb.gid.ledger),    std::to_string(verb.gid.epoch),
             std::to_string(verb.sequence), std::to_string(verb.xid)} {}

  std::vector<Command> commands() const {
    if (!commit) return {{sql.c_str(), {}}};
    constexpr const char* tell =
        "select set_config('synchronous_commit', 'off', true), "
        "assent.tell_commit($1::uuid, $2, $3::uuid, $4::bigint, $5::bigint, $6::bigint)";
    Command nothing{"", {}}, write{tell, {}}, parse{sql.c_str(), {}}, run{"", {}};
    nothing.parse_only = parse.parse_only = true;  // none is left over from an earlier branch
    for (const std::string& each : line) write.params.push_back(each.c_str());
    write.keep = parse.ends_segment = run.named = true;
    return {nothing, write, parse, run};
  }

  const bool commit;
  const std::string sql;
  const std::array<std::string, 6> line;
};

FinishDone judge(const FinishPrepared& verb, const std::vector<Reply>& replies,
                 const Connection& connection) {
  const bool commit = verb.outcome == Outcome::committed;
  FinishDone done{verb.gid, verb.outcome, FinishDone::Result::again, {}};
  const auto failed = std::find_if(replies.begin(), replies.end() - 1,
                                   [](const Reply& each) { return !each.ok(); });
  const Reply& reply = *failed;  // or the last
  if (failed != replies.end() - 1 && reply.kind == Reply::Kind::error) {
    done.message = "the journal's line could not be written: " + reply.error.message + " (" +
                   reply.error.sqlstate + ")";
  } else if (reply.ok() && reply.tag == (commit ? "COMMIT PREPARED" : "ROLLBACK PREPARED")) {
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
  const Finish finish(verb);
  const std::vector<Command> commands = finish.commands();
  std::vector<Reply> replies;
  co_await connection->exchange(commands, replies);
  FinishDone done = judge(verb, replies, *connection);
  finishers.give_back(connection);
  context.report(std::move(done));
}

}  // namespace assent
