// Phase two: COMMIT PREPARED and ROLLBACK PREPARED.
//
// No commit is tried before its line is in the journal (P44). One that comes alone goes in one
// round trip with its line. Of several that come together, or while lines are being written, the
// lines are one transaction, which costs little more than one line, and the commits follow when it
// is over.
#pragma once

#include <vector>

#include "participant/postgres/context.hpp"
#include "participant/postgres/pool.hpp"

namespace assent {

class Finishing {
 public:
  Finishing(Context& context, Pool& finishers) : context_(context), finishers_(finishers) {}

  boost::asio::awaitable<void> finish(FinishPrepared verb);

 private:
  using Verbs = std::vector<FinishPrepared>;

  boost::asio::awaitable<void> tell_in_turn();
  boost::asio::awaitable<void> tell_and_commit(Verbs commits);
  boost::asio::awaitable<void> finish_alone(FinishPrepared verb);
  boost::asio::awaitable<void> commit_told(Verbs commits);
  const std::string& role_of(const Gid& gid) const;
  void report(FinishDone done);
  void report_again(const Verbs& commits, const std::string& message);

  Context& context_;
  Pool& finishers_;
  Verbs waiting_;         // commits whose lines go together
  bool telling_ = false;  // lines are being written, or about to be
};

}  // namespace assent
