// Branches that the application has prepared, over its own connection and in its own role.
#include <boost/asio/use_awaitable.hpp>

#include "participant/postgres/control.hpp"

namespace assent {

using boost::asio::awaitable;

namespace {

// One row, whether it is prepared or not. Whoever may SET ROLE to the owner may finish it; before
// PostgreSQL 16 that is whoever is a member.
constexpr const char* verify_sql =
    "select pg_is_in_recovery(), pg_snapshot_xmax(pg_current_snapshot()), p.transaction, "
    "p.database, p.database = current_database(), p.owner, nullif(p.owner, current_user), "
    "coalesce(pg_has_role(r.oid, case when current_setting('server_version_num')::int < 160000 "
    "then 'member' else 'set' end), false), current_database(), current_user, "
    "(extract(epoch from clock_timestamp() - p.prepared) * 1000)::bigint "
    "from (select) as always left join pg_prepared_xacts p on p.gid = $1 "
    "left join pg_roles r on r.rolname = p.owner";

Failure failure(Problem problem, std::string message) {
  Failure made;
  made.problem = problem;
  made.message = std::move(message);
  return made;
}

std::variant<Xid, Failure> judge_verified(const Reply& reply) {
  if (!reply.ok() || reply.height() != 1)
    return failure(Problem::participant_unavailable,
                   "The database could not be asked whether it is prepared: " +
                       (reply.error.message.empty() ? "no answer" : reply.error.message) + ".");
  if (reply.text(0, 0) != "f")  // a standby shows none, whatever the primary holds
    return failure(Problem::participant_unavailable,
                   "The database is a standby, which does not show what is prepared.");
  if (reply.is_null(0, 2))
    return failure(Problem::branch_not_prepared, "Nothing is prepared under its gid.");
  if (reply.text(0, 4) != "t")
    return failure(Problem::branch_not_prepared, "It is prepared in the database " +
                                                     reply.text(0, 3) + " of this server, not in " +
                                                     reply.text(0, 8) +
                                                     ": roll it back there, and prepare it here.");
  if (reply.text(0, 7) != "t")
    return failure(Problem::branch_not_prepared,
                   "It is prepared by the role " + reply.text(0, 5) + ", in which " +
                       reply.text(0, 9) +
                       " may not act: prepare it after SET LOCAL ROLE assent_branch, or grant " +
                       reply.text(0, 5) + " to " + reply.text(0, 9) + ".");
  const auto low = static_cast<std::uint32_t>(std::stoul(reply.text(0, 2)));
  return widen_xid(low, std::stoull(reply.text(0, 1)));
}

}  // namespace

awaitable<void> Control::verify(VerifyPrepared verb) {
  const std::string gid = to_string(verb.gid);
  std::vector<Command> commands(1);
  commands[0].sql = verify_sql;
  commands[0].params = {gid.c_str()};
  commands[0].keep = true;
  std::vector<Reply> replies;
  co_await ask(std::move(commands), replies);
  const Reply reply = replies.empty() ? Reply{} : replies[0];
  Verified verified{verb.gid, verb.ask, std::move(verb.peers), judge_verified(reply)};
  if (std::holds_alternative<Xid>(verified.result))
    context_.found[verb.gid] = {reply.text(0, 6), prepared_since(reply, 0, 10)};  // "" for NULL
  context_.report(std::move(verified));
}

}  // namespace assent
