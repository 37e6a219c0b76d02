#include "participant/postgres/finish.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <boost/asio/use_awaitable.hpp>

#include "participant/postgres/sql_guard.hpp"
#include "participant/postgres/sqlstate.hpp"

namespace assent {

using boost::asio::awaitable;

namespace {

// The journal's line of a commit, and COMMIT PREPARED, in one round trip. The line is a transaction
// of its own, which the commit's own flush makes durable. The commit becomes the unnamed statement
// in the line's transaction: where the line is not written there is nothing to run.
//
// PostgreSQL lets nobody but the role that prepared a branch end it. Where that is another one
// (external branches), the session takes that role for the one statement, after the line, which is
// this role's to write.
struct Finish {
  Finish(const FinishPrepared& verb, const std::string& owner)
      : commit(verb.outcome == Outcome::committed),
        sql((commit ? "commit prepared " : "rollback prepared ") +
            quote_literal(to_string(verb.gid))),
        set_role(owner.empty() ? "" : "set role " + quote_identifier(owner)),
        line{to_string(verb.gid.tx),        verb.gid.participant,
             to_string(verb.gid.ledger),    std::to_string(verb.gid.epoch),
             std::to_string(verb.sequence), std::to_string(verb.xid)} {}

  std::vector<Command> commands() const {
    constexpr const char* tell =
        "select set_config('synchronous_commit', 'off', true), "
        "assent.tell_commit($1::uuid, $2, $3::uuid, $4::bigint, $5::bigint, $6::bigint)";
    Command nothing{"", {}}, write{tell, {}}, parse{sql.c_str(), {}}, run{"", {}};
    nothing.parse_only = parse.parse_only = true;  // none is left over from an earlier branch
    for (const std::string& each : line) write.params.push_back(each.c_str());
    write.keep = parse.ends_segment = run.named = true;
    Command plain{sql.c_str(), {}}, become{set_role.c_str(), {}}, back{"reset role", {}};
    if (set_role.empty())
      return commit ? std::vector{nothing, write, parse, run} : std::vector{plain};
    become.ends_segment = !commit;  // a commit's is in the line's transaction, and ends with it
    run.ends_segment = plain.ends_segment = true;
    if (commit) return {nothing, write, become, parse, run, back};
    return {become, plain, back};
  }
  // Of the commands: the one that ends the branch, and the one that takes the role.
  std::size_t ends_at() const { return commit ? (set_role.empty() ? 3 : 4) : !set_role.empty(); }
  std::size_t becomes_at() const { return commit ? 2 : 0; }

  const bool commit;
  const std::string sql;
  const std::string set_role;
  const std::array<std::string, 6> line;
};

std::string text_of(const SqlError& error) {
  return error.message + " (" + error.sqlstate + ")";
}

FinishDone judge(const FinishPrepared& verb, const Finish& finish,
                 const std::vector<Reply>& replies, const Connection& connection) {
  FinishDone done{verb.gid, verb.outcome, FinishDone::Result::again, {}};
  const Reply& reply = replies[finish.ends_at()];
  const auto before = std::span(replies).first(finish.ends_at());
  const auto failed =
      std::find_if(before.begin(), before.end(), [](const Reply& each) { return !each.ok(); });
  if (failed != before.end() && failed->kind == Reply::Kind::error) {
    const bool role = !finish.set_role.empty() &&
                      failed - before.begin() == static_cast<long>(finish.becomes_at());
    if (role) done.result = FinishDone::Result::denied;
    done.message = role ? text_of(failed->error) + "; the branch was prepared by that role"
                        : "the journal's line could not be written: " + text_of(failed->error);
  } else if (reply.ok() && reply.tag == (finish.commit ? "COMMIT PREPARED" : "ROLLBACK PREPARED")) {
    done.result = FinishDone::Result::done;
  } else if (reply.kind == Reply::Kind::error) {
    done.result = finish_result_of(reply.error.sqlstate);
    done.message = text_of(reply.error);
  } else {
    done.message = reply.ok() ? "unexpected answer " + reply.tag : connection.failure();
  }
  return done;
}

// Who prepared it, where that is another role than this one.
awaitable<std::string> other_owner(Connection& connection, const Gid& gid) {
  const std::string text = to_string(gid);
  std::vector<Command> commands(1);
  commands[0].sql = "select owner from pg_prepared_xacts where gid = $1 and owner <> current_user";
  commands[0].params = {text.c_str()};
  std::vector<Reply> replies;
  co_await connection.exchange(commands, replies);
  const bool known = !replies.empty() && replies[0].ok() && replies[0].height() == 1;
  co_return known ? replies[0].text(0, 0) : std::string();
}

awaitable<FinishDone> finish_as(Connection& connection, const FinishPrepared& verb,
                                const std::string& owner) {
  const Finish finish(verb, owner);
  const std::vector<Command> commands = finish.commands();
  std::vector<Reply> replies;
  co_await connection.exchange(commands, replies);
  FinishDone done = judge(verb, finish, replies, connection);
  // The next branch must not be finished in this one's role.
  if (!owner.empty() && !replies.back().ok()) connection.close("its role could not be reset");
  co_return done;
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
  const auto noted = context.owners.find(verb.gid);
  std::string owner = noted == context.owners.end() ? std::string() : noted->second;
  FinishDone done = co_await finish_as(*connection, verb, owner);
  if (done.result == FinishDone::Result::denied) {
    const std::string actual = co_await other_owner(*connection, verb.gid);
    if (!actual.empty() && actual != owner) done = co_await finish_as(*connection, verb, actual);
  }
  if (done.result == FinishDone::Result::done) context.owners.erase(verb.gid);
  finishers.give_back(connection);
  context.report(std::move(done));
}

}  // namespace assent
