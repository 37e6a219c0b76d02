// What the parts of a Database share.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "participant/postgres/database.hpp"
#include "participant/postgres/work.hpp"

namespace assent {

// A branch that is prepared in the database.
struct FoundBranch {
  std::string role;    // that prepared it; empty: the control connection's
  SteadyTime since{};  // when it was prepared, by the database's clock; none: not known
};

struct Context {
  boost::asio::io_context& io;
  const DatabaseOptions options;
  // Reports one completion; nothing once the database is stopped.
  std::function<void(ParticipantEvent)> report;
  // Starts a coroutine and keeps the whole Database alive until it ends.
  std::function<void(boost::asio::awaitable<void>)> spawn;

  bool stopped = false;
  ServerIdentity server;  // of the life that is up, or of the last one
  TypeNames types;
  // Branches that were found prepared, or whose commit had no answer, and the role that prepared
  // each: it is finished in that role. All others were prepared in `options.statements_role`.
  // What is prepared under such a gid may be another transaction by now, so it is looked at once
  // more before it is committed (P54). The role is a note to spare a refusal; PostgreSQL is asked
  // where it is wrong.
  std::map<Gid, FoundBranch> found;
};

}  // namespace assent
