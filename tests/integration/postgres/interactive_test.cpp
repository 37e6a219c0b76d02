#include "protocol/assent.pb.h"
#include "tests/integration/postgres/harness.hpp"

using namespace assent;
using namespace std::chrono_literals;

namespace {

const Sql debit{"update account set balance = balance - 1 where id = $1", {"11"}, 1};

std::string open_sessions() {
  return shared_cluster().value(
      "select count(*) from pg_stat_activity where application_name like 'assent/stock/%' "
      "and state like 'idle in transaction%'");
}

}  // namespace

TEST_CASE("an interactive branch works over several requests and is prepared") {
  Host host(shared_cluster());
  const Gid gid = new_gid();
  const WorkDone first = host.run(gid, work_of({debit}));
  CHECK(decode(std::get<Results>(first.result)).statements(0).rows_affected() == 1);
  const WorkDone second =
      host.run(gid, work_of({{"select txid_current_if_assigned() is not null"}}));
  CHECK(decode(std::get<Results>(second.result)).statements(0).cells(0).text() == "t");
  CHECK(host.database->statistics().sessions.busy == 1);
  const auto yes = as<PrepareDone::Yes>(host.prepare_open(gid));
  CHECK(shared_cluster().value("select transaction from pg_prepared_xacts where gid = '" +
                               to_string(gid) + "'") == std::to_string(yes.xid));
  CHECK(host.database->statistics().sessions.busy == 0);
  CHECK(host.finish(gid, Outcome::aborted).result == FinishDone::Result::done);
}

TEST_CASE("an interactive branch that only read is committed at once") {
  Host host(shared_cluster());
  const Gid gid = new_gid();
  host.run(gid, work_of({{"select 1"}}));
  as<PrepareDone::ReadOnly>(host.prepare_open(gid));
  CHECK(open_sessions() == "0");
}

TEST_CASE("after a failure the branch is over and its connection released") {
  Host host(shared_cluster());
  const auto work = GENERATE(0, 1, 2);
  const Gid gid = new_gid();
  host.run(gid, work_of({debit}));
  const Work bad = work == 0   ? work_of({{"select 1/0"}})
                   : work == 1 ? work_of({{"commit"}})
                               : work_of({{"update account set balance = 0 where false", {}, 1}});
  const WorkDone failed = host.run(gid, bad);
  CHECK(problem_in(failed) == (work == 0   ? Problem::statement_failed
                               : work == 1 ? Problem::statement_refused
                                           : Problem::expectation_failed));
  CHECK(host.database->statistics().sessions.busy == 0);
  CHECK(open_sessions() == "0");
  CHECK(problem_in(host.prepare_open(gid)) == Problem::session_lost);
}

TEST_CASE("an open branch is dropped: idle, at work, waiting for a session, or unknown") {
  Host host(shared_cluster(), [](DatabaseOptions& options) { options.sessions = 1; });
  const Gid idle = new_gid(), busy = new_gid(), waiting = new_gid();
  host.run(idle, work_of({debit}));
  host.database->perform(DropOpen{idle});
  CHECK(host.wait<Dropped>().gid == idle);
  CHECK(open_sessions() == "0");

  host.database->perform(RunWork{busy, 1, work_of({{"select pg_sleep(60)"}}), Duration(90'000)});
  host.run_until([&] { return host.database->statistics().sessions.busy == 1; });
  host.database->perform(RunWork{waiting, 1, work_of({debit}), Duration(90'000)});
  host.run_until([&] { return host.database->statistics().sessions.waiting == 1; });
  host.database->perform(DropOpen{waiting});
  const WorkDone refused = host.wait<WorkDone>();
  CHECK(refused.gid == waiting);
  CHECK(problem_in(refused) == Problem::rolled_back);
  CHECK(host.wait<Dropped>().gid == waiting);

  host.database->perform(DropOpen{busy});
  host.run_until([&] { return host.events.size() == 2; });
  CHECK(std::holds_alternative<WorkDone>(host.events[0]));  // before Dropped
  CHECK(problem_in(host.wait<WorkDone>()) == Problem::rolled_back);
  CHECK(host.wait<Dropped>().gid == busy);
  CHECK(open_sessions() == "0");

  host.database->perform(DropOpen{new_gid()});
  CHECK(host.events.empty());  // never from inside perform()
  host.wait<Dropped>();
}

TEST_CASE("an open branch whose backend is ended is over") {
  Host host(shared_cluster());
  const Gid gid = new_gid();
  host.run(gid, work_of({debit}));
  shared_cluster().query(
      "select pg_terminate_backend(pid) from pg_stat_activity "
      "where application_name like 'assent/stock/%/session'");
  SECTION("its next statement fails") {
    CHECK(problem_in(host.run(gid, work_of({debit}))) == Problem::participant_unavailable);
  }
  SECTION("its prepare is a no") {
    CHECK(problem_in(host.prepare_open(gid)) == Problem::participant_unavailable);
  }
  as<PrepareDone::Yes>(host.prepare(gid, work_of({debit})));
  host.finish(gid, Outcome::aborted);
}
