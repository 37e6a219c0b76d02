// How a connection is opened, named and made ready for the use it is for.
#pragma once

#include <cstdint>
#include <string>

#include "participant/postgres/connection.hpp"
#include "participant/postgres/database.hpp"

namespace assent {

// Of sql/participant.sql: the least that this program works with.
inline constexpr int kSchemaVersion = 3;

// "assent/<participant>/": how the backends of a participant are recognised, whatever process
// opened them. PostgreSQL keeps 63 bytes of an application_name, so a long name is shortened to its
// beginning and a hash, which no other name is shortened to.
std::string application_prefix(const std::string& participant);

// 64 bits that name a participant's advisory lock, the same in every version.
std::int64_t advisory_key(const std::string& participant);

// The identity columns, in the order identity_of() reads them; NULL timeline on a standby.
extern const char* const identity_columns;
ServerIdentity identity_of(const Reply& reply, int row);

// Opens a connection and learns its backend's start and the server's identity. False: failure()
// says why.
boost::asio::awaitable<bool> open_session(Connection& connection, ConnectionTarget target,
                                          ServerIdentity& server);

// Has nothing called by its bare name but what is PostgreSQL's own: what others may put into a
// schema of the search path must not run with this role's rights.
boost::asio::awaitable<bool> trust_catalog_only(Connection& connection);

// Adds the prepared statements that begin a branch:
//   assent_begin($1 statement_timeout, $2 lock_timeout or '')   answers the xid
//   assent_open(the same)                                       the same without taking an xid
//   assent_limit($1 statement_timeout)                          for the statements that follow
// and sees that the control connection's lock still stands: a successor that takes the lock after
// this finds the connection in pg_stat_activity and ends it, so that nothing of ours is prepared
// behind its back.
boost::asio::awaitable<bool> prepare_lane(Connection& connection, int control_pid);

// Runs commands that must all succeed. False: the connection is closed and failure() says why.
boost::asio::awaitable<bool> run_all(Connection& connection, std::vector<Command> commands,
                                     std::vector<Reply>& replies, std::chrono::milliseconds within);

}  // namespace assent
