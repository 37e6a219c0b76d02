// Phase one: branches under way and open ones.
//
// A one-shot branch borrows a lane for one segment: begin, settings, work and PREPARE with a single
// Sync. An interactive one holds a session from its first statement to its end. Each use of a
// connection begins with RESET ALL, and with the settings of session.hpp, so that nothing the one
// before it may have set in the session is left; the transaction status is looked at before a
// connection goes back.
#pragma once

#include <map>
#include <memory>

#include "participant/postgres/context.hpp"
#include "participant/postgres/control.hpp"
#include "participant/postgres/pool.hpp"

namespace assent {

class Branches {
 public:
  Branches(Context& context, Control& control, Pool& lanes, Pool& sessions)
      : context_(context), control_(control), lanes_(lanes), sessions_(sessions) {}

  boost::asio::awaitable<void> run(RunWork verb);
  boost::asio::awaitable<void> prepare(PrepareBranch verb);
  boost::asio::awaitable<void> drop(DropOpen verb);
  void cancel(const CancelPrepare& verb);

  // Which backends work for which branches now, by pid.
  std::map<int, Gid> sessions() const;

 private:
  struct Branch;
  using BranchPtr = std::shared_ptr<Branch>;
  using Result = decltype(PrepareDone::result);

  boost::asio::awaitable<Result> prepare_one_shot(PrepareBranch verb);
  boost::asio::awaitable<Result> run_one_shot(Branch& branch, Statements& statements,
                                              const PrepareBranch& verb, bool keep);
  boost::asio::awaitable<Result> prepare_open(PrepareBranch verb);
  boost::asio::awaitable<Result> finish_open(Branch& branch, const PrepareBranch& verb);
  boost::asio::awaitable<std::variant<Results, Failure>> work_on(Branch& branch,
                                                                 const RunWork& verb);
  boost::asio::awaitable<void> roll_back(Connection& connection);
  boost::asio::awaitable<void> release(BranchPtr branch);
  boost::asio::awaitable<void> interrupt(BranchPtr branch);
  void end(const Gid& gid, Branch& branch);
  bool is_apart() const;
  Command ours(const char* sql) const;
  boost::asio::awaitable<void> learn_types_of(const Statements& statements);

  Context& context_;
  Control& control_;
  Pool& lanes_;
  Pool& sessions_;
  std::map<Gid, BranchPtr> branches_;
};

}  // namespace assent
