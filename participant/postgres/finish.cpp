#include "participant/postgres/finish.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "participant/postgres/array_text.hpp"
#include "participant/postgres/sql_guard.hpp"
#include "participant/postgres/sqlstate.hpp"
#include "protocol/runtime/crash_points.hpp"

namespace assent {

using boost::asio::awaitable;

namespace {

std::string sql_of(const FinishPrepared& verb) {
  return (verb.outcome == Outcome::committed ? "commit prepared " : "rollback prepared ") +
         quote_literal(to_string(verb.gid));
}

// The journal's line of a commit, and COMMIT PREPARED, in one round trip. The line is a transaction
// of its own, which the commit's own flush makes durable. The commit becomes the unnamed statement
// in the line's transaction: where the line is not written there is nothing to run.
//
// PostgreSQL lets nobody but the role that prepared a branch end it. Where that is another one
// (external branches), the session takes that role for the one statement, after the line, which is
// this role's to write. A branch that was found, rather than prepared by this process, may have
// been prepared once more under its gid, after a commit whose reply was lost (P54): where it is
// guarded, the line's transaction fails unless what is prepared is what voted.
struct Finish {
  Finish(const FinishPrepared& verb, const std::string& owner, bool guarded)
      : commit(verb.outcome == Outcome::committed),
        sql(sql_of(verb)),
        set_role(owner.empty() ? "" : "set role " + quote_identifier(owner)),
        line{to_string(verb.gid.tx),        verb.gid.participant,
             to_string(verb.gid.ledger),    std::to_string(verb.gid.epoch),
             std::to_string(verb.sequence), std::to_string(verb.xid)} {
    if (commit && guarded && verb.xid != 0) line.push_back(to_string(verb.gid));
  }

  std::vector<Command> commands() const {
    constexpr const char* tell =
        "select set_config('synchronous_commit', 'off', true), "
        "assent.tell_commit($1::uuid, $2, $3::uuid, $4::bigint, $5::bigint, $6::bigint)";
    constexpr const char* tell_if_it_voted =
        "select set_config('synchronous_commit', 'off', true), "
        "assent.tell_commit($1::uuid, $2, $3::uuid, $4::bigint, $5::bigint, $6::bigint), "
        "1 / (select count(*) from pg_prepared_xacts where gid = $7 "
        "and transaction::text::bigint = $6::bigint % 4294967296)";
    Command nothing{"", {}}, write{is_guarded() ? tell_if_it_voted : tell, {}};
    Command parse{sql.c_str(), {}}, run{"", {}};
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
  bool is_guarded() const { return line.size() == 7; }

  const bool commit;
  const std::string sql;
  const std::string set_role;
  std::vector<std::string> line;
};

// The journal's lines of several commits, in one transaction, which fails if one of those found is
// not what voted, as above.
class Lines {
 public:
  Lines(const std::vector<FinishPrepared>& commits, const std::map<Gid, FoundBranch>& found)
      : participant_(commits.front().gid.participant) {
    for (const FinishPrepared& each : commits) {
      columns_[0].add(to_string(each.gid.tx));
      columns_[1].add(to_string(each.gid.ledger));
      columns_[2].add(std::to_string(each.gid.epoch));
      columns_[3].add(std::to_string(each.sequence));
      columns_[4].add(std::to_string(each.xid));
      if (each.xid == 0 || !found.contains(each.gid)) continue;
      guarded_gids_.add(to_string(each.gid));
      guarded_xids_.add(std::to_string(each.xid));
      is_guarded_ = true;
    }
  }
  bool is_guarded() const { return is_guarded_; }

  std::vector<Command> commands() {
    constexpr const char* tell =
        "select set_config('synchronous_commit', 'off', true), "
        "assent.tell_commits($1::uuid[], $2, $3::uuid[], $4::bigint[], $5::bigint[], "
        "$6::bigint[])";
    constexpr const char* tell_if_they_voted =
        "select set_config('synchronous_commit', 'off', true), "
        "assent.tell_commits($1::uuid[], $2, $3::uuid[], $4::bigint[], $5::bigint[], "
        "$6::bigint[]), "
        "1 / (not exists (select from unnest($7::text[], $8::bigint[]) as voted (gid, xid) "
        "left join pg_prepared_xacts p on p.gid = voted.gid "
        "and p.transaction::text::bigint = voted.xid % 4294967296 where p.gid is null))::int";
    Command write{is_guarded_ ? tell_if_they_voted : tell, {}};
    write.keep = true;
    for (ArrayText& each : columns_) write.params.push_back(each.finish());
    write.params.insert(write.params.begin() + 1, participant_.c_str());
    if (is_guarded_) {
      write.params.push_back(guarded_gids_.finish());
      write.params.push_back(guarded_xids_.finish());
    }
    return {write};
  }

 private:
  std::string participant_;  // this one's: others' branches are not ended here (P4)
  std::array<ArrayText, 5> columns_;
  ArrayText guarded_gids_, guarded_xids_;
  bool is_guarded_ = false;
};

std::string text_of(const SqlError& error) {
  return error.message + " (" + error.sqlstate + ")";
}

constexpr const char* not_what_voted = "22012";  // the guards' division by zero

std::string line_failed(const Reply& reply, const Connection& connection) {
  if (reply.kind != Reply::Kind::error) return connection.failure();
  return "the journal's line could not be written: " + text_of(reply.error);
}

FinishDone judge(const FinishPrepared& verb, const Reply& reply, const Connection& connection) {
  const bool commit = verb.outcome == Outcome::committed;
  FinishDone done{verb.gid, verb.outcome, FinishDone::Result::again, {}};
  if (reply.ok() && reply.tag == (commit ? "COMMIT PREPARED" : "ROLLBACK PREPARED")) {
    done.result = FinishDone::Result::done;
  } else if (reply.kind == Reply::Kind::error) {
    done.result = finish_result_of(reply.error.sqlstate);
    done.message = text_of(reply.error);
  } else {
    done.message = reply.ok() ? "unexpected answer " + reply.tag : connection.failure();
  }
  return done;
}

// … and of what has to succeed before it.
FinishDone judge(const FinishPrepared& verb, const Finish& finish,
                 const std::vector<Reply>& replies, const Connection& connection) {
  const auto before = std::span(replies).first(finish.ends_at());
  const auto failed =
      std::find_if(before.begin(), before.end(), [](const Reply& each) { return !each.ok(); });
  if (failed == before.end() || failed->kind != Reply::Kind::error)
    return judge(verb, replies[finish.ends_at()], connection);
  FinishDone done{verb.gid, verb.outcome, FinishDone::Result::again, {}};
  if (finish.is_guarded() && failed->error.sqlstate == not_what_voted) {
    done.result = FinishDone::Result::no_such_gid;
    done.message = "the transaction that voted is not prepared under its gid";
  } else if (finish.set_role.empty() ||
             failed - before.begin() != static_cast<long>(finish.becomes_at())) {
    done.message = line_failed(*failed, connection);
  } else {
    done.result = FinishDone::Result::denied;
    done.message = text_of(failed->error) + "; the branch was prepared by that role";
  }
  return done;
}

struct Owner {
  std::string role;   // empty: this session's own
  std::string grant;  // what to run so that this session's role may end what `role` has prepared
};

// Who prepared it.
awaitable<std::optional<Owner>> owner_of(Connection& connection, const Gid& gid) {
  const std::string text = to_string(gid);
  std::vector<Command> commands(1);
  commands[0].sql =
      "select nullif(owner, current_user), format('grant %I to %I', owner, current_user) "
      "from pg_prepared_xacts where gid = $1";
  commands[0].params = {text.c_str()};
  std::vector<Reply> replies;
  co_await connection.exchange(commands, replies);
  const Reply reply = replies.empty() ? Reply{} : replies[0];
  if (!reply.ok() || reply.height() != 1) co_return std::nullopt;
  co_return Owner{reply.text(0, 0), reply.text(0, 1)};  // "" for NULL
}

awaitable<FinishDone> finish_as(Connection& connection, const FinishPrepared& verb,
                                const std::string& owner, bool guarded) {
  const Finish finish(verb, owner, guarded);
  const std::vector<Command> commands = finish.commands();
  std::vector<Reply> replies;
  co_await connection.exchange(commands, replies);
  FinishDone done = judge(verb, finish, replies, connection);
  // The next branch must not be finished in this one's role.
  if (!owner.empty() && !replies.back().ok()) connection.close("its role could not be reset");
  co_return done;
}

}  // namespace

// What waits for an answer here has no deadline: a backend that waits for a synchronous standby
// must not be asked twice, and a server that is gone is noticed by the kernel (tcp_user_timeout).

awaitable<void> Finishing::finish(FinishPrepared verb) {
  // Those that go together are ended in one role.
  if (verb.outcome == Outcome::aborted || role_of(verb.gid) != context_.options.statements_role) {
    co_await finish_alone(std::move(verb));
    co_return;
  }
  waiting_.push_back(std::move(verb));
  if (!std::exchange(telling_, true)) co_await tell_in_turn();
}

// In which a branch was prepared, as far as is known; empty: the control connection's.
const std::string& Finishing::role_of(const Gid& gid) const {
  const auto noted = context_.found.find(gid);
  return noted == context_.found.end() ? context_.options.statements_role : noted->second.role;
}

awaitable<void> Finishing::tell_in_turn() {
  // Those that the same turn brings come first.
  co_await boost::asio::post(context_.io, boost::asio::use_awaitable);
  while (!waiting_.empty()) {
    Verbs commits = std::exchange(waiting_, {});
    if (commits.size() == 1)
      context_.spawn(finish_alone(std::move(commits.front())));
    else
      co_await tell_and_commit(std::move(commits));
  }
  telling_ = false;
}

awaitable<void> Finishing::tell_and_commit(Verbs commits) {
  Waiter waiter(context_.io);
  if (!co_await finishers_.borrow(waiter, std::nullopt)) {
    report_again(commits, waiter.message);
    co_return;
  }
  const ConnectionPtr connection = std::move(waiter.granted);
  Lines lines(commits, context_.found);
  const std::vector<Command> commands = lines.commands();
  std::vector<Reply> replies;
  co_await connection->exchange(commands, replies);
  const bool told = replies.front().ok();
  const std::string failure = told ? std::string() : line_failed(replies.front(), *connection);
  finishers_.give_back(connection);
  if (lines.is_guarded() && !told && replies.front().error.sqlstate == not_what_voted) {
    for (FinishPrepared& verb : commits) context_.spawn(finish_alone(std::move(verb)));
  } else if (!told) {
    report_again(commits, failure);
  } else if (crash_point("agent.step.", "told")) {
    report_again(commits, "failed by order at a crash point");
  } else {
    const std::size_t each = 1 + (commits.size() - 1) / context_.options.finishers;
    for (std::size_t from = 0; from < commits.size(); from += each) {
      const auto first = commits.begin() + static_cast<std::ptrdiff_t>(from);
      const auto count = static_cast<std::ptrdiff_t>(std::min(each, commits.size() - from));
      context_.spawn(commit_told(Verbs(first, first + count)));
    }
  }
}

void Finishing::report_again(const Verbs& commits, const std::string& message) {
  for (const FinishPrepared& verb : commits)
    context_.report(FinishDone{verb.gid, verb.outcome, FinishDone::Result::again, message});
}

// Each a transaction of its own: what becomes of one does not touch the next.
awaitable<void> Finishing::commit_told(Verbs commits) {
  Waiter waiter(context_.io);
  if (!co_await finishers_.borrow(waiter, std::nullopt)) {
    report_again(commits, waiter.message);
    co_return;
  }
  const ConnectionPtr connection = std::move(waiter.granted);
  const std::string& role = context_.options.statements_role;
  std::vector<std::string> texts;
  if (!role.empty()) texts.push_back("set role " + quote_identifier(role));
  const std::size_t first = texts.size();
  for (const FinishPrepared& verb : commits) texts.push_back(sql_of(verb));
  if (!role.empty()) texts.emplace_back("reset role");
  std::vector<Command> commands;
  for (const std::string& text : texts) {
    Command& command = commands.emplace_back(Command{text.c_str(), {}});
    command.ends_segment = &text != &texts.back();
  }
  std::vector<Reply> replies;
  co_await connection->exchange(commands, replies);
  // The next branch must not be finished in this one's role.
  if (!role.empty() && !replies.back().ok()) connection->close("its role could not be reset");
  finishers_.give_back(connection);
  for (std::size_t i = 0; i < commits.size(); ++i) {
    FinishDone done = judge(commits[i], replies[first + i], *connection);
    if (done.result == FinishDone::Result::denied)  // another role's, perhaps
      context_.spawn(finish_alone(std::move(commits[i])));
    else
      report(std::move(done));
  }
}

void Finishing::report(FinishDone done) {
  if (done.result == FinishDone::Result::done || done.result == FinishDone::Result::no_such_gid)
    context_.found.erase(done.gid);
  else
    context_.found.try_emplace(done.gid, FoundBranch{context_.options.statements_role});
  context_.report(std::move(done));
}

awaitable<void> Finishing::finish_alone(FinishPrepared verb) {
  Waiter waiter(context_.io);
  if (!co_await finishers_.borrow(waiter, std::nullopt)) {
    report_again({verb}, waiter.message);
    co_return;
  }
  const ConnectionPtr connection = std::move(waiter.granted);
  const std::string role = role_of(verb.gid);
  const bool found = context_.found.contains(verb.gid);
  FinishDone done = co_await finish_as(*connection, verb, role, found);
  if (done.result == FinishDone::Result::denied) {
    const auto owner = co_await owner_of(*connection, verb.gid);
    if (owner && owner->role != role)
      done = co_await finish_as(*connection, verb, owner->role, true);
    if (done.result == FinishDone::Result::denied && owner) done.message += ": " + owner->grant;
  }
  finishers_.give_back(connection);
  report(std::move(done));
}

}  // namespace assent
